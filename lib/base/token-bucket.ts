/** A rate with a burst. Pure: time is an argument. */

export interface TokenBucket {
  /** Whether there were `amount` tokens; then they are gone. */
  take(amount: number, nowMs: number): boolean
  /** In how many ms there will be `amount` tokens, which is at most the burst; 0: now. */
  waitMs(amount: number, nowMs: number): number
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
  const fill = (nowMs: number) => {
    tokens = Math.min(burst, tokens + (Math.max(0, nowMs - filledAtMs) / 1_000) * perSecond)
    filledAtMs = nowMs
  }
  return {
    take(amount, nowMs) {
      fill(nowMs)
      if (tokens < amount) return false
      tokens -= amount
      return true
    },
    waitMs(amount, nowMs) {
      fill(nowMs)
      return Math.max(0, ((amount - tokens) / perSecond) * 1_000)
    },
    grant(amount) {
      tokens = Math.min(burst, tokens + amount)
    },
  }
}
