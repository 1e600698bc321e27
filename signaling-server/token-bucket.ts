/** A rate with a burst. Pure: time is an argument. */

export interface TokenBucket {
  /** Whether there were `amount` tokens; then they are gone. */
  take(amount: number, nowMs: number): boolean
  /** Puts tokens back, at most to the burst. */
  grant(amount: number): void
}

export function createTokenBucket({
  perSecond,
  burst,
  nowMs,
}: {
  perSecond: number
  burst: number
  nowMs: number
}): TokenBucket {
  let tokens = burst
  let filledAtMs = nowMs
  return {
    take(amount, nowMs) {
      tokens = Math.min(burst, tokens + (Math.max(0, nowMs - filledAtMs) / 1_000) * perSecond)
      filledAtMs = nowMs
      if (tokens < amount) return false
      tokens -= amount
      return true
    },
    grant(amount) {
      tokens = Math.min(burst, tokens + amount)
    },
  }
}
