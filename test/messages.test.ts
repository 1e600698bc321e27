import { expect, it } from 'vitest'
import type { ClientId } from '../lib/base/ids.ts'
import { createDelivery } from '../lib/delivery.ts'
import { createMessages } from '../lib/messages.ts'
import type { Participant } from '../lib/roster/participant.ts'
import type { MessageFrame } from '../lib/wire/frame.ts'
import { decodeQuestion, isQuestion } from '../lib/wire/message-question.ts'
import { createRejectCounter } from '../lib/wire/result.ts'
import { createVirtualClock } from './kit/virtual-clock.ts'

const MINUTE_MS = 60_000
const alice = 1 as ClientId

/** A page that is hidden: its timers come a minute late at best. */
async function hiddenPage() {
  const clock = createVirtualClock()
  const slow = { ...clock, setTimer: (task: () => void, ms: number) => clock.setTimer(task, Math.max(ms, MINUTE_MS)) }
  const delivery = createDelivery(clock)
  const sent: MessageFrame[] = []
  const told: unknown[] = []
  const messages = createMessages({
    ...{
      clock: slow,
      clientId: 2 as ClientId,
      firstSeq: 0,
      maxDataBytes: 1_000,
      delivery,
      rejects: createRejectCounter(),
    },
    now: () => 0,
    self: { connectionId: 'ours', participantId: 'bob' },
    findSender: () => ({ connectionId: 'hers', id: 'alice' }) as Participant,
    isReachable: () => true,
    send: (message) => sent.push(message) > 0,
  })
  messages.on('chat', ({ data }) => told.push(data))
  delivery.open()
  messages.expect(alice, 0)
  await clock.advance(10)
  return {
    ...{ clock, messages, told },
    hear: (seq: number) =>
      messages.receive(
        { clientId: alice, seq, body: JSON.stringify({ name: 'chat', data: seq, timestamp: 0 }) },
        false,
      ),
    asked: () => sent.filter(isQuestion).map((question) => decodeQuestion(question)?.from),
  }
}

it('[M4] a page with slow timers asks for what is missing, and goes on without it, when something comes in', async () => {
  const { asked, clock, hear, messages, told } = await hiddenPage()
  hear(1)
  hear(3)
  await clock.advance(2_000)
  expect([told, asked()]).toEqual([[1], []])
  hear(4)
  await clock.advance(1)
  expect([told, asked()]).toEqual([[1], [2]])
  await clock.advance(299)
  messages.expect(alice, 4)
  await clock.advance(1)
  expect(told).toEqual([1, 3, 4])
  messages.close()
})

it('[M4] a page with slow timers has what it asked for in time', async () => {
  const { clock, hear, told } = await hiddenPage()
  hear(1)
  hear(3)
  await clock.advance(200)
  hear(4)
  hear(2)
  await clock.advance(1)
  expect(told).toEqual([1, 2, 3, 4])
})
