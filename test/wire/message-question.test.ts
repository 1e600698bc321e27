import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { MAX_COUNT } from '../../lib/wire/limits.ts'
import { decodeQuestion, encodeQuestion, isQuestion } from '../../lib/wire/message-question.ts'

const ALICE = 1 as ClientId
const said = (body: string) => decodeQuestion({ clientId: ALICE, seq: 0, body })

it('[M4] a question says whom it asks, and from which message on', () => {
  const question = encodeQuestion(ALICE, 'Zm9vYmFyYmF6cXV4MTIzNA', 7)
  expect(isQuestion(question)).toBe(true)
  expect(decodeQuestion(question)).toEqual({ connectionId: 'Zm9vYmFyYmF6cXV4MTIzNA', from: 7 })
  expect(isQuestion({ clientId: ALICE, seq: 1, body: question.body })).toBe(false)
})

it.each(['', '{', 'null', '[]', '7', '{"resend":1,"from":1}', `{"resend":"${'x'.repeat(128)}","from":1}`])(
  '[M4] %j is no question',
  (body) => expect(said(body)).toBeUndefined(),
)

it.each([0, -1, 1.5, '1', null, MAX_COUNT + 1])('[M4] from message %j on is no question', (from) =>
  expect(said(JSON.stringify({ resend: 'a', from }))).toBeUndefined(),
)

it('[M4] no text throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json({ maxDepth: 2 })), (body) => {
      const question = said(body)
      if (question !== undefined) expect(Number.isSafeInteger(question.from)).toBe(true)
    }),
    { numRuns: 10_000 },
  )
})
