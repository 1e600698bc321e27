/**
 * Who can reach whom, as the harness knows it from outside: the truth that observers' opinions are held against. It errs
 * on the side of "down" only where the library is given time: a new connection to a server, a gap that may be noticed.
 */
import type { ConnectionId } from '../../lib/base/ids.ts'
import { isWayOpen } from '../../lib/testing/peer-registry.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { World } from '../../lib/testing/world.ts'
import { currentStay, type Life, type Stay } from './life.ts'

/** A member with a server in reach is on it again after this: a retry of at most 2 s, and the way there. */
const BACK_ON_SERVER_MS = 4_000
/** A connection to a server that lasted less is a failure to its client, which goes on waiting longer and longer. */
const WELL_AFTER_MS = 8_000
/** For so long after the first failure a client tries at least every 2 s. */
const SOON_MS = 55_000
const LATE_RETRY_MS = 33_000
const REMEMBER_GAP_MS = 5_000
/** A way that opens for less lets nothing through that was stopped before. */
const PASSES_AGAIN_MS = 1_500

/** One ordered pair: the first observes the second. */
export interface Pair {
  readonly observer: Life
  readonly subject: Life
  /**
   * For how long it has been up or down without a break. An observer that stands still is not what makes a pair down, and no
   * pair is up for it.
   */
  upMs: number
  downMs: number
  /** How long it was down the last time, and when that ended. */
  lastDownMs: number
  lastDownEndMs: number
  /** The stays for which a data channel has been open without a cut since. */
  direct: { observer: Stay; subject: Stay } | undefined
  wasStill: boolean
}

interface Service {
  okSinceMs: number | undefined
  badSinceMs: number | undefined
}

export interface Reach {
  pair(observer: Life, subject: Life): Pair
  /** Looks at everything; `ms` have passed since the last look. */
  look(lives: readonly Life[], ms: number): void
  /** Whether both are on one server, as the server sees it, with open ways. */
  isServed(one: Life, other: Life): boolean
  /** When a server last saw a socket of its end, in ms. */
  lastEndMs(life: Life): number
}

export interface ReachNeeds {
  readonly world: World
  serversOf(life: Life): readonly VirtualServer[]
}

export function createReach({ world, serversOf }: ReachNeeds): Reach {
  const { scheduler, wires, peers } = world
  const pairs = new Map<Life, Map<Life, Pair>>()
  const services = new Map<Life, Map<VirtualServer, Service>>()

  const isWayOk = (life: Life, server: VirtualServer): boolean =>
    server.isUp &&
    wires.isOpen(life.resident.host.machine, server.machine) &&
    wires.isOpen(server.machine, life.resident.host.machine)

  const serviceOf = (life: Life, server: VirtualServer): Service => {
    const ofLife = services.get(life) ?? new Map<VirtualServer, Service>()
    services.set(life, ofLife)
    const service = ofLife.get(server) ?? { okSinceMs: undefined, badSinceMs: undefined }
    ofLife.set(server, service)
    return service
  }

  /** Follows the way from one member to one server, as its client will have found it. */
  function follow(life: Life, server: VirtualServer): void {
    const nowMs = scheduler.nowMs()
    const service = serviceOf(life, server)
    const { host } = life.resident
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

  const isOn = (life: Life, server: VirtualServer): boolean =>
    isWayOk(life, server) && server.isJoined(life.connectionId as ConnectionId)

  const common = (one: Life, other: Life): VirtualServer[] => {
    const ofOther = serversOf(other)
    return serversOf(one).filter((server) => ofOther.includes(server))
  }

  const isServed = (one: Life, other: Life): boolean =>
    common(one, other).some((server) => isOn(one, server) && isOn(other, server))

  const shouldBeServed = (observer: Life, subject: Life): boolean =>
    common(observer, subject).some((server) =>
      [observer, subject].every((life) => {
        const isStill = life === observer && life.resident.host.state === 'paused'
        return isOn(life, server) || (isWayOk(life, server) && (isStill || hasHadTime(life, server)))
      }),
    )

  /** Once a data channel has been open it stays a way, until the network itself cuts it. */
  function followDirect(pair: Pair, observer: Stay, subject: Stay): boolean {
    const { observer: one, subject: other } = pair
    const isStill = one.resident.host.state === 'paused'
    const areOpen =
      other.resident.host.state === 'running' &&
      wires.isOpen(one.resident.host.machine, other.resident.host.machine) &&
      wires.isOpen(other.resident.host.machine, one.resident.host.machine)
    if (!areOpen || pair.direct?.observer !== observer || pair.direct.subject !== subject) pair.direct = undefined
    // Whether the far end has given it up meanwhile is looked at when it moves again.
    if (pair.wasStill && !isStill) pair.direct = undefined
    pair.wasStill = isStill
    if (areOpen && !isStill && pair.direct === undefined) {
      for (const peer of peers.peers.values()) {
        const { linked } = peer
        if (peer.host !== one.resident.host || linked?.host !== other.resident.host || !peer.isOpen || !linked.isOpen)
          continue
        if (isWayOpen(wires, peer, linked)) pair.direct = { observer, subject }
      }
    }
    return pair.direct !== undefined
  }

  function isUp(pair: Pair): boolean {
    const { observer, subject } = pair
    const [stay, other] = [currentStay(observer), currentStay(subject)]
    if (stay === undefined || other === undefined) return false
    const isDirect = followDirect(pair, stay, other)
    if (subject.resident.host.state !== 'running') return false
    const areTabs = observer.resident.host.machine === subject.resident.host.machine
    return isDirect || areTabs || shouldBeServed(observer, subject)
  }

  const pair = (observer: Life, subject: Life): Pair => {
    const ofObserver = pairs.get(observer) ?? new Map<Life, Pair>()
    pairs.set(observer, ofObserver)
    const known = ofObserver.get(subject)
    if (known !== undefined) return known
    const created: Pair = {
      ...{ observer, subject, upMs: 0, downMs: 0, lastDownMs: 0, lastDownEndMs: 0, direct: undefined, wasStill: false },
    }
    ofObserver.set(subject, created)
    return created
  }

  return {
    pair,
    isServed,
    lastEndMs: (life) => Math.max(...serversOf(life).map((server) => server.lastEndMs(life.resident.host))),
    look(lives, ms) {
      for (const life of lives) for (const server of serversOf(life)) follow(life, server)
      for (const observer of lives) {
        for (const subject of lives) {
          if (subject === observer) continue
          const one = pair(observer, subject)
          const isStill = observer.resident.host.state !== 'running'
          const isNowUp = isUp(one)
          one.upMs = isNowUp && !isStill ? one.upMs + ms : 0
          if (!isNowUp || (one.downMs > 0 && one.upMs < PASSES_AGAIN_MS && !isStill)) one.downMs += ms
          else if (one.downMs > 0) {
            // A long gap is not forgotten over a short one right after it.
            const wasLonger = one.lastDownMs > one.downMs && scheduler.nowMs() - one.lastDownEndMs < REMEMBER_GAP_MS
            if (!wasLonger) Object.assign(one, { lastDownMs: one.downMs, lastDownEndMs: scheduler.nowMs() })
            one.downMs = 0
          }
        }
      }
    },
  }
}
