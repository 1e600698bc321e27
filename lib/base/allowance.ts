/** What may be sent by rates of bytes and of frames at once: whoever is sent to cuts off, or drops, what exceeds them. */
import type { Clock } from './clock.ts'
import { createTokenBucket } from './token-bucket.ts'

interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export interface Rates {
  readonly bytes: Rate
  readonly frames: Rate
}

/** Whether a frame of that size may go now; then it is taken off the rates. */
export type Allowance = (byteCount: number) => boolean

export function createAllowance(clock: Clock, rates: Rates): Allowance {
  const nowMs = clock.moment().steadyMs
  const bytes = createTokenBucket({ ...rates.bytes, nowMs })
  const frames = createTokenBucket({ ...rates.frames, nowMs })
  return (byteCount) => {
    const nowMs = clock.moment().steadyMs
    return frames.waitMs(1, nowMs) === 0 && bytes.take(byteCount, nowMs) && frames.take(1, nowMs)
  }
}
