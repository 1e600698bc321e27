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
  /** To whom is met, or may have missed it, while the page is hidden. */
  sayTo(link: Link): void
  stop(): void
}

export function createLease({ clock, page, reachable }: LeaseNeeds): Lease {
  let isHidden = false
  let cancelRenewal: CancelTimer | undefined

  function renew(): void {
    cancelRenewal = clock.setTimer(renew, RENEW_MS)
    for (const link of reachable()) link.sendByAll(encodeLease(MAX_LEASE_MS))
  }

  const stopListening = page?.onHidden((isNow) => {
    cancelRenewal?.()
    if (isNow) renew()
    else if (isHidden) for (const link of reachable()) link.sendByAll(encodeLease(0))
    isHidden = isNow
  })

  return {
    sayTo(link) {
      if (isHidden) link.sendByAll(encodeLease(MAX_LEASE_MS))
    },
    stop() {
      stopListening?.()
      cancelRenewal?.()
    },
  }
}
