/**
 * The links of one channel: meets others by tabs, servers and neighbours, gives each link its carriers, raises data
 * channels, and passes on what two neighbours of ours cannot tell each other directly. Who is present, and what entries
 * say, is not its business.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { RandomBytes } from '../base/random.ts'
import type { HelloNeeds } from '../identity/hello.ts'
import { MAX_MEMBERS } from '../wire/limits.ts'
import {
  encodeFind,
  encodePeers,
  encodeSignal,
  encodeVia,
  type LinkFrame,
  type SignalKind,
} from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import { type CreatePeerConnection, createDirectConnection, type DirectConnection } from './direct-carrier.ts'
import { createLink, type Link } from './link.ts'

/** How often every link is looked at: so much finer than the times of liveness are. */
const TICK_MS = 250
/** A link that heard nothing for so long is forgotten: longer than any hold, so that a return needs no hello. */
const FORGET_AFTER_MS = 60_000
/** A far end that has not proved itself by then is forgotten until it speaks again. */
const HALF_OPEN_MS = 10_000
/** How many neighbours are asked at once for one who is lost, and how long and how often others are. */
const ASKED_AT_ONCE = 3
const ASK_FOR_MS = 15_000
const ASK_AGAIN_MS = 3_000
/** Data channels of one channel; members beyond are served by the relay. */
export const MAX_DIRECT = 24
/** After a data channel failed, the next try: doubled each time, up to a minute. */
const DIRECT_RETRY_MS = 4_000
const LONGEST_DIRECT_RETRY_MS = 60_000

export interface MeshNeeds {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly own: ConnectionId
  readonly hello: Omit<HelloNeeds, 'attempt' | 'peer'>
  readonly rejects: RejectCounter
  readonly createPeerConnection: CreatePeerConnection | undefined
  readonly iceServers: readonly RTCIceServer[]
  /** The far end has proved itself, and our secret with it. */
  onProved(link: Link): void
  onReachable(link: Link): void
  onUnreachable(link: Link, how: CarrierEnd, silentMs: number): void
  onRerouted(link: Link): void
  /** The link is no more. */
  onForgotten(peer: ConnectionId): void
  /** A frame that is no signal, via or peers. */
  onFrame(link: Link, frame: LinkFrame): void
}

export interface Mesh {
  links(): Link[]
  /** Somebody can be reached by a carrier. */
  addCarrier(peer: ConnectionId, carrier: Carrier): void
  removeCarrier(peer: ConnectionId, carrierId: string, how: CarrierEnd): void
  receive(peer: ConnectionId, carrierId: string, bytes: Uint8Array): void
  /** The far end said goodbye: its link ends. */
  drop(peer: ConnectionId): void
  stop(): void
}

/** A link and the data channel that is being raised for it or carries it. */
interface Pair {
  readonly link: Link
  readonly bornMs: number
  /** Since when its far end is looked for, and when neighbours were last asked, in steady ms. */
  search: { readonly sinceMs: number; askedMs: number } | undefined
  direct: DirectConnection | undefined
  directFailures: number
  cancelRetry: CancelTimer | undefined
}

const VIA = 'via:'
const viaId = (neighbour: ConnectionId): string => `${VIA}${neighbour}`
const neighbourOf = (id: string): ConnectionId => id.slice(VIA.length) as ConnectionId

/** Where a link's far end was met: those of one meeting meet each other there. */
const meetingsOf = (link: Link): string[] =>
  link.carriers().flatMap(({ id, kind }) => (kind === 'relay' || kind === 'tab' ? [id] : []))

export function createMesh(needs: MeshNeeds): Mesh {
  const { clock, own, rejects } = needs
  const pairs = new Map<ConnectionId, Pair>()
  let cancelTick = clock.setTimer(tick, TICK_MS)
  let isStopped = false

  const findOrMake = (peer: ConnectionId): Pair | undefined => {
    const known = pairs.get(peer)
    if (known !== undefined) return known
    if (isStopped || peer === own) return undefined
    if (pairs.size >= MAX_MEMBERS - 1 && !giveWay()) {
      rejects.count('room-full')
      return undefined
    }
    const pair: Pair = {
      link: makeLink(peer),
      bornMs: clock.moment().steadyMs,
      search: undefined,
      direct: undefined,
      directFailures: 0,
      cancelRetry: undefined,
    }
    pairs.set(peer, pair)
    return pair
  }

  /**
   * [T18] Who has proved nothing gives way to who comes: first those that only a neighbour named, then the oldest. A link
   * with keys never does.
   */
  function giveWay(): boolean {
    const unproved = [...pairs].filter(([, { link }]) => !link.hasKeys())
    const named = unproved.find(([, { link }]) => link.carriers().every(({ kind }) => kind === 'via'))
    const [peer] = named ?? unproved[0] ?? []
    if (peer !== undefined) forget(peer)
    return peer !== undefined
  }

  const makeLink = (peer: ConnectionId): Link =>
    createLink({
      peer,
      clock,
      rejects,
      handshake: { hello: { ...needs.hello, peer }, isInitiator: own < peer, random: needs.random },
      onKeys(link) {
        needs.onProved(link)
        renewDirect(link.peer)
      },
      onReachable(link) {
        needs.onReachable(link)
        // The next try came while no signal could go.
        const pair = pairs.get(link.peer)
        if (pair !== undefined && own < link.peer && pair.cancelRetry === undefined) raiseDirect(pair)
        introduce(link)
      },
      onUnreachable(link, how, silentMs) {
        needs.onUnreachable(link, how, silentMs)
        search(link)
      },
      onRerouted: needs.onRerouted,
      onFrame: receiveFrame,
    })

  /**
   * A data channel that is open goes on under new keys: whoever stands between the two can ask for new ones at any time.
   * One that never opened may have lost its signals with the old keys.
   */
  function renewDirect(peer: ConnectionId): void {
    const pair = pairs.get(peer)
    if (pair === undefined || pair.link.carriers().some(({ kind }) => kind === 'direct')) return
    pair.direct?.close()
    raiseDirect(pair)
    if (pair.direct === undefined) search(pair.link)
  }

  function raiseDirect(pair: Pair): void {
    const { createPeerConnection, iceServers } = needs
    const { link } = pair
    if (createPeerConnection === undefined || pair.direct !== undefined || isStopped) return
    if (countDirect() >= MAX_DIRECT) return
    pair.cancelRetry?.()
    pair.cancelRetry = undefined
    const connection = createDirectConnection({
      createPeerConnection,
      iceServers,
      isOfferer: own < link.peer,
      clock,
      sendSignal: (kind, json) => link.sendSignal(encodeSignal(kind, json)),
      onOpen(carrier) {
        pair.directFailures = 0
        link.addCarrier(carrier)
      },
      onData: (bytes) => link.receive('direct', bytes),
      onEnd(how, wasOpen) {
        if (pair.direct === connection) pair.direct = undefined
        removeCarrier(link.peer, 'direct', how)
        if (own < link.peer) retryDirect(pair, wasOpen)
        search(link)
      },
    })
    pair.direct = connection
  }

  function retryDirect(pair: Pair, wasOpen: boolean): void {
    if (isStopped || pairs.get(pair.link.peer) !== pair) return
    const delayMs = wasOpen ? 0 : Math.min(DIRECT_RETRY_MS * 2 ** pair.directFailures++, LONGEST_DIRECT_RETRY_MS)
    pair.cancelRetry = clock.setTimer(() => {
      pair.cancelRetry = undefined
      if (pair.link.isReachable()) raiseDirect(pair)
    }, delayMs)
  }

  const countDirect = (): number => [...pairs.values()].filter(({ direct }) => direct !== undefined).length

  function receiveFrame(link: Link, frame: LinkFrame) {
    switch (frame.kind) {
      case 'signal':
        return receiveSignal(link, frame.signal, frame.json)
      case 'via':
        return passOn(link, frame.far, frame.sealed)
      case 'passed':
        return receivePassed(link, frame.far, frame.sealed)
      case 'peers':
        for (const peer of frame.peers) meetThrough(link, peer)
        return
      case 'find':
        return answerFind(link, frame.peers)
      default:
        return needs.onFrame(link, frame)
    }
  }

  function receiveSignal(link: Link, kind: SignalKind, json: string): void {
    const pair = pairs.get(link.peer)
    if (pair === undefined) return
    // An offer of somebody whose connection has ended, there or here, begins a new one.
    const isOffer = kind === 'description' && own > link.peer
    if (isOffer && pair.direct?.isReplacedBy(json)) pair.direct.close()
    if (isOffer && pair.direct === undefined) raiseDirect(pair)
    pair.direct?.receiveSignal(kind, json)
  }

  /** We are the neighbour of both: what the one has for the other goes on, sealed as it came, and only once. */
  function passOn(from: Link, far: ConnectionId, sealed: Uint8Array): void {
    const to = pairs.get(far)?.link
    if (to !== undefined && isNeighbour(to)) to.send(encodeVia(from.peer, sealed, 'passed'))
  }

  function receivePassed(neighbour: Link, far: ConnectionId, sealed: Uint8Array): void {
    meetThrough(neighbour, far)
    pairs.get(far)?.link.receive(viaId(neighbour.peer), sealed)
  }

  function meetThrough(neighbour: Link, peer: ConnectionId): void {
    if (peer === own || peer === neighbour.peer) return
    findOrMake(peer)?.link.addCarrier({
      id: viaId(neighbour.peer),
      kind: 'via',
      isPrivate: false,
      // Never by a neighbour of the neighbour: two who lost everybody would ask each other in a circle.
      send(sealed) {
        if (isNeighbour(neighbour)) neighbour.send(encodeVia(peer, sealed))
      },
      admit: (byteCount) => neighbour.best()?.admit?.(byteCount) ?? true,
      backlogBytes: () => 0,
      close: () => undefined,
    })
  }

  /** Whether a link of ours carries what we pass on: never by a neighbour again. */
  const isNeighbour = (link: Link): boolean => {
    const kind = link.isReachable() ? link.best()?.kind : undefined
    return kind !== undefined && kind !== 'via'
  }
  const neighbours = (): Link[] => [...pairs.values()].flatMap(({ link }) => (isNeighbour(link) ? [link] : []))

  function answerFind(asker: Link, wanted: readonly ConnectionId[]): void {
    const reachable = new Set(neighbours().map(({ peer }) => peer))
    const peers = wanted.filter((peer) => peer !== asker.peer && reachable.has(peer))
    if (peers.length > 0) asker.send(encodePeers(peers))
  }

  /** Two of ours who do not meet where we met them hear of each other by us: whoever reaches one member reaches all. */
  function introduce(link: Link): void {
    if (!isNeighbour(link)) return
    const meetings = meetingsOf(link)
    const others = neighbours().filter(
      (other) => other !== link && !meetingsOf(other).some((meeting) => meetings.includes(meeting)),
    )
    if (others.length === 0) return
    link.send(encodePeers(others.map(({ peer }) => peer)))
    for (const other of others) other.send(encodePeers([link.peer]))
  }

  /** Nothing that answers carries the link: whoever reaches its far end shall. Some are asked at a time, and not for ever. */
  function search(link: Link): void {
    const pair = pairs.get(link.peer)
    if (pair === undefined || isStopped || !link.hasKeys()) return
    const best = link.best()
    if (best !== undefined && !link.liveness().isSuspect(best.id)) {
      pair.search = undefined
      return
    }
    const nowMs = clock.moment().steadyMs
    pair.search ??= { sinceMs: nowMs, askedMs: Number.NEGATIVE_INFINITY }
    if (nowMs - pair.search.sinceMs > ASK_FOR_MS || nowMs - pair.search.askedMs < ASK_AGAIN_MS) return
    pair.search.askedMs = nowMs
    const all = neighbours()
    const first = (needs.random(1)[0] ?? 0) % Math.max(1, all.length)
    const asked = [...all.slice(first), ...all.slice(0, first)].slice(0, ASKED_AT_ONCE)
    for (const neighbour of asked) neighbour.send(encodeFind([link.peer]))
  }

  /** Ways through a neighbour end when it is none any more. */
  function dropWays({ link }: Pair): void {
    for (const { id, kind } of link.carriers()) {
      const neighbour = kind === 'via' ? pairs.get(neighbourOf(id))?.link : undefined
      if (kind === 'via' && (neighbour === undefined || !isNeighbour(neighbour))) link.removeCarrier(id, 'lost')
    }
  }

  function removeCarrier(peer: ConnectionId, carrierId: string, how: CarrierEnd): void {
    const link = pairs.get(peer)?.link
    if (link === undefined) return
    const wasNeighbour = isNeighbour(link)
    link.removeCarrier(carrierId, how)
    if (wasNeighbour && !isNeighbour(link)) for (const pair of [...pairs.values()]) dropWays(pair)
  }

  function tick(): void {
    cancelTick = clock.setTimer(tick, TICK_MS)
    const nowMs = clock.moment().steadyMs
    for (const [peer, pair] of [...pairs]) {
      const { bornMs, link } = pair
      const isForgotten = link.hasKeys()
        ? !link.isReachable() && link.liveness().heardAgoMs() > FORGET_AFTER_MS
        : nowMs - bornMs > HALF_OPEN_MS
      if (isForgotten) {
        forget(peer)
        continue
      }
      dropWays(pair)
      link.tick()
      search(link)
    }
  }

  function forget(peer: ConnectionId): void {
    const pair = pairs.get(peer)
    if (pair === undefined || !pairs.delete(peer)) return
    pair.cancelRetry?.()
    pair.direct?.close()
    pair.link.close()
    needs.onForgotten(peer)
    if (!isStopped) for (const other of [...pairs.values()]) dropWays(other)
  }

  return {
    links: () => [...pairs.values()].map(({ link }) => link),
    addCarrier: (peer, carrier) => findOrMake(peer)?.link.addCarrier(carrier),
    removeCarrier,
    receive: (peer, carrierId, bytes) => pairs.get(peer)?.link.receive(carrierId, bytes),
    drop: forget,
    stop() {
      isStopped = true
      cancelTick()
      for (const peer of [...pairs.keys()]) forget(peer)
    },
  }
}
