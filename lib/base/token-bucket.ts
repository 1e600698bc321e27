/** A rate with a burst. Time is handed in. */

export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export interface TokenBucket {
  /** Whether there were `amount` tokens; then they are gone. */
  take(amount: number): boolean
  /** In how many ms there will be `amount` tokens, which is at most the burst; 0: now. */
  waitMs(amount: number): number
  /** Puts tokens back, at most to the burst. */
  grant(amount: number): void
}

/** `now`: a time in ms. */
export function createTokenBucket({ perSecond, burst }: Rate, now: () => number): TokenBucket {
  let tokens = burst
  let filledAtMs = now()
  const fill = () => {
    const nowMs = now()
    tokens = Math.min(burst, tokens + (Math.max(0, nowMs - filledAtMs) / 1_000) * perSecond)
    filledAtMs = nowMs
  }
  return {
    take(amount) {
      fill()
      if (tokens < amount) return false
      tokens -= amount
      return true
    },
    waitMs(amount) {
      fill()
      return Math.max(0, ((amount - tokens) / perSecond) * 1_000)
    },
    grant(amount) {
      tokens = Math.min(burst, tokens + amount)
    },
  }
}
