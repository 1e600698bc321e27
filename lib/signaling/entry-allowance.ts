/** How much of a server's rates for one socket entries may take: it cuts off whoever exceeds them. */
import type { Clock } from '../base/clock.ts'
import { createTokenBucket } from '../base/token-bucket.ts'
import { ENTRY_BYTES, ENTRY_FRAMES } from './timing.ts'

/** Whether an entry of that size may go out now; then it is taken off the rates. */
export type EntryAllowance = (byteCount: number) => boolean

export function createEntryAllowance(clock: Clock): EntryAllowance {
  const bytes = createTokenBucket({ ...ENTRY_BYTES, nowMs: clock.moment().steadyMs })
  const frames = createTokenBucket({ ...ENTRY_FRAMES, nowMs: clock.moment().steadyMs })
  return (byteCount) => {
    const nowMs = clock.moment().steadyMs
    return frames.waitMs(1, nowMs) === 0 && bytes.take(byteCount, nowMs) && frames.take(1, nowMs)
  }
}
