/**
 * When to try again what failed: later and later, and with chance in it, so that all who lost the same thing at once do not
 * come back at once. Knows no server and no peer: how far the delays grow, its user says.
 */
import type { CancelTimer, Clock } from './clock.ts'
import type { RandomBytes } from './random.ts'

/** What is known of the failures so far. */
export interface Failures {
  /** How many delays there were since the last reset. */
  readonly tries: number
  /** Ms since the first of them began. */
  readonly failingMs: number
  /** The last limit, in ms; 0 at first. */
  readonly lastMs: number
}

export interface BackoffRule {
  /** The longest that the next delay may be, in ms. */
  limitMs(failures: Failures): number
  /** From 0 to 1: the share of its limit that each delay has at least; the rest is left to chance. */
  readonly leastShare: number
  /** No delay is shorter, in ms. */
  readonly shortestMs?: number
}

export interface BackoffNeeds extends BackoffRule {
  readonly clock: Clock
  readonly random: RandomBytes
}

export interface Backoff {
  /** Whether an attempt is still to come. */
  readonly isWaiting: boolean
  /** Calls `attempt` after the next delay; replaces one that is still to come. `limitMs`: a limit that is no part of the growth. */
  schedule(attempt: () => void, options?: { readonly limitMs?: number | undefined }): void
  /** Calls the attempt that is waited for now, if there is one. */
  hurry(): void
  /** Delays begin anew; an attempt that is waited for comes no later than after a first one. */
  reset(): void
  stop(): void
}

export function createBackoff({ clock, random, limitMs, leastShare, shortestMs = 0 }: BackoffNeeds): Backoff {
  const fresh = { tries: 0, lastMs: 0, firstMs: undefined as number | undefined }
  let failures = { ...fresh }
  let waiting: { readonly attempt: () => void; readonly dueMs: number; readonly cancel: CancelTimer } | undefined

  const nowMs = () => clock.moment().steadyMs
  const stop = () => {
    waiting?.cancel()
    waiting = undefined
  }
  const nextLimitMs = (): number => {
    const { tries, lastMs, firstMs = nowMs() } = failures
    const limit = limitMs({ tries, lastMs, failingMs: nowMs() - firstMs })
    failures = { tries: tries + 1, lastMs: limit, firstMs }
    return limit
  }
  const delayBelow = (limit: number): number =>
    Math.max(shortestMs, limit * (leastShare + (1 - leastShare) * fraction(random)))
  const wait = (attempt: () => void, delayMs: number) => {
    stop()
    const fire = () => {
      waiting = undefined
      attempt()
    }
    waiting = { attempt, dueMs: nowMs() + delayMs, cancel: clock.setTimer(fire, delayMs) }
  }
  return {
    get isWaiting() {
      return waiting !== undefined
    },
    schedule(attempt, { limitMs: given } = {}) {
      failures.firstMs ??= nowMs()
      wait(attempt, delayBelow(given ?? nextLimitMs()))
    },
    hurry() {
      const attempt = waiting?.attempt
      stop()
      attempt?.()
    },
    reset() {
      failures = { ...fresh }
      if (waiting === undefined) return
      const delayMs = delayBelow(limitMs({ tries: 0, lastMs: 0, failingMs: 0 }))
      if (nowMs() + delayMs < waiting.dueMs) wait(waiting.attempt, delayMs)
    },
    stop,
  }
}

/** 0 to 1, in 65,536 steps. */
function fraction(random: RandomBytes): number {
  const [high = 0, low = 0] = random(2)
  return (high * 256 + low) / 65_535
}
