/** When to try a server again. The stock providers' own timers cannot be stopped, so we keep the time for them. */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'

const FIRST_MS = 100
/** A restarted server is noticed within this: values flow again at most 1 s after it is back. */
const SOON_MS = 1_000
/** After about ten seconds of failures nobody waits for this server, and all the others who lost it try it too. */
const SOON_TRIES = 16
const LATER_MS = 5_000
/** A server that refused us on purpose (close codes 4400 to 4499) is asked again, but seldom. */
const REFUSED_MS = 30_000

export interface Backoff {
  /** Calls `attempt` after the next delay; replaces one that is still to come. */
  schedule(attempt: () => void, options?: { wasRefused?: boolean }): void
  /** The server is well: the next delay is a short one. */
  reset(): void
  stop(): void
}

export function createBackoff(clock: Clock, random: RandomBytes): Backoff {
  let tries = 0
  let cancel: CancelTimer = () => undefined
  return {
    schedule(attempt, { wasRefused = false } = {}) {
      cancel()
      const longest = wasRefused ? REFUSED_MS : tries < SOON_TRIES ? SOON_MS : LATER_MS
      const window = Math.min(FIRST_MS * 2 ** tries++, longest)
      const jitter = ((random(1)[0] ?? 0) / 255) * (wasRefused ? longest / 2 : window / 2)
      cancel = clock.setTimer(attempt, wasRefused ? longest - jitter : window - jitter)
    },
    reset() {
      tries = 0
    },
    stop: () => cancel(),
  }
}
