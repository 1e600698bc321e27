/** The roster's one outer file: holds the state, and the timer that ends holds. Knows no socket and no listener. */
import type { CancelTimer, Clock, Moment } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Evidence } from '../wire/transport.ts'
import type { Member } from './member.ts'
import {
  applyEvidence,
  emptyRoster,
  expireHolds,
  loseAllPaths,
  nextExpiry,
  postponeHolds,
  type RosterEvent,
  type RosterRules,
  type RosterStep,
  restartHolds,
} from './roster.ts'

/** A timer this late, by either clock, was not late but asleep: nobody is judged by that time. */
const ASLEEP_MS = 5_000
/** One this late was held up: what we stood still is added to every hold. More than the timers of a hidden tab are late. */
const HELD_UP_MS = 1_500
/** While somebody is held we look this often whether we slept: a sleep inside a hold makes its end hardly late. */
const LOOK_MS = 2_000
/** A timer this late was held up with all that came meanwhile: what is still to be read is read first, for so long. */
const LATE_MS = 500
const GRACE_MS = 1_000

export interface RosterKeeper {
  take(evidence: Evidence): void
  members(): Member[]
  find(clientId: ClientId): Member | undefined
  /** Our own ways have all ended: every member is held from now on, one that is held already too. */
  loseAllPaths(): void
  stop(): void
}

export interface RosterKeeperNeeds {
  readonly clock: Clock
  readonly rules: RosterRules
  readonly rejects: RejectCounter
  onEntries(entries: readonly AwarenessEntry[]): void
  onEvents(events: readonly RosterEvent[]): void
}

export function createRosterKeeper(needs: RosterKeeperNeeds): RosterKeeper {
  const { clock, rules, rejects } = needs
  let state = emptyRoster
  let timer:
    | { readonly dueMs: number; readonly setAt: Moment; readonly delayMs: number; readonly cancel: CancelTimer }
    | undefined
  let isInGrace = false

  const settle = (step: RosterStep) => {
    state = step.state
    if (step.rejected !== undefined) rejects.count(step.rejected)
    if (step.entries.length > 0) needs.onEntries(step.entries)
    if (step.events.length > 0) needs.onEvents(step.events)
    schedule(clock.moment())
  }
  const schedule = (now: Moment) => {
    const dueMs = nextExpiry(state)
    if (dueMs === timer?.dueMs) return
    timer?.cancel()
    timer = undefined
    if (dueMs === undefined) return
    setTimer(dueMs, Math.min(LOOK_MS, Math.max(0, Math.ceil(dueMs - now.steadyMs))), now)
  }
  const setTimer = (dueMs: number, delayMs: number, setAt: Moment) => {
    timer = { dueMs, setAt, delayMs, cancel: clock.setTimer(onTimer, delayMs) }
  }
  /** How late the timer is; seen by itself, or before it by whatever comes first. */
  const noticeSleep = (now: Moment): number => {
    if (timer === undefined) return 0
    const { delayMs, setAt } = timer
    const lateMs = Math.max(now.unixMs - setAt.unixMs, now.steadyMs - setAt.steadyMs) - delayMs
    if (lateMs > ASLEEP_MS) state = restartHolds(state, now)
    else if (lateMs > HELD_UP_MS) {
      state = postponeHolds(state, lateMs)
      // Once for each time that we stood still.
      timer = { ...timer, setAt: { unixMs: now.unixMs - delayMs, steadyMs: now.steadyMs - delayMs } }
    }
    return lateMs
  }
  const onTimer = () => {
    const now = clock.moment()
    const isLate = noticeSleep(now) > LATE_MS
    const dueMs = nextExpiry(state)
    timer = undefined
    // Once only: the timers of a hidden tab are always late.
    isInGrace = isLate && !isInGrace && dueMs !== undefined && dueMs <= now.steadyMs
    if (isInGrace && dueMs !== undefined) setTimer(dueMs, GRACE_MS, now)
    else settle(expireHolds(state, now))
  }
  const take = (evidence: Evidence) => {
    const now = clock.moment()
    noticeSleep(now)
    settle(applyEvidence(state, evidence, now, rules))
  }

  return {
    take,
    members: () => [...state.members.values()],
    find: (clientId) => state.members.get(clientId),
    loseAllPaths() {
      const now = clock.moment()
      state = loseAllPaths(state, now)
      schedule(now)
    },
    stop() {
      timer?.cancel()
      timer = undefined
      state = emptyRoster
    },
  }
}
