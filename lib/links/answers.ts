/** By which carriers of a link its far end was heard and answers, and how soon. Knows no rule of when to ask. */

/** A carrier that has not answered by then is not used while there is another. */
export const SUSPECT_AFTER_MS = 2_000
/** [L64] As that, of one who was in the middle of a talk: this, and so many of the last round trips by it. */
const BRISK_SUSPECT_AFTER_MS = 200
const BRISK_ROUND_TRIPS = 3

export interface Answers {
  /** `isBrisk`: the far end was in the middle of a talk. A first question that is not answered yet stands. */
  asked(carrierId: string, token: number, isBrisk: boolean): void
  isAsked(carrierId: string): boolean
  /** `token`: of the question that this answers. */
  answered(carrierId: string, token: number): void
  heard(carrierId: string): void
  /** Something has come by it. */
  isProven(carrierId: string): boolean
  /** Asked in vain: other carriers are better. */
  isSuspect(carrierId: string): boolean
  /** As that, by the patience that there is without a talk. */
  isOverdue(carrierId: string): boolean
  /** Asked in vain, while something came by another: it is the way, and not the far end. */
  isOutdone(carrierId: string): boolean
  /** It was suspect, and answers again: how soon is to be found out by another question. */
  isLate(carrierId: string): boolean
  /** A round trip by that carrier took so long. */
  measured(carrierId: string, roundTripMs: number): void
  /** The last round trip by that carrier, in ms. */
  roundTripMs(carrierId: string): number | undefined
  forget(carrierId: string): void
}

export function createAnswers(steadyMs: () => number): Answers {
  const questions = new Map<string, { readonly token: number; readonly atMs: number; readonly patienceMs: number }>()
  const heardAtMs = new Map<string, number>()
  const roundTrips = new Map<string, number>()
  /** Those that answered late, and were not measured since. */
  const late = new Set<string>()

  /** For how long it has not answered; less than nothing where it was not asked. */
  const waitedMs = (carrierId: string): number =>
    steadyMs() - (questions.get(carrierId)?.atMs ?? Number.POSITIVE_INFINITY)

  const isSuspect = (carrierId: string): boolean => waitedMs(carrierId) >= (questions.get(carrierId)?.patienceMs ?? 0)

  function measured(carrierId: string, roundTripMs: number): void {
    roundTrips.set(carrierId, roundTripMs)
    late.delete(carrierId)
  }

  const isOverdue = (carrierId: string): boolean => waitedMs(carrierId) >= SUSPECT_AFTER_MS

  function patienceMs(carrierId: string, isBrisk: boolean): number {
    const roundTripMs = roundTrips.get(carrierId)
    if (!isBrisk || roundTripMs === undefined || late.has(carrierId)) return SUSPECT_AFTER_MS
    return Math.min(Math.max(BRISK_SUSPECT_AFTER_MS, BRISK_ROUND_TRIPS * roundTripMs), SUSPECT_AFTER_MS)
  }

  return {
    asked(carrierId, token, isBrisk) {
      if (questions.has(carrierId)) return
      questions.set(carrierId, { token, atMs: steadyMs(), patienceMs: patienceMs(carrierId, isBrisk) })
    },
    isAsked: (carrierId) => questions.has(carrierId),
    answered(carrierId, token) {
      // An answer to a question from before the open one says nothing of that.
      if (token < (questions.get(carrierId)?.token ?? Number.POSITIVE_INFINITY)) return
      // How long a way was dead is no round trip of it: the next question tells, however long that takes.
      if (isSuspect(carrierId) && !late.has(carrierId)) late.add(carrierId)
      else if (questions.has(carrierId)) measured(carrierId, waitedMs(carrierId))
      questions.delete(carrierId)
    },
    heard: (carrierId) => void heardAtMs.set(carrierId, steadyMs()),
    isProven: (carrierId) => heardAtMs.has(carrierId),
    isSuspect,
    isOverdue,
    isOutdone: (carrierId) =>
      isOverdue(carrierId) &&
      [...heardAtMs].some(([id, atMs]) => id !== carrierId && steadyMs() - atMs < waitedMs(carrierId)),
    measured,
    isLate: (carrierId) => late.has(carrierId) && !questions.has(carrierId),
    roundTripMs: (carrierId) => roundTrips.get(carrierId),
    forget(carrierId) {
      for (const kept of [questions, heardAtMs, roundTrips, late]) kept.delete(carrierId)
    },
  }
}
