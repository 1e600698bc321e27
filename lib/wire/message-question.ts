/**
 * A member's question for messages that it misses. It travels as a message itself, under the number 0 that no message
 * has, so every carrier and server takes it along.
 *
 *   body = { "resend": connectionId, "from": seq }      "send me yours from this one on, if you are this connection"
 */
import type { ClientId, ConnectionId } from '../base/ids.ts'
import { isJsonObject } from '../base/json.ts'
import type { MessageFrame } from './frame.ts'
import { MAX_COUNT } from './limits.ts'

const QUESTION_SEQ = 0
/** Longer than any question. */
const MAX_QUESTION_LENGTH = 128

export interface MessageQuestion {
  readonly connectionId: string
  readonly from: number
}

export const isQuestion = ({ seq }: MessageFrame): boolean => seq === QUESTION_SEQ

export const encodeQuestion = (clientId: ClientId, asked: ConnectionId | string, from: number): MessageFrame => ({
  clientId,
  seq: QUESTION_SEQ,
  body: JSON.stringify({ resend: asked, from }),
})

/** The question in a message, or undefined where there is none that could be answered. */
export function decodeQuestion({ body }: MessageFrame): MessageQuestion | undefined {
  if (body.length > MAX_QUESTION_LENGTH) return undefined
  let question: unknown
  try {
    question = JSON.parse(body)
  } catch {
    // Not JSON: the caller counts it.
    return undefined
  }
  if (!isJsonObject(question)) return undefined
  const { resend, from } = question
  const isSeq = typeof from === 'number' && Number.isSafeInteger(from) && from > QUESTION_SEQ && from <= MAX_COUNT
  return typeof resend === 'string' && isSeq ? { connectionId: resend, from } : undefined
}
