/**
 * The faults of a run in time: what is wrong now, when it ends, and when something last broke or healed near a member.
 * Knows members by number, and not what the faults are.
 */
import type { Undo } from './faults.ts'
import type { Life } from './life.ts'

/** Pipes that lost much are still sending again so long after the losses are over. */
const AFTER_LOSS_MS = 10_000

export interface Trouble {
  /** Something breaks right now that touches these. */
  touch(members: readonly number[]): void
  /** A fault begins, and ends by itself after `forMs`. */
  during(forMs: number, members: readonly number[], undo: Undo): void
  /** Losses until then: everything may take longer. */
  losing(forMs: number): void
  isLosing(): boolean
  /** Whether much was lost, or late, between then and now. */
  hasLostSince(fromMs: number): boolean
  /** A member stands still or has slow timers for `forMs`, and judges nobody until `afterwardsMs` later. */
  slowing(life: Life, forMs: number, undo: Undo, afterwardsMs: number): void
  /** A member judges nobody for so long. */
  confuse(life: Life, forMs: number): void
  /** Undoes what is over by now; everything where `isEnd`. */
  heal(isEnd?: boolean): void
  /** When something last broke or healed near that member. */
  lastMs(member: number): number
  /** When anything last broke or healed anywhere. */
  lastChangeMs(): number
  /** When something last broke near that member. */
  lastBreakMs(member: number): number
  /** Whether anything broke, ended or healed near one of these, or much was lost, in that time. */
  had(members: readonly number[], fromMs: number, toMs: number): boolean
  /** When a member last stood still or had slow timers; `Infinity` while it does. */
  lastSlowMs(life: Life): number
}

export function createTrouble(nowMs: () => number): Trouble {
  const open: { readonly endMs: number; readonly undo: Undo; readonly members: readonly number[] }[] = []
  const touchedMs = new Map<number, number>()
  const brokenMs = new Map<number, number>()
  const slowUntilMs = new Map<Life, number>()
  const changes: { readonly atMs: number; readonly members: readonly number[] }[] = []
  const losses: { readonly fromMs: number; readonly untilMs: number }[] = []

  const change = (members: readonly number[]) => {
    changes.push({ atMs: nowMs(), members })
    for (const member of members) touchedMs.set(member, nowMs())
  }
  const touch = (members: readonly number[]) => {
    change(members)
    for (const member of members) brokenMs.set(member, nowMs())
  }
  const during = (forMs: number, members: readonly number[], undo: Undo) => {
    touch(members)
    open.push({ endMs: nowMs() + forMs, undo, members })
  }
  const lastSlowMs = (life: Life) => slowUntilMs.get(life) ?? Number.NEGATIVE_INFINITY

  return {
    touch,
    during,
    losing(forMs) {
      losses.push({ fromMs: nowMs(), untilMs: nowMs() + forMs + AFTER_LOSS_MS })
    },
    isLosing: () => losses.some(({ untilMs }) => nowMs() < untilMs),
    hasLostSince: (fromMs) => losses.some(({ untilMs }) => fromMs < untilMs),
    slowing(life, forMs, undo, afterwardsMs) {
      slowUntilMs.set(life, Number.POSITIVE_INFINITY)
      during(forMs, [life.member], () => {
        undo()
        const { state, pace } = life.resident.host
        if (state === 'running' && pace === 'normal') slowUntilMs.set(life, nowMs() + afterwardsMs)
      })
    },
    confuse(life, forMs) {
      slowUntilMs.set(life, Math.max(lastSlowMs(life), nowMs() + forMs))
    },
    heal(isEnd = false) {
      const isDue = (fault: (typeof open)[number]) => isEnd || fault.endMs <= nowMs()
      for (const fault of open.filter(isDue)) {
        open.splice(open.indexOf(fault), 1)
        fault.undo()
        change(fault.members)
      }
    },
    lastMs: (member) => touchedMs.get(member) ?? 0,
    lastChangeMs: () => changes.at(-1)?.atMs ?? 0,
    lastBreakMs: (member) => brokenMs.get(member) ?? Number.NEGATIVE_INFINITY,
    had: (members, fromMs, toMs) =>
      changes.some((one) => one.atMs >= fromMs && one.atMs <= toMs && isNear(one.members, members)) ||
      losses.some((loss) => loss.fromMs <= toMs && loss.untilMs >= fromMs),
    lastSlowMs,
  }
}

/** What touches nobody in particular touches whoever passes things on for others. */
const isNear = (touched: readonly number[], members: readonly number[]): boolean =>
  touched.length === 0 || touched.some((member) => members.includes(member))
