/**
 * How much each member may have sent again: whoever asks too often would delay our new messages for all others. Counted in
 * the time that sending takes, so that large messages and many of them cost alike. Knows numbers of messages, not their bytes.
 */

/** An honest member asks for one gap three times within a second, if no answer comes. */
const REPEATS = 3

export interface Askers {
  /** Whether that member may have the messages from one number to another; then they are counted, for as long as they are kept. */
  take(asker: string, from: number, to: number): boolean
}

interface Range {
  readonly from: number
  readonly to: number
}

/** `costMs`: what sending again takes of the messages from one number to another that are still kept. A member gets all of it three times. */
export function createAskers(costMs: (from: number, to: number) => number): Askers {
  const takenBy = new Map<string, readonly Range[]>()
  const costOf = ({ from, to }: Range): number => costMs(from, to)

  const forgetOld = () => {
    for (const [asker, taken] of takenBy) {
      const left = taken.filter((range) => costOf(range) > 0)
      if (left.length > 0) takenBy.set(asker, left)
      else takenBy.delete(asker)
    }
  }
  return {
    take(asker, from, to) {
      forgetOld()
      const taken = [...(takenBy.get(asker) ?? []), { from, to }]
      const takenMs = taken.reduce((sum, range) => sum + costOf(range), 0)
      if (takenMs > REPEATS * costMs(0, Number.POSITIVE_INFINITY)) return false
      takenBy.set(asker, taken)
      return true
    },
  }
}
