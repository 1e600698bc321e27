/** How much of a server's rates for one socket may be taken, and by what: it cuts off whoever exceeds them. */
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

/** What a server takes of one socket by default, as `--help` tells it. */
const SOCKET_FRAMES = { perSecond: 500, burst: 2_000 }
const SOCKET_BYTES = { perSecond: 1_048_576, burst: 1_048_576 }

export interface SocketAllowance {
  /** A frame has gone out. */
  count(byteCount: number): void
  /** Whether half of what may go out at once is left, and with it room for all that has rates of its own. */
  hasPlenty(): boolean
}

export function createSocketAllowance(clock: Clock): SocketAllowance {
  const bytes = createTokenBucket({ ...SOCKET_BYTES, nowMs: clock.moment().steadyMs })
  const frames = createTokenBucket({ ...SOCKET_FRAMES, nowMs: clock.moment().steadyMs })
  return {
    count(byteCount) {
      const nowMs = clock.moment().steadyMs
      frames.take(1, nowMs)
      bytes.take(byteCount, nowMs)
    },
    hasPlenty() {
      const nowMs = clock.moment().steadyMs
      return frames.waitMs(SOCKET_FRAMES.burst / 2, nowMs) === 0 && bytes.waitMs(SOCKET_BYTES.burst / 2, nowMs) === 0
    },
  }
}
