/** What may be sent by rates of bytes and of frames at once: whoever is sent to cuts off, or drops, what exceeds them. */
import type { Clock } from './clock.ts'
import { createTokenBucket, type Rate } from './token-bucket.ts'

export interface Rates {
  readonly bytes: Rate
  readonly frames: Rate
}

/** Whether a frame of that size may go now; then it is taken off the rates. */
export type Allowance = (byteCount: number) => boolean

export function createAllowance(clock: Clock, rates: Rates): Allowance {
  const now = () => clock.moment().steadyMs
  const bytes = createTokenBucket(rates.bytes, now)
  const frames = createTokenBucket(rates.frames, now)
  return (byteCount) => frames.waitMs(1) === 0 && bytes.take(byteCount) && frames.take(1)
}
