/** Sends at once, then at most once per interval, and always the last: what is sent is read when it is sent. */
import type { CancelTimer, Clock } from './clock.ts'

export interface Pacer {
  /** Asks for a send: now where the interval has passed, else at its end. */
  request(): void
  /** Sends now what is still asked for: the last before an end. */
  flush(): void
}

export function createPacer(clock: Clock, intervalMs: number, send: () => void): Pacer {
  let lastSentMs = Number.NEGATIVE_INFINITY
  let cancelTimer: CancelTimer | undefined

  const sendNow = () => {
    cancelTimer?.()
    cancelTimer = undefined
    lastSentMs = clock.moment().steadyMs
    send()
  }
  return {
    request() {
      const leftMs = lastSentMs + intervalMs - clock.moment().steadyMs
      // The clock decides, not the timer: a hidden tab's timers are a second or a minute late.
      if (leftMs <= 0) sendNow()
      else cancelTimer ??= clock.setTimer(sendNow, Math.ceil(leftMs))
    },
    flush() {
      if (cancelTimer !== undefined) sendNow()
    },
  }
}
