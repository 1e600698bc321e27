import { describe, expect, it } from 'vitest'
import type { ClientId } from '../lib/base/ids.ts'
import { createMessageOutbox, MAX_WAITING_MESSAGES } from '../lib/message-outbox.ts'
import { createVirtualClock } from './kit/virtual-clock.ts'

const message = (seq: number, body = '') => ({ clientId: 1 as ClientId, seq, body })
const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

function open() {
  const clock = createVirtualClock()
  const sent: number[] = []
  const refused: string[] = []
  const outbox = createMessageOutbox({
    clock,
    send: ({ seq }) => sent.push(seq) > 0,
    onRefused: (asker) => void refused.push(asker),
  })
  const push = (from: number, to: number, body?: string) => {
    for (const seq of count(from, to)) outbox.push(message(seq, body))
  }
  return { clock, sent, outbox, push, refused }
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
    for (const [asker, due] of [
      ['alice', 4],
      ['bob', 3],
      ['alice', 5],
    ] as const)
      outbox.resend(asker, due)
    await clock.advance(50)
    expect(sent.slice(5)).toEqual([3, 4, 5])
    for (let asked = 0; asked < 50; asked++) {
      outbox.resend('bob', 1)
      await clock.advance(1)
    }
    expect(sent.slice(8)).toEqual([])
    await clock.advance(200)
    expect(sent.slice(8)).toEqual([1, 2, 3, 4, 5])
  })

  it('[M4] before what waits, and at the same rate', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 2_000)
    outbox.resend('bob', 999)
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
    outbox.resend('bob', 1)
    await clock.advance(10_000)
    expect(sent).toEqual(count(4, 1_503))
  })

  it('[M4] not a moment longer, though nothing was sent since', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 3)
    await clock.advance(15_001)
    outbox.resend('bob', 1)
    await clock.advance(1_000)
    expect(sent).toEqual([1, 2, 3])
  })

  it('[M4] what waits takes no place from what was sent', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 2_500)
    outbox.resend('bob', 1)
    await clock.advance(20_000)
    expect(new Set(sent.slice(1_000))).toEqual(new Set(count(1, 2_500)))
  })

  it('[M9] whoever asks again and again gets all three times in 15 s, and delays nothing', async () => {
    const { clock, sent, outbox, push, refused } = open()
    const firstAt = new Map<number, number>()
    let next = 1
    let last = 0
    // Twenty a second, and mallory asks for all of them every 10 ms, under two names.
    for (let passedMs = 0; passedMs < 60_000; passedMs += 10) {
      if (passedMs % 50 === 0) push(next, next++)
      outbox.resend(passedMs % 20 === 0 ? 'mallory' : 'malice', 1)
      await clock.advance(10)
      for (const seq of sent.splice(0)) {
        last += 1
        if (!firstAt.has(seq)) firstAt.set(seq, passedMs)
      }
    }
    // Each was sent at once, as if nobody had asked.
    for (const [seq, atMs] of firstAt) expect(atMs - (seq - 1) * 50).toBe(0)
    expect(firstAt.size).toBe(1_200)
    // What is kept is at most 300: three times that for each of the two in every 15 s, and the messages themselves.
    expect(last).toBeLessThanOrEqual(1_200 + 5 * 2 * 3 * 301)
    expect(new Set(refused)).toEqual(new Set(['mallory', 'malice']))
  })

  it('[M9] large ones count by what they take, and nobody pays for another', async () => {
    const { clock, sent, outbox, push, refused } = open()
    push(1, 300)
    push(301, 301, 'x'.repeat(196_608))
    await clock.advance(1_000)
    sent.length = 0
    for (let asks = 0; asks < 40; asks++) {
      outbox.resend('mallory', 301)
      await clock.advance(200)
    }
    // All of it takes 1.2 s for the small ones and 0.5 s for the large one: three times that is ten of those.
    expect(sent).toEqual(Array.from({ length: 10 }, () => 301))
    expect(refused.length).toBeGreaterThan(10)
    await clock.advance(1_000)
    outbox.resend('bob', 1)
    await clock.advance(3_000)
    expect(sent.slice(10)).toEqual(count(1, 301))
    expect(refused).not.toContain('bob')
  })

  it('[M9] what is no longer kept counts no longer: who asked for much is not refused the little that is left', async () => {
    const { clock, sent, outbox, push, refused } = open()
    push(1, 20)
    await clock.advance(10_000)
    for (let asks = 0; asks < 3; asks++) {
      outbox.resend('bob', 1)
      await clock.advance(500)
    }
    expect(sent).toHaveLength(4 * 20)
    await clock.advance(5_000)
    push(21, 21)
    await clock.advance(1_000)
    sent.length = 0
    outbox.resend('bob', 21)
    await clock.advance(500)
    expect([sent, refused]).toEqual([[21], []])
  })

  it('[M6] after the end nothing is sent any more', async () => {
    const { clock, sent, outbox, push } = open()
    push(1, 1_100)
    outbox.resend('bob', 1)
    outbox.stop()
    await clock.advance(5_000)
    expect([sent.length, clock.timerCount()]).toEqual([1_000, 0])
  })
})
