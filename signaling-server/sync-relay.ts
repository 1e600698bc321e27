/**
 * The document frames of one room. The server has no document: questions and answers go to the others as they are, and
 * whoever is alone is answered that there is nothing.
 */
import { createHash } from 'node:crypto'
import { EMPTY_SYNC_STEP_2_FRAME, type SyncStep } from '../lib/wire/frame.ts'
import type { Counts } from './counts.ts'
import type { GuardedSocket } from './guarded-socket.ts'

/** A client that is not alone is told this late that there is nothing, in case that nobody had a real answer. */
const EMPTY_ANSWER_DELAY_MS = 1_000

export interface SyncFrame {
  readonly step: SyncStep
  readonly bytes: Uint8Array
  readonly from: GuardedSocket
  readonly isAlone: boolean
  /** Counts joins and questions of the room. */
  readonly moment: number
}

export interface SyncRelay {
  /** Whether the frame is for the others. Answers a question that is not, or that may stay without an answer. */
  admit(frame: SyncFrame): boolean
  /** Leaves no timer. */
  stop(): void
}

export function createSyncRelay(counts: Counts): SyncRelay {
  const timers = new Set<NodeJS.Timeout>()
  /** The last answer, and when it was: all who were here by then have it, so it need not be said again. */
  let lastAnswer = { digest: '', moment: 0 }

  const answerLater = (socket: GuardedSocket) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      socket.send(EMPTY_SYNC_STEP_2_FRAME)
    }, EMPTY_ANSWER_DELAY_MS)
    timers.add(timer)
  }

  return {
    admit({ step, bytes, from, isAlone, moment }) {
      if (step === 0) {
        if (isAlone) from.send(EMPTY_SYNC_STEP_2_FRAME)
        else answerLater(from)
      }
      if (step === 1) {
        const digest = createHash('sha256').update(bytes).digest('base64')
        if (digest === lastAnswer.digest && moment === lastAnswer.moment) {
          counts.count('dropped-repeated-answer')
          return false
        }
        lastAnswer = { digest, moment }
      }
      return true
    },
    stop() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
