/** Whether the far end of a link is in the middle of a talk: then its silence says something at once. */

/** So many words within so long, the silence after the last one included: seven values a second or more. */
const WORDS = 5
const WITHIN_MS = 1_100

export interface Talk {
  heard(): void
  /** It only paused: it is not asked for that again before it has talked anew. */
  answered(): void
  isBrisk(): boolean
}

export function createTalk(steadyMs: () => number): Talk {
  /** When the last words came, the newest first. */
  let words: number[] = []
  return {
    heard() {
      words = [steadyMs(), ...words.slice(0, WORDS - 1)]
    },
    answered() {
      words = []
    },
    isBrisk: () => steadyMs() - (words[WORDS - 1] ?? Number.NEGATIVE_INFINITY) <= WITHIN_MS,
  }
}
