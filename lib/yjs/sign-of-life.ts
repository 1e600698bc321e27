/** Asks a far end and waits for anything at all that it says. One question at a time. */
import type { CancelTimer, Clock } from '../base/clock.ts'

export interface SignOfLife {
  /** Asks, and calls `onSilence` if nothing was heard after `waitMs`; a question that is under way counts for this one. */
  demand(): void
  cancel(): void
}

export function createSignOfLife(needs: {
  readonly clock: Clock
  readonly waitMs: number
  /** How many frames came so far. */
  heardCount(): number
  ask(): void
  onSilence(): void
}): SignOfLife {
  let cancelTimer: CancelTimer | undefined
  return {
    demand() {
      if (cancelTimer !== undefined) return
      const heardBefore = needs.heardCount()
      needs.ask()
      cancelTimer = needs.clock.setTimer(() => {
        cancelTimer = undefined
        if (needs.heardCount() === heardBefore) needs.onSilence()
      }, needs.waitMs)
    },
    cancel() {
      cancelTimer?.()
      cancelTimer = undefined
    },
  }
}
