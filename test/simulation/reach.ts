/**
 * Who can reach whom, as the harness knows it from outside: the truth that observers' opinions are held against. It errs
 * on the side of "down" only where the library is given time: a new connection to a server, a gap that may be noticed.
 */
import type { ConnectionId } from '../../lib/base/ids.ts'
import { isWayOpen } from '../../lib/testing/peer-registry.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { World } from '../../lib/testing/world.ts'
import type { Lies } from './lies.ts'
import { currentStay, type Life, type Stay } from './life.ts'

/** A member with a server in reach is on it again after this: a retry of at most 2 s, and the way there. */
const BACK_ON_SERVER_MS = 4_000
/** A connection to a server that lasted less is a failure to its client, which goes on waiting longer and longer. */
const WELL_AFTER_MS = 8_000
/** For so long after the first failure a client tries at least every 2 s. */
const SOON_MS = 55_000
const LATE_RETRY_MS = 33_000
const REMEMBER_GAP_MS = 5_000
/** A word that was held up for longer than this comes to nobody any more: the socket has been replaced. */
const LATEST_WORD_MS = 15_000
/** A way that opens for less lets nothing through that was stopped before. */
const PASSES_AGAIN_MS = 1_500

/** One ordered pair: the first observes the second. */
export interface Pair {
  readonly observer: Life
  readonly subject: Life
  /** Those that both are given. */
  readonly servers: readonly VirtualServer[]
  /** The memberships that this is about: with a new one all of it begins anew. */
  stays: readonly [Stay, Stay] | undefined
  /**
   * For how long it has been up or down without a break. An observer that stands still is not what makes a pair down, and no
   * pair is up for it.
   */
  upMs: number
  downMs: number
  /** How long it was down the last time, when that ended, and for how long the observer has moved since. */
  lastDownMs: number
  lastDownEndMs: number
  sinceDownMs: number
  longestDownMs: number
  /** When a data channel opened that has not been cut since; Infinity where there is none. */
  directSinceMs: number
  wasStill: boolean
}

interface Service {
  okSinceMs: number | undefined
  /** Since when what the server has said can come, also where it has ended since. */
  hearsSinceMs: number | undefined
  badSinceMs: number | undefined
  /** Since when its process runs: what has come before waited for that. */
  awakeSinceMs: number | undefined
  /** The last time, or this one, that the way to it was broken. */
  loss: { readonly fromMs: number; readonly toMs: number }
}

export interface Reach {
  pair(observer: Life, subject: Life): Pair
  /** Looks at everything; `ms` have passed since the last look. */
  look(lives: readonly Life[], ms: number): void
  /** Whether both are on one server, as the server sees it, with open ways. */
  isServed(one: Life, other: Life): boolean
  /** Whether one server is all that could carry the two since then: no data channel, no tab, and nobody else as a neighbour. */
  isOneWay(one: Life, other: Life, sinceMs: number): boolean
  /** Whether there was no way between the two for all of that time, in their gap now or their last one. */
  wasApart(observer: Life, subject: Life, fromMs: number, toMs: number): boolean
  /** Whether a byte of the second can come to the first at all. */
  canHear(observer: Life, subject: Life): boolean
  /** Since when the ways of the two to their servers were broken that were so at that time. */
  lossesAt(one: Life, other: Life, atMs: number): number[]
  /** When the observer could last be told that a socket of the subject's has ended, in ms. */
  lastEndMs(observer: Life, subject: Life): number
}

export interface ReachNeeds {
  readonly world: World
  readonly lies: Lies | undefined
}

export function createReach({ lies, world }: ReachNeeds): Reach {
  const { scheduler, wires, peers } = world
  const pairs = new Map<Life, Map<Life, Pair>>()
  const services = new Map<Life, Map<VirtualServer, Service>>()
  let everybody: readonly Life[] = []
  let living: readonly Life[] = []

  const isWayOk = (life: Life, server: VirtualServer): boolean =>
    server.isUp &&
    wires.isOpen(life.resident.host.machine, server.machine) &&
    wires.isOpen(server.machine, life.resident.host.machine)

  const serviceOf = (life: Life, server: VirtualServer): Service => {
    const ofLife = services.get(life) ?? new Map<VirtualServer, Service>()
    services.set(life, ofLife)
    const service = ofLife.get(server) ?? {
      ...{ okSinceMs: undefined, hearsSinceMs: undefined, badSinceMs: undefined, awakeSinceMs: undefined },
      loss: { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY },
    }
    ofLife.set(server, service)
    return service
  }

  /** Follows the way from one member to one server, as its client will have found it. */
  function follow(life: Life, server: VirtualServer): void {
    const nowMs = scheduler.nowMs()
    const service = serviceOf(life, server)
    const isLost = service.loss.toMs === Number.POSITIVE_INFINITY
    if (isLost === isWayOk(life, server))
      service.loss = isLost ? { ...service.loss, toMs: nowMs } : { fromMs: nowMs, toMs: Number.POSITIVE_INFINITY }
    const { host } = life.resident
    const hears = wires.isOpen(server.machine, host.machine) && host.state === 'running'
    service.hearsSinceMs = hears ? (service.hearsSinceMs ?? nowMs) : undefined
    service.awakeSinceMs = host.state === 'running' ? (service.awakeSinceMs ?? nowMs) : undefined
    const isOk =
      isWayOk(life, server) && host.state === 'running' && host.pace === 'normal' && currentStay(life) !== undefined
    if (isOk) {
      service.okSinceMs ??= nowMs
      if (nowMs - service.okSinceMs > WELL_AFTER_MS) service.badSinceMs = undefined
    } else {
      service.okSinceMs = undefined
      service.badSinceMs ??= nowMs
    }
  }

  /** Whether the client has had the time to be on the server, whatever it made of it. */
  function hasHadTime(life: Life, server: VirtualServer): boolean {
    const { okSinceMs, badSinceMs } = serviceOf(life, server)
    if (okSinceMs === undefined) return false
    const wasLong = badSinceMs !== undefined && okSinceMs - badSinceMs > SOON_MS
    return scheduler.nowMs() - okSinceMs >= (wasLong ? LATE_RETRY_MS : BACK_ON_SERVER_MS)
  }

  /**
   * When an observer was told of the last end of a subject's sockets that a server saw: as soon as there was a way to it. What
   * had come before waited for a process that stood still; whoever was back by then had not ended.
   */
  function toldMs(observer: Life, server: VirtualServer, subject: Life): number {
    const seenMs = server.lastEndMs(subject.resident.host)
    const { okSinceMs = seenMs, hearsSinceMs = seenMs, awakeSinceMs = seenMs } = serviceOf(observer, server)
    const isBack = server.isJoined(subject.connectionId as ConnectionId)
    const sinceMs = Math.max(okSinceMs, hearsSinceMs, isBack ? seenMs : awakeSinceMs)
    return sinceMs - seenMs < LATEST_WORD_MS ? Math.max(seenMs, sinceMs) : seenMs
  }

  const isOn = (life: Life, server: VirtualServer): boolean =>
    isWayOk(life, server) && server.isJoined(life.connectionId as ConnectionId)

  /** Whether bytes of the second can come to the first: directly, by a server, or by others who pass them on. */
  function canHear(observer: Life, subject: Life): boolean {
    const heard = new Set([subject])
    for (const from of heard) {
      if (from === observer) return true
      for (const to of living) if (to.resident.host.state === 'running' && canSend(from, to)) heard.add(to)
    }
    return false
  }

  function canSend(from: Life, to: Life): boolean {
    const [one, other] = [from.resident.host.machine, to.resident.host.machine]
    if (one === other) return true
    if (from.resident.hasWebRtc && to.resident.hasWebRtc && wires.isOpen(one, other)) return true
    return from.servers.some(
      (server) =>
        to.servers.includes(server) &&
        server.isUp &&
        wires.isOpen(one, server.machine) &&
        wires.isOpen(server.machine, other),
    )
  }

  /** Whether the first has been told that the second has left, and nothing else for long enough since. */
  const isHidden = (one: Life, other: Life): boolean => {
    const hiddenMs = lies?.hiddenMs(one.connectionId as ConnectionId, other.connectionId as ConnectionId)
    return hiddenMs !== undefined && scheduler.nowMs() - hiddenMs < BACK_ON_SERVER_MS
  }
  /** Only the first server lies. */
  const common = (one: Life, other: Life): VirtualServer[] =>
    one.servers.filter(
      (server) =>
        other.servers.includes(server) && !(server === lies?.server && (isHidden(one, other) || isHidden(other, one))),
    )

  const isServed = (one: Life, other: Life): boolean =>
    common(one, other).some((server) => isOn(one, server) && isOn(other, server))

  const shouldBeServed = (observer: Life, subject: Life): boolean =>
    common(observer, subject).some((server) =>
      [observer, subject].every((life) => {
        const isStill = life === observer && life.resident.host.state === 'paused'
        return isOn(life, server) || (isWayOk(life, server) && (isStill || hasHadTime(life, server)))
      }),
    )

  const areLinked = (one: Life, other: Life): boolean => {
    const former = Math.max(...[one, other].map((life) => currentStay(life)?.formerPeers ?? 0))
    for (const peer of peers.peers.values()) {
      const { linked } = peer
      if (Number(peer.name) <= former || peer.host !== one.resident.host || linked?.host !== other.resident.host)
        continue
      const isWell = [peer, linked].every((end) => end.isOpen && end.isConnected)
      if (isWell && isWayOpen(wires, peer, linked)) return true
    }
    return false
  }

  /** Once a data channel has been open it stays a way, until the network itself cuts it. */
  function followDirect(pair: Pair): boolean {
    const { observer: one, subject: other } = pair
    if (!one.resident.hasWebRtc || !other.resident.hasWebRtc) return false
    const isStill = one.resident.host.state === 'paused'
    const areOpen =
      other.resident.host.state === 'running' &&
      wires.isOpen(one.resident.host.machine, other.resident.host.machine) &&
      wires.isOpen(other.resident.host.machine, one.resident.host.machine)
    // Whether the far end has given it up meanwhile is looked at when it moves again.
    if (!areOpen || (pair.wasStill && !isStill)) pair.directSinceMs = Number.POSITIVE_INFINITY
    pair.wasStill = isStill
    const isDirect = Number.isFinite(pair.directSinceMs)
    if (isDirect || !areOpen || isStill || !areLinked(one, other)) return isDirect
    pair.directSinceMs = scheduler.nowMs()
    return true
  }

  function isUp(pair: Pair): boolean {
    const { observer, subject } = pair
    const [stay, other] = [currentStay(observer), currentStay(subject)]
    if (stay === undefined || other === undefined) return false
    const [formerStay, formerOther] = pair.stays ?? []
    // A page that is back knows how long it has not heard the other.
    const isBack = formerStay !== undefined && stay.former === formerStay && other === formerOther
    if (isBack) Object.assign(pair, noDirect(), { stays: [stay, other], upMs: 0 })
    else if (formerStay !== stay || formerOther !== other) Object.assign(pair, fresh(), { stays: [stay, other] })
    const isDirect = followDirect(pair)
    if (subject.resident.host.state !== 'running') return false
    const areTabs = observer.resident.host.machine === subject.resident.host.machine
    return isDirect || areTabs || shouldBeServed(observer, subject)
  }

  const pair = (observer: Life, subject: Life): Pair => {
    const ofObserver = pairs.get(observer) ?? new Map<Life, Pair>()
    pairs.set(observer, ofObserver)
    const known = ofObserver.get(subject)
    if (known !== undefined) return known
    const servers = observer.servers.filter((server) => subject.servers.includes(server))
    const created: Pair = { observer, subject, servers, stays: undefined, longestDownMs: 0, ...fresh() }
    ofObserver.set(subject, created)
    return created
  }

  function followPair(observer: Life, subject: Life, ms: number): void {
    const one = pair(observer, subject)
    const isStill = observer.resident.host.state !== 'running'
    const isNowUp = isUp(one)
    if (!isStill) one.sinceDownMs += ms
    one.upMs = isNowUp && !isStill ? one.upMs + ms : 0
    if (!isNowUp || (one.downMs > 0 && one.upMs < PASSES_AGAIN_MS && !isStill)) one.downMs += ms
    else if (one.downMs > 0) {
      // A long gap is not forgotten over a short one right after it.
      const wasLonger = one.lastDownMs > one.downMs && scheduler.nowMs() - one.lastDownEndMs < REMEMBER_GAP_MS
      if (!wasLonger) Object.assign(one, { lastDownMs: one.downMs, lastDownEndMs: scheduler.nowMs(), sinceDownMs: 0 })
      one.longestDownMs = Math.max(one.longestDownMs, one.downMs)
      one.downMs = 0
    }
  }

  return {
    pair,
    isServed,
    canHear,
    isOneWay(one, other, sinceMs) {
      const hasDirect = one.resident.hasWebRtc && other.resident.hasWebRtc
      const areTabs = one.resident.host.machine === other.resident.host.machine
      const servers = one.servers.filter((server) => other.servers.includes(server))
      const wasThere = ({ stays }: Life) => stays.some(({ endedAtMs = Infinity }) => endedAtMs >= sinceMs)
      const isAlone = !everybody.some((life) => life !== one && life !== other && wasThere(life))
      return !hasDirect && !areTabs && servers.length === 1 && isAlone
    },
    wasApart(observer, subject, fromMs, toMs) {
      const { downMs, lastDownMs, lastDownEndMs } = pair(observer, subject)
      const [endMs, lengthMs] = downMs > 0 ? [scheduler.nowMs(), downMs] : [lastDownEndMs, lastDownMs]
      return endMs - lengthMs <= fromMs && endMs >= toMs
    },
    lossesAt: (one, other, atMs) =>
      pair(one, other)
        .servers.flatMap((server) => [one, other].map((life) => serviceOf(life, server).loss))
        .filter(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs)
        .map(({ fromMs }) => fromMs),
    lastEndMs: (observer, subject) =>
      Math.max(
        ...pair(observer, subject).servers.map((server) => toldMs(observer, server, subject)),
        lies?.hiddenMs(observer.connectionId as ConnectionId, subject.connectionId as ConnectionId) ?? -Infinity,
      ),
    look(lives, ms) {
      everybody = lives
      living = lives.filter(({ resident }) => resident.host.state !== 'dead')
      for (const life of living) for (const server of life.servers) follow(life, server)
      for (const observer of living)
        if (currentStay(observer) !== undefined)
          for (const subject of lives) if (subject !== observer) followPair(observer, subject, ms)
    },
  }
}

const noDirect = () => ({ directSinceMs: Number.POSITIVE_INFINITY, wasStill: false })

const fresh = () => ({
  ...{
    upMs: 0,
    downMs: 0,
    lastDownMs: 0,
    lastDownEndMs: Number.NEGATIVE_INFINITY,
    sinceDownMs: Number.POSITIVE_INFINITY,
  },
  ...noDirect(),
})
