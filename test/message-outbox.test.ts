import { describe, expect, it } from 'vitest'
import type { ClientId } from '../lib/base/ids.ts'
import { createMessageOutbox, MAX_WAITING_MESSAGES } from '../lib/message-outbox.ts'
import { createVirtualClock } from './kit/virtual-clock.ts'

const message = (seq: number, body = '') => ({ clientId: 1 as ClientId, seq, body })
const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

function open() {
  const clock = createVirtualClock()
  const sent: number[] = []
  const outbox = createMessageOutbox(clock, ({ seq }) => sent.push(seq))
  const push = (from: number, to: number, body?: string) => {
    for (const seq of count(from, to)) outbox.push(message(seq, body))
  }
  return { clock, sent, outbox, push }
}

describe('our messages on their way out', () => {
  it('[M6] a burst of 1,000 goes at once, more at 250 a second, all of them in order', async () => {
    const { clock, sent, push } = open()
    push(1, 1_600)
    expect(sent).toHaveLength(1_000)
    await clock.advance(1_000)
    expect(sent).toHaveLength(1_250)
    await clock.advance(1_500)
    expect(sent).toEqual(count(1, 1_600))
    expect(clock.timerCount()).toBe(0)
  })

  it('[M6] large ones go at 384 KiB a second', async () => {
    const { clock, sent, push } = open()
    push(1, 24, 'x'.repeat(32_768))
    expect(sent).toHaveLength(12)
    await clock.advance(500)
    expect(sent).toHaveLength(18)
    await clock.advance(500)
    expect(sent).toHaveLength(24)
  })

  it('[M7] when too much waits, the next is refused with an error that says how much may', () => {
    const { outbox, push } = open()
    push(1, 1_000 + MAX_WAITING_MESSAGES)
    expect(() => outbox.checkRoom(10)).toThrow(
      expect.objectContaining({ code: 'too-large', message: expect.stringContaining('10000 of 8388608') }),
    )
    const large = open()
    large.push(1, 12 + 128, 'x'.repeat(65_536))
    expect(() => large.outbox.checkRoom(65_536 * 7)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('[M4] what was asked for is sent again, once for all who ask at the same time', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 5)
    for (const due of [4, 3, 5]) outbox.resend(due)
    await clock.advance(50)
    expect(sent.slice(5)).toEqual([3, 4, 5])
    for (let asked = 0; asked < 50; asked++) {
      outbox.resend(1)
      await clock.advance(1)
    }
    expect(sent.slice(8)).toEqual([])
    await clock.advance(200)
    expect(sent.slice(8)).toEqual([1, 2, 3, 4, 5])
  })

  it('[M4] before what waits, and at the same rate', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 2_000)
    outbox.resend(999)
    await clock.advance(1_000)
    const again = sent.indexOf(999, 1_000)
    expect(sent.slice(1_000, again)).toEqual(count(1_001, again))
    expect(sent.slice(again)).toEqual(count(999, 999 + 1_249 - again))
    expect([again < 1_010, sent.length]).toEqual([true, 1_250])
  })

  it('[M4] for 15 seconds, however many there were', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 3)
    await clock.advance(15_001)
    push(4, 1_503)
    await clock.advance(3_000)
    sent.length = 0
    outbox.resend(1)
    await clock.advance(10_000)
    expect(sent).toEqual(count(4, 1_503))
  })

  it('[M4] what waits takes no place from what was sent', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 2_500)
    outbox.resend(1)
    await clock.advance(20_000)
    expect(new Set(sent.slice(1_000))).toEqual(new Set(count(1, 2_500)))
  })

  it('[M6] after the end nothing is sent any more', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 1_100)
    outbox.resend(1)
    outbox.stop()
    await clock.advance(5_000)
    expect([sent.length, clock.timerCount()]).toEqual([1_000, 0])
  })
})
