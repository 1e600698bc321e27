/**
 * What a hidden page says beforehand, since it may be frozen without another word: that it will be silent. Whoever has a
 * server that stands for us then does without our answers; others do not.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { Page } from '../base/page.ts'
import { MAX_LEASE_MS } from '../wire/limits.ts'
import { encodeLease } from '../wire/link-frame.ts'
import type { Link } from './link.ts'

/** The timers of a hidden page come once a minute. */
const RENEW_MS = 60_000

export interface LeaseNeeds {
  readonly clock: Clock
  readonly page: Page | undefined
  /** All links that are in reach. */
  reachable(): readonly Link[]
}

/**
 * Says so at once, to all, and again and again while the page is hidden; by every way, since the best one may be dead without a
 * word, and the page be frozen before that is found out.
 */
export interface Lease {
  /** To whom is met, or may have missed it: that the page is hidden, or seen again. */
  sayTo(link: Link): void
  stop(): void
}

export function createLease({ clock, page, reachable }: LeaseNeeds): Lease {
  /** How long we said that we may be silent; 0 once we are seen again. */
  let saidMs: number | undefined
  let cancelRenewal: CancelTimer | undefined

  function say(ms: number): void {
    saidMs = ms
    for (const link of reachable()) link.sendByAll(encodeLease(ms))
  }

  function renew(): void {
    cancelRenewal = clock.setTimer(renew, RENEW_MS)
    say(MAX_LEASE_MS)
  }

  const stopListening = page?.onHidden((isHidden) => {
    cancelRenewal?.()
    if (isHidden) renew()
    else if (saidMs !== undefined) say(0)
  })

  return {
    sayTo(link) {
      if (saidMs !== undefined) link.sendByAll(encodeLease(saidMs))
    },
    stop() {
      stopListening?.()
      cancelRenewal?.()
    },
  }
}
