/**
 * The links of one channel: makes one for each other who is met, gives it its carriers, and forgets it when nothing is heard of
 * it any more. Who is present, and what entries say, is not its business.
 */
import type { Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { RandomBytes } from '../base/random.ts'
import type { HelloNeeds } from '../identity/hello.ts'
import { MAX_MEMBERS } from '../wire/limits.ts'
import type { LinkFrame } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import { createDataChannels } from './data-channels.ts'
import { type CreatePeerConnection, DIRECT } from './direct-carrier.ts'
import { createLink, type Link } from './link.ts'
import { createNeighbours } from './neighbours.ts'

/** How often every link is looked at: finer than the times of liveness, but for those of a talk. */
const TICK_MS = 250
/** A link that heard nothing for so long is forgotten: longer than any hold, so that a return needs no hello. */
const FORGET_AFTER_MS = 60_000
/** [T18] A far end that has not proved itself by then is forgotten until it speaks again. */
const HALF_OPEN_MS = 10_000

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
  onReturned(link: Link): void
  /** The link is no more. */
  onForgotten(peer: ConnectionId): void
  /** A frame that is no signal, via, peers or lease. */
  onFrame(link: Link, frame: LinkFrame, carrier: Carrier): void
}

export interface Mesh {
  links(): Link[]
  /** Somebody can be reached by a carrier. */
  addCarrier(peer: ConnectionId, carrier: Carrier): void
  removeCarrier(peer: ConnectionId, carrierId: string, how: CarrierEnd, silentMs?: number): void
  receive(peer: ConnectionId, carrierId: string, bytes: Uint8Array): void
  /** The far end's membership is a newer one than that which our data channel was raised with. */
  replaceChannel(link: Link): void
  /** The far end said goodbye: its link ends. */
  drop(peer: ConnectionId): void
  /** There may be another network: asks everybody, by every way, at once. */
  networkChanged(): void
  /** We are leaving: nobody is met any more. */
  closeDoor(): void
  stop(): void
}

export function createMesh(needs: MeshNeeds): Mesh {
  const { clock, own, random, rejects } = needs
  const met = new Map<ConnectionId, Link>()
  let cancelTick = clock.setTimer(tick, TICK_MS)
  let isStopped = false
  let isDoorClosed = false

  const links = (): Link[] => [...met.values()]
  const isKnown = (link: Link): boolean => met.get(link.peer) === link

  const neighbours = createNeighbours({
    ...{ clock, own, random, rejects, links },
    find: (peer) => met.get(peer),
    findOrMake: (peer) => findOrMake(peer),
  })
  const dataChannels = createDataChannels({
    ...{ clock, own, createPeerConnection: needs.createPeerConnection, iceServers: needs.iceServers },
    onEnd(link, how) {
      removeCarrier(link.peer, DIRECT, how)
      search(link)
    },
  })

  const findOrMake = (peer: ConnectionId): Link | undefined => {
    const known = met.get(peer)
    if (known !== undefined) return known
    if (isStopped || isDoorClosed || peer === own) return undefined
    if (met.size >= MAX_MEMBERS - 1 && !giveWay()) {
      rejects.count('room-full')
      return undefined
    }
    const link = makeLink(peer)
    met.set(peer, link)
    return link
  }

  /**
   * [T18] Who has proved nothing gives way to who comes: first those that only a neighbour named, then the oldest. A link
   * with keys never does.
   */
  function giveWay(): boolean {
    const unproved = links().filter((link) => !link.hasKeys())
    const named = unproved.find((link) => link.carriers().every(({ kind }) => kind === 'via'))
    const { peer } = named ?? unproved[0] ?? {}
    if (peer !== undefined) forget(peer)
    return peer !== undefined
  }

  const makeLink = (peer: ConnectionId): Link =>
    createLink({
      peer,
      clock,
      rejects,
      handshake: { hello: { ...needs.hello, peer }, isInitiator: own < peer, random },
      onKeys(link) {
        needs.onProved(link)
        if (isKnown(link) && !isStopped && !dataChannels.renew(link)) search(link)
      },
      onReachable(link) {
        needs.onReachable(link)
        if (isKnown(link) && !isStopped) dataChannels.resume(link)
        neighbours.introduce(link)
      },
      onUnreachable(link, how, silentMs) {
        needs.onUnreachable(link, how, silentMs)
        neighbours.introduce(link)
        search(link)
      },
      onRerouted(link) {
        needs.onRerouted(link)
        neighbours.makeUpFor(link)
      },
      onReturned: needs.onReturned,
      onFrame: receiveFrame,
    })

  function receiveFrame(link: Link, frame: LinkFrame, carrier: Carrier) {
    switch (frame.kind) {
      case 'signal':
        return isKnown(link) && !isStopped ? dataChannels.receiveSignal(link, frame.signal, frame.json) : undefined
      case 'via':
        return neighbours.passOn(link, frame.far, frame.sealed)
      case 'passed':
        return neighbours.receivePassed(link, frame.far, frame.sealed)
      case 'peers':
        for (const peer of frame.peers) neighbours.hearOf(link, peer)
        return
      case 'find':
        return neighbours.answerFind(link, frame.peers)
      case 'lease':
        return link.liveness().lease(frame.ms)
      default:
        return needs.onFrame(link, frame, carrier)
    }
  }

  function search(link: Link): void {
    if (isKnown(link) && !isStopped) neighbours.search(link)
  }

  function removeCarrier(peer: ConnectionId, carrierId: string, how: CarrierEnd, silentMs = 0): void {
    const link = met.get(peer)
    if (link === undefined) return
    const wasNeighbour = neighbours.isNeighbour(link)
    link.removeCarrier(carrierId, how, silentMs)
    // Nothing was agreed on, and nothing is left to do it by: whoever comes back is met anew, with all the time for it.
    if (!link.hasKeys() && link.carriers().length === 0) forget(peer)
    if (wasNeighbour && !neighbours.isNeighbour(link)) for (const other of links()) neighbours.dropWays(other)
  }

  function tick(): void {
    cancelTick = clock.setTimer(tick, TICK_MS)
    for (const [peer, link] of [...met]) {
      const isForgotten = link.hasKeys()
        ? !link.isReachable() && link.liveness().heardAgoMs() > FORGET_AFTER_MS
        : link.unprovedMs() > HALF_OPEN_MS
      if (isForgotten) {
        forget(peer)
        continue
      }
      neighbours.dropWays(link)
      neighbours.tellDropped(link)
      link.tick()
      neighbours.introduce(link)
      dataChannels.mend(link)
      search(link)
    }
  }

  function forget(peer: ConnectionId): void {
    const link = met.get(peer)
    if (link === undefined || !met.delete(peer)) return
    neighbours.forget(link)
    dataChannels.end(link)
    link.close()
    needs.onForgotten(peer)
    if (!isStopped) for (const other of links()) neighbours.dropWays(other)
  }

  return {
    links,
    addCarrier(peer, carrier) {
      const link = findOrMake(peer)
      // [T33] Whoever offers the way hears that it is not taken, and can offer it again.
      if (link === undefined) carrier.close()
      else link.addCarrier(carrier)
      // Nothing else tells that signals can go again.
      if (carrier.isIntroduction === true && link?.hasKeys()) dataChannels.resume(link)
    },
    removeCarrier,
    receive: (peer, carrierId, bytes) => met.get(peer)?.receive(carrierId, bytes),
    replaceChannel: (link) => dataChannels.replace(link),
    drop: forget,
    networkChanged() {
      for (const link of links()) if (link.hasKeys()) link.liveness().ask(link.carriers())
    },
    closeDoor() {
      isDoorClosed = true
    },
    stop() {
      isStopped = true
      cancelTick()
      for (const peer of [...met.keys()]) forget(peer)
    },
  }
}
