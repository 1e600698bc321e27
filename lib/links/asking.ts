/**
 * When a far end is asked to say its entry: its words cannot be used, for want of a key or of those before them, or it has proved
 * itself and says nothing. Knows times and counts; what is sent, the link knows.
 */
import type { Clock } from '../base/clock.ts'

/** A far end is asked at most so often, and so long after it has proved itself. */
const ASK_AGAIN_MS = 2_000
/** Whoever has proved itself and says no entry is asked so often: its first one may have gone by a way that was dead. */
const FIRST_ASKS = 3

export interface Asking {
  /** Its words cannot be used: asks now, or as soon as that may be. */
  again(): void
  /** It has proved itself: its entry is due. */
  begin(): void
  /** Its entry has come. */
  heardEntry(): void
  /** One beat. */
  tick(): void
}

export function createAsking(needs: { readonly clock: Clock; isReachable(): boolean; ask(): void }): Asking {
  let askedAtMs = Number.NEGATIVE_INFINITY
  let isDue = false
  let firstAsksLeft = 0
  let begunAtMs = 0

  /** What is missed between two questions has one of its own, later: the answer to the first may be older. */
  function tick(): void {
    const nowMs = needs.clock.moment().steadyMs
    const isFirstDue = firstAsksLeft > 0 && needs.isReachable() && nowMs - begunAtMs >= ASK_AGAIN_MS
    if ((!isDue && !isFirstDue) || nowMs - askedAtMs < ASK_AGAIN_MS) return
    if (isFirstDue) firstAsksLeft -= 1
    isDue = false
    askedAtMs = nowMs
    needs.ask()
  }

  return {
    again() {
      isDue = true
      tick()
    },
    begin() {
      firstAsksLeft = FIRST_ASKS
      begunAtMs = needs.clock.moment().steadyMs
    },
    heardEntry() {
      firstAsksLeft = 0
    },
    tick,
  }
}
