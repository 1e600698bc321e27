/** When our entry is said again without a change: before stock peers forget it, and when one of them says we are gone. */
import type { CancelTimer, Clock } from '../base/clock.ts'
import { OBJECTION_MS, RENEW_MS } from './timing.ts'

export interface Renewal {
  /** The entry was sent now. */
  published(): void
  /** A message came: renews if the timer should have fired already, as in a hidden tab. */
  catchUp(): void
  /** Somebody said that we are gone: says that we are not, at most once per `OBJECTION_MS`. */
  object(): void
  stop(): void
}

export function createRenewal(clock: Clock, renew: () => void): Renewal {
  let publishedAtMs = 0
  let objectedAtMs = Number.NEGATIVE_INFINITY
  let cancel: CancelTimer | undefined
  let isStopped = false

  const dueInMs = (): number => publishedAtMs + RENEW_MS - clock.moment().steadyMs

  function watch(): void {
    if (dueInMs() <= 0) renew()
    cancel = isStopped ? undefined : clock.setTimer(watch, Math.max(dueInMs(), 1))
  }

  return {
    published() {
      publishedAtMs = clock.moment().steadyMs
      if (!isStopped) cancel ??= clock.setTimer(watch, RENEW_MS)
    },
    catchUp() {
      if (cancel !== undefined && dueInMs() <= 0) renew()
    },
    object() {
      const { steadyMs } = clock.moment()
      if (cancel === undefined || steadyMs - objectedAtMs < OBJECTION_MS) return
      objectedAtMs = steadyMs
      renew()
    },
    stop() {
      isStopped = true
      cancel?.()
      cancel = undefined
    },
  }
}
