/**
 * Fake time for a whole test file: the setup file of the project `fake-time` (`*.fake-time.test.ts`). It is installed before
 * any import, because lib0 keeps the `Date.now` that it finds. Tests only advance it, and never install timers again:
 * that would move the intervals and leave lib0's clock behind.
 */
import { vi } from 'vitest'

/** The time at which every test file begins, Unix ms. */
export const FAKE_START_MS = Date.UTC(2026, 0, 1)

if (!vi.isFakeTimers()) {
  vi.useFakeTimers({
    now: FAKE_START_MS,
    toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
}

/** Moves time on: timers fire, `Date.now` and the awareness clock follow, and promises settle in between. */
export async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}
