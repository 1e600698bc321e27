/** When to try a server again: at random below a limit that grows, so that all who lost it at once do not return at once. */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
import {
  FIRST_RETRY_MS,
  HELD_FOR_MS,
  HELD_RETRY_MS,
  LATE_RETRY_MS,
  SHORTEST_RETRY_MS,
  SOON_FOR_MS,
  SOON_RETRY_MS,
} from './timing.ts'

export interface Backoff {
  /** Whether an attempt is still to come. */
  readonly isWaiting: boolean
  /** Calls `attempt` after the next delay; replaces one that is still to come. `wasRefused`: the longest limit at once. */
  schedule(attempt: () => void, options?: { readonly wasRefused?: boolean }): void
  /** Calls the attempt that is waited for now, if there is one. */
  hurry(): void
  /** The server is well: delays begin anew. */
  reset(): void
  stop(): void
}

export function createBackoff(clock: Clock, random: RandomBytes): Backoff {
  let tries = 0
  let lateTries = 0
  let firstFailureMs: number | undefined
  let waiting: { readonly attempt: () => void; readonly cancel: CancelTimer } | undefined

  const stop = () => {
    waiting?.cancel()
    waiting = undefined
  }
  const limitMs = (wasRefused: boolean): number => {
    const nowMs = clock.moment().steadyMs
    firstFailureMs ??= nowMs
    if (wasRefused) return LATE_RETRY_MS
    const failingMs = nowMs - firstFailureMs
    const soonMs = failingMs < HELD_FOR_MS ? HELD_RETRY_MS : SOON_RETRY_MS
    if (failingMs < SOON_FOR_MS) return Math.min(FIRST_RETRY_MS * 2 ** tries++, soonMs)
    return Math.min(SOON_RETRY_MS * 2 ** ++lateTries, LATE_RETRY_MS)
  }
  return {
    get isWaiting() {
      return waiting !== undefined
    },
    schedule(attempt, { wasRefused = false } = {}) {
      stop()
      const delayMs = Math.max(SHORTEST_RETRY_MS, limitMs(wasRefused) * fraction(random))
      const fire = () => {
        waiting = undefined
        attempt()
      }
      waiting = { attempt, cancel: clock.setTimer(fire, delayMs) }
    },
    hurry() {
      const attempt = waiting?.attempt
      stop()
      attempt?.()
    },
    reset() {
      tries = 0
      lateTries = 0
      firstFailureMs = undefined
    },
    stop,
  }
}

/** 0 to 1, in 65,536 steps. */
function fraction(random: RandomBytes): number {
  const [high = 0, low = 0] = random(2)
  return (high * 256 + low) / 65_535
}
