/** Whether the far end of a link is in the middle of a talk: then its silence says something at once. */

/** So many words within so long, the silence after the last one included. */
const WORDS = 5
const WITHIN_MS = 1_100
/** A pause is longer than so many of the pauses between the last words, and than this. */
const RHYTHMS = 3
const LEAST_PAUSE_MS = 200

export interface Talk {
  heard(): void
  /** It only paused: it is not asked for that again before it has talked anew. */
  answered(): void
  isBrisk(): boolean
  /** It was, and is silent for longer than it takes breath. */
  hasPaused(): boolean
}

export function createTalk(steadyMs: () => number): Talk {
  /** When the last words came, the newest first. */
  let words: number[] = []
  const oldestMs = (): number => words[WORDS - 1] ?? Number.NEGATIVE_INFINITY
  const isBrisk = (): boolean => steadyMs() - oldestMs() <= WITHIN_MS
  return {
    heard() {
      words = [steadyMs(), ...words.slice(0, WORDS - 1)]
    },
    answered() {
      words = []
    },
    isBrisk,
    hasPaused() {
      const [newestMs = 0] = words
      const rhythmMs = (newestMs - oldestMs()) / (WORDS - 1)
      return isBrisk() && steadyMs() - newestMs >= Math.max(LEAST_PAUSE_MS, RHYTHMS * rhythmMs)
    },
  }
}
