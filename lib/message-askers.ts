/**
 * How much each member may have sent again: whoever asks too often would delay our new messages for all others. Counted in
 * the time that sending takes, so that large messages and many of them cost alike. Pure: time is an argument.
 */

/** An honest member asks for one gap three times within a second, if no answer comes. */
const REPEATS = 3

export interface Askers {
  /**
   * Whether sending for so long is still within what that member may have; then it is taken off. `keptMs`: what sending all
   * that is kept takes, so a member gets all of it three times in `windowMs`.
   */
  take(asker: string, costMs: number, keptMs: number, nowMs: number): boolean
}

interface Spent {
  readonly atMs: number
  readonly costMs: number
}

/** `windowMs`: how long a message is kept. */
export function createAskers(windowMs: number): Askers {
  const spentBy = new Map<string, readonly Spent[]>()

  const forgetOld = (nowMs: number) => {
    for (const [asker, spent] of spentBy) {
      const recent = spent.filter(({ atMs }) => nowMs - atMs <= windowMs)
      if (recent.length === 0) spentBy.delete(asker)
      else if (recent.length < spent.length) spentBy.set(asker, recent)
    }
  }
  return {
    take(asker, costMs, keptMs, nowMs) {
      forgetOld(nowMs)
      const spent = spentBy.get(asker) ?? []
      const spentMs = spent.reduce((sum, answer) => sum + answer.costMs, 0)
      if (spentMs + costMs > REPEATS * keptMs) return false
      spentBy.set(asker, [...spent, { atMs: nowMs, costMs }])
      return true
    },
  }
}
