/**
 * How often one far end may have us answer: each question costs us a word of our own, and a server cuts off whoever says too
 * much. Knows kinds of frames and time; what is answered, the link and its owner know.
 */
import type { Clock } from '../base/clock.ts'
import { createTokenBucket, type TokenBucket } from '../base/token-bucket.ts'
import type { LinkFrame } from '../wire/link-frame.ts'

/**
 * [T36] An honest far end asks four times a second at most, by each of its carriers; a newcomer once by each neighbour who
 * introduces it, all at the same time.
 */
const QUESTIONS = { perSecond: 20, burst: 300 }
/** The answer is our entry, however large: asked for with each new key, of which there are few (T39), and each way. */
const ASKS = { perSecond: 4, burst: 30 }

export interface Questions {
  /** Whether the frame is none, or may be answered; then it is taken off the rate. */
  admit(kind: LinkFrame['kind']): boolean
}

export function createQuestions(clock: Clock): Questions {
  const now = () => clock.moment().steadyMs
  const questions = createTokenBucket(QUESTIONS, now)
  const rates: Partial<Record<LinkFrame['kind'], TokenBucket>> = {
    ...{ ping: questions, find: questions, castKey: questions },
    ask: createTokenBucket(ASKS, now),
  }
  return { admit: (kind) => rates[kind]?.take(1) ?? true }
}
