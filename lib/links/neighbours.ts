/**
 * Ways through a neighbour of both: passes on what two of ours cannot tell each other, introduces those who do not meet where
 * we met them, and looks for whoever is lost. What is passed on is sealed between its two ends.
 */
import { type Allowance, createAllowance, type Rates } from '../base/allowance.ts'
import type { Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { RandomBytes } from '../base/random.ts'
import { rotated } from '../base/rotated.ts'
import { createTokenBucket, type TokenBucket } from '../base/token-bucket.ts'
import { MAX_MEMBERS } from '../wire/limits.ts'
import { encodeFind, encodePeers, encodeVia } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import { type Carrier, createLosses, MAX_BACKLOG_BYTES } from './carrier.ts'
import type { Link } from './link.ts'

/** How many neighbours are asked at once for one who is lost, and how long and how often others are. */
const ASKED_AT_ONCE = 3
const ASK_FOR_MS = 15_000
const ASK_AGAIN_MS = 3_000
/**
 * What we pass on for one neighbour. By a server it goes by our own socket, as our messages do, of whose rates one neighbour
 * can take a part only; a whole document fits in at once.
 */
const PASSED_RATES: Rates = {
  bytes: { perSecond: 131_072, burst: 393_216 },
  frames: { perSecond: 100, burst: 300 },
}
/** What we let one neighbour pass on of what can wait; the rest is for hellos, questions and signals. */
const SENT_RATES: Rates = {
  bytes: { perSecond: 98_304, burst: 294_912 },
  frames: { perSecond: 75, burst: 225 },
}

/** [T37] A neighbour can introduce a whole channel, and again what half-open links make room for in their 10 s. */
const NEWCOMERS = { perSecond: 13, burst: MAX_MEMBERS }

export interface NeighboursNeeds {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly own: ConnectionId
  readonly rejects: RejectCounter
  links(): Link[]
  find(peer: ConnectionId): Link | undefined
  /** The link to somebody who may be there; undefined where there is no room. */
  findOrMake(peer: ConnectionId): Link | undefined
}

export interface Neighbours {
  /** Whether a link of ours carries what we pass on: never by a neighbour again. */
  isNeighbour(link: Link): boolean
  /**
   * We are the neighbour of both: what the one has for the other goes on, sealed as it came, and only once. Where the one
   * has had too much passed on, or the other does not read, it is dropped, and the one hears of the other again soon.
   */
  passOn(from: Link, far: ConnectionId, sealed: Uint8Array): void
  receivePassed(neighbour: Link, far: ConnectionId, sealed: Uint8Array): void
  /** That neighbour reaches somebody: one more way to it, or one that lost something. */
  hearOf(neighbour: Link, peer: ConnectionId): void
  answerFind(asker: Link, wanted: readonly ConnectionId[]): void
  /**
   * Two of ours who do not meet where we met them hear of each other by us: whoever reaches one member reaches all. Once, since
   * we reach it by ourselves, which may be later than we met; one who is out of reach now, once it is back.
   */
  introduce(link: Link): void
  /**
   * What was last said on the link may be lost: whom it introduced is introduced again, what went through its far end is said
   * anew, and so is what we passed on to it.
   */
  makeUpFor(link: Link): void
  /** Nothing that answers carries the link: whoever reaches its far end shall. Some are asked at a time, and not for ever. */
  search(link: Link): void
  /** Ways through a neighbour end when it is none any more. */
  dropWays(link: Link): void
  /** A neighbour for whom we dropped something says anew what was last said by us, as often as this is called at most. */
  tellDropped(neighbour: Link): void
  /** The link is no more. */
  forget(link: Link): void
}

const VIA = 'via:'
const viaId = (neighbour: ConnectionId): string => `${VIA}${neighbour}`
const neighbourOf = (id: string): ConnectionId => id.slice(VIA.length) as ConnectionId

/** Where a link's far end was met: those of one meeting meet each other there. */
const meetingsOf = (link: Link): string[] =>
  link.carriers().flatMap(({ id, kind }) => (kind === 'relay' || kind === 'tab' ? [id] : []))

function isNeighbour(link: Link): boolean {
  const kind = link.isReachable() ? link.best()?.kind : undefined
  return kind !== undefined && kind !== 'via'
}

export function createNeighbours(needs: NeighboursNeeds): Neighbours {
  const { clock, own } = needs
  /** For whom we look: since when, and when neighbours were last asked, in steady ms. */
  const searches = new Map<Link, { readonly sinceMs: number; askedMs: number }>()

  /** What we passed on for one: to whom, and for whom something of it was dropped or lost. */
  const passed = new WeakMap<
    Link,
    { readonly allow: Allowance; readonly served: WeakSet<Link>; readonly dropped: Set<ConnectionId> }
  >()
  const sent = new WeakMap<Link, Allowance>()
  /** Who was looked at since we reach it by ourselves, and whether there was anybody to introduce it to, then or later. */
  const introduced = new WeakMap<Link, boolean>()
  /** Those whom each neighbour may still name who are new to us. */
  const named = new WeakMap<Link, TokenBucket>()

  const all = (): Link[] => needs.links().filter(isNeighbour)

  const wayBy = (neighbour: Link, link: Link | undefined): Carrier | undefined =>
    link?.carriers().find(({ id }) => id === viaId(neighbour.peer))

  function mayName(neighbour: Link): boolean {
    const allowance = named.get(neighbour) ?? createTokenBucket(NEWCOMERS, () => clock.moment().steadyMs)
    named.set(neighbour, allowance)
    return allowance.take(1)
  }

  function meetThrough(neighbour: Link, peer: ConnectionId): void {
    if (peer === own || peer === neighbour.peer) return
    if (needs.find(peer) === undefined && !mayName(neighbour)) return
    const link = needs.findOrMake(peer)
    if (link === undefined || wayBy(neighbour, link) !== undefined) return
    const allow = sent.get(neighbour) ?? createAllowance(clock, SENT_RATES)
    sent.set(neighbour, allow)
    // Never by a neighbour of the neighbour: two who lost everybody would ask each other in a circle, for room as well.
    const way = (): Carrier | undefined => (isNeighbour(neighbour) ? neighbour.best() : undefined)
    link.addCarrier({
      ...createLosses(() => way()?.backlogBytes() ?? 0),
      id: viaId(neighbour.peer),
      kind: 'via',
      isPrivate: false,
      send(sealed) {
        if (way() !== undefined) neighbour.send(encodeVia(peer, sealed))
      },
      admit(byteCount, isEntry) {
        const carrier = way()
        if (carrier === undefined) return true
        return allow(byteCount) && (carrier.admit?.(byteCount, isEntry) ?? true)
      },
      close: () => undefined,
    })
  }

  return {
    isNeighbour,
    passOn(from, far, sealed) {
      const to = needs.find(far)
      const way = to?.best()
      if (to === undefined || way === undefined || !isNeighbour(to)) return
      const { allow, served, dropped } = passed.get(from) ?? {
        allow: createAllowance(clock, PASSED_RATES),
        served: new WeakSet<Link>(),
        dropped: new Set<ConnectionId>(),
      }
      passed.set(from, { allow, served, dropped })
      const frame = encodeVia(from.peer, sealed, 'passed')
      const hasRoom = way.backlogBytes() + frame.length <= MAX_BACKLOG_BYTES
      if (hasRoom && allow(frame.length) && (way.admit?.(frame.length, false) ?? true)) {
        served.add(to)
        return to.send(frame)
      }
      needs.rejects.count('too-often')
      dropped.add(far)
    },
    receivePassed(neighbour, far, sealed) {
      meetThrough(neighbour, far)
      needs.find(far)?.receive(viaId(neighbour.peer), sealed)
    },
    hearOf(neighbour, peer) {
      wayBy(neighbour, needs.find(peer))?.lose?.()
      meetThrough(neighbour, peer)
    },
    answerFind(asker, wanted) {
      const reachable = new Set(all().map(({ peer }) => peer))
      const peers = wanted.filter((peer) => peer !== asker.peer && reachable.has(peer))
      if (peers.length > 0) asker.send(encodePeers(peers))
    },
    introduce(link) {
      if (!isNeighbour(link)) return void introduced.delete(link)
      if (introduced.has(link)) return
      const meetings = meetingsOf(link)
      const others = all().filter(
        (other) => other !== link && !meetingsOf(other).some((meeting) => meetings.includes(meeting)),
      )
      introduced.set(link, others.length > 0)
      if (others.length === 0) return
      link.send(encodePeers(others.map(({ peer }) => peer)))
      for (const other of others) {
        introduced.set(other, true)
        other.send(encodePeers([link.peer]))
      }
    },
    makeUpFor(link) {
      // Those of one server, which has ended, met by it: they need nobody.
      if (introduced.get(link) === true) introduced.delete(link)
      for (const other of needs.links()) {
        wayBy(link, other)?.lose?.()
        const { served, dropped } = passed.get(other) ?? {}
        if (served?.delete(link)) dropped?.add(link.peer)
      }
    },
    search(link) {
      if (!link.hasKeys()) return
      const best = link.best()
      if (best !== undefined && !link.liveness().isOverdue(best.id)) return void searches.delete(link)
      const nowMs = clock.moment().steadyMs
      const search = searches.get(link) ?? { sinceMs: nowMs, askedMs: Number.NEGATIVE_INFINITY }
      searches.set(link, search)
      if (nowMs - search.sinceMs > ASK_FOR_MS || nowMs - search.askedMs < ASK_AGAIN_MS) return
      search.askedMs = nowMs
      const neighbours = all()
      for (const neighbour of rotated(neighbours, needs.random(1)[0] ?? 0).slice(0, ASKED_AT_ONCE))
        neighbour.send(encodeFind([link.peer]))
    },
    dropWays(link) {
      for (const { id, kind } of link.carriers()) {
        const neighbour = kind === 'via' ? needs.find(neighbourOf(id)) : undefined
        if (kind === 'via' && (neighbour === undefined || !isNeighbour(neighbour))) link.removeCarrier(id, 'lost')
      }
    },
    tellDropped(neighbour) {
      const dropped = passed.get(neighbour)?.dropped
      if (dropped === undefined || dropped.size === 0) return
      neighbour.send(encodePeers([...dropped]))
      dropped.clear()
    },
    forget: (link) => void searches.delete(link),
  }
}
