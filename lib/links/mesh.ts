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
  encodeLease,
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
/** A link that nothing has carried for so long is forgotten: longer than any hold, so that a return needs no hello. */
const FORGET_AFTER_MS = 60_000
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
  /** Whether a server introduces newcomers now. */
  hasServer(): boolean
  onReachable(link: Link): void
  onUnreachable(link: Link, how: CarrierEnd, silentMs: number): void
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
  /** Says on every link that we may be silent for so long. */
  lease(ms: number): void
  stop(): void
}

/** A link and the data channel that is being raised for it or carries it. */
interface Pair {
  readonly link: Link
  direct: DirectConnection | undefined
  directFailures: number
  cancelRetry: CancelTimer | undefined
}

const viaId = (neighbour: ConnectionId): string => `via:${neighbour}`

export function createMesh(needs: MeshNeeds): Mesh {
  const { clock, own, rejects } = needs
  const pairs = new Map<ConnectionId, Pair>()
  let cancelTick = clock.setTimer(tick, TICK_MS)
  let isStopped = false

  const findOrMake = (peer: ConnectionId): Pair | undefined => {
    const known = pairs.get(peer)
    if (known !== undefined) return known
    if (isStopped || peer === own) return undefined
    if (pairs.size >= MAX_MEMBERS - 1) {
      rejects.count('room-full')
      return undefined
    }
    const pair: Pair = { link: makeLink(peer), direct: undefined, directFailures: 0, cancelRetry: undefined }
    pairs.set(peer, pair)
    return pair
  }

  const makeLink = (peer: ConnectionId): Link =>
    createLink({
      peer,
      clock,
      rejects,
      handshake: { hello: { ...needs.hello, peer }, isInitiator: own < peer, random: needs.random },
      onKeys: (link) => renewDirect(link.peer),
      onReachable(link) {
        needs.onReachable(link)
        introduce(link)
      },
      onUnreachable(link, how, silentMs) {
        needs.onUnreachable(link, how, silentMs)
        findNeighbour(link)
      },
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
  }

  function raiseDirect(pair: Pair): void {
    const { createPeerConnection, iceServers } = needs
    const { link } = pair
    if (createPeerConnection === undefined || pair.direct !== undefined || isStopped) return
    if (countDirect() >= MAX_DIRECT) return
    pair.cancelRetry?.()
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
      onEnd(wasOpen) {
        if (pair.direct === connection) pair.direct = undefined
        link.removeCarrier('direct', 'closed')
        if (own < link.peer) retryDirect(pair, wasOpen)
      },
    })
    pair.direct = connection
  }

  function retryDirect(pair: Pair, wasOpen: boolean): void {
    if (isStopped || pairs.get(pair.link.peer) !== pair) return
    const delayMs = wasOpen ? 0 : Math.min(DIRECT_RETRY_MS * 2 ** pair.directFailures++, LONGEST_DIRECT_RETRY_MS)
    pair.cancelRetry = clock.setTimer(() => {
      if (pair.link.isReachable()) raiseDirect(pair)
    }, delayMs)
  }

  const countDirect = (): number => [...pairs.values()].filter(({ direct }) => direct !== undefined).length

  function receiveFrame(link: Link, frame: LinkFrame): void {
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
      case 'lease':
        return link.liveness().grant(frame.ms)
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
    if (to !== undefined && to.isReachable() && to.best()?.kind !== 'via')
      to.send(encodeVia(from.peer, sealed, 'passed'))
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
      send: (sealed) => neighbour.send(encodeVia(peer, sealed)),
      backlogBytes: () => 0,
      close: () => undefined,
    })
  }

  /** Links of ours that carry what we pass on: never by a neighbour again. */
  const neighbours = (): Link[] =>
    [...pairs.values()].flatMap(({ link }) => (link.isReachable() && link.best()?.kind !== 'via' ? [link] : []))

  function answerFind(asker: Link, wanted: readonly ConnectionId[]): void {
    const reachable = new Set(neighbours().map(({ peer }) => peer))
    const peers = wanted.filter((peer) => peer !== asker.peer && reachable.has(peer))
    if (peers.length > 0) asker.send(encodePeers(peers))
  }

  /** Somebody is here whom no server tells the others of: whoever reaches one member reaches all. */
  function introduce(link: Link): void {
    const isKnown = needs.hasServer() && link.carriers().some(({ kind }) => kind === 'relay' || kind === 'tab')
    if (isKnown || link.best()?.kind === 'via') return
    const others = neighbours().filter((neighbour) => neighbour !== link)
    if (others.length === 0) return
    link.send(encodePeers(others.map(({ peer }) => peer)))
    for (const other of others) other.send(encodePeers([link.peer]))
  }

  /** Nothing carries the link any more: whoever reaches its far end shall. */
  function findNeighbour(lost: Link): void {
    for (const neighbour of neighbours()) if (neighbour !== lost) neighbour.send(encodeFind([lost.peer]))
  }

  function tick(): void {
    cancelTick = clock.setTimer(tick, TICK_MS)
    const nowMs = clock.moment().steadyMs
    for (const [peer, { link }] of pairs) {
      const idleSince = link.idleSince()
      if (idleSince !== undefined && nowMs - idleSince > FORGET_AFTER_MS) forget(peer)
      else link.tick()
    }
  }

  function forget(peer: ConnectionId): void {
    const pair = pairs.get(peer)
    if (pair === undefined || !pairs.delete(peer)) return
    pair.cancelRetry?.()
    pair.direct?.close()
    pair.link.close()
  }

  return {
    links: () => [...pairs.values()].map(({ link }) => link),
    addCarrier: (peer, carrier) => findOrMake(peer)?.link.addCarrier(carrier),
    removeCarrier: (peer, carrierId, how) => pairs.get(peer)?.link.removeCarrier(carrierId, how),
    receive: (peer, carrierId, bytes) => pairs.get(peer)?.link.receive(carrierId, bytes),
    drop: forget,
    lease(ms) {
      for (const { link } of pairs.values()) link.send(encodeLease(ms))
    },
    stop() {
      isStopped = true
      cancelTick()
      for (const peer of [...pairs.keys()]) forget(peer)
    },
  }
}
