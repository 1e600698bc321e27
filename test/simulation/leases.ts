/**
 * Pages that nobody looks at, which said so before they were frozen, and who heard it: a server keeps them among those. Knows
 * what was said, not what comes of it.
 */
import { MAX_LEASE_MS } from '../../lib/wire/limits.ts'
import type { Faults, Undo } from './faults.ts'
import { currentStay, type Life, type Stay } from './life.ts'
import type { Reach } from './reach.ts'
import type { Trouble } from './trouble.ts'

/** Who has been in reach for so long has met the page, and hears what it says. */
const MET_MS = 5_000

interface Hidden {
  readonly sinceMs: number
  readonly knownBy: Set<Stay>
  /** What lets it go on, and since when it stands still. */
  thaw: Undo | undefined
  suspendedMs: number | undefined
}

export interface Leases {
  /** The page is hidden until the end of what is returned. */
  hide(life: Life): Undo
  /** Its browser freezes it until it is looked at; whether it is one that is hidden. */
  suspend(life: Life): boolean
  /** Whether its browser has frozen it, and answers for it. */
  isSuspended(life: Life): boolean
  /** For how long its browser has frozen it, in ms; Infinity where it has not. */
  suspendedForMs(life: Life): number
  /** Whether the observer has its word, and both have had their server all the time since. */
  mustBeKept(observer: Stay, subject: Life): boolean
}

export interface LeasesNeeds {
  readonly reach: Reach
  readonly trouble: Trouble
  readonly faults: Faults
  lives(): readonly Life[]
  nowMs(): number
}

export function createLeases({ faults, lives, nowMs, reach, trouble }: LeasesNeeds): Leases {
  const hidden = new Map<Life, Hidden>()
  const isSuspended = (life: Life): boolean => {
    const { host } = life.resident
    return hidden.get(life)?.thaw !== undefined && host.state === 'paused' && host.isAnswering
  }
  return {
    hide(life) {
      const others = lives().filter((other) => reach.pair(other, life).upMs >= MET_MS && reach.isServed(other, life))
      const page: Hidden = {
        sinceMs: nowMs(),
        knownBy: new Set(others.flatMap((other) => currentStay(other) ?? [])),
        thaw: undefined,
        suspendedMs: undefined,
      }
      hidden.set(life, page)
      life.resident.hide()
      return () => {
        page.thaw?.()
        if (hidden.get(life) !== page) return
        hidden.delete(life)
        life.resident.hide(false)
      }
    },
    suspend(life) {
      const page = hidden.get(life)
      if (page === undefined || life.resident.host.state !== 'running') return false
      page.thaw ??= faults.suspend(life.resident.host)
      page.suspendedMs ??= nowMs()
      return true
    },
    isSuspended,
    suspendedForMs: (life) => nowMs() - (hidden.get(life)?.suspendedMs ?? Number.NEGATIVE_INFINITY),
    mustBeKept(observer, subject) {
      const page = hidden.get(subject)
      if (page === undefined || !page.knownBy.has(observer) || !isSuspended(subject)) return false
      const lastMs = Math.max(trouble.lastMs(observer.life.member), trouble.lastMs(subject.member))
      const isQuiet = lastMs <= page.sinceMs && nowMs() - page.sinceMs < MAX_LEASE_MS
      return isQuiet && reach.isServed(observer.life, subject)
    },
  }
}
