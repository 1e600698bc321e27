import { describe, expect, it } from 'vitest'
import type { ClientId } from '../lib/base/ids.ts'
import {
  ASK_AFTER_MS,
  ASK_EVERY_MS,
  expectMessages,
  forgetSender,
  GAP_WAIT_MS,
  hasGaps,
  KEPT_MS,
  type MessageOrder,
  takeMessage,
  tendGaps,
} from '../lib/message-order.ts'
import type { Participant } from '../lib/roster/participant.ts'

const alice = 1 as ClientId
const sender = {} as Participant
const message = (seq: number, clientId = alice, body = String(seq)) => ({ clientId, seq, body, sender })

function take(seqs: number[], order: MessageOrder = new Map(), now = 0, isEarly = false) {
  const ready: number[] = []
  for (const seq of seqs) {
    const step = takeMessage(order, message(seq), now, isEarly)
    order = step.order
    ready.push(...step.ready.map((frame) => frame.seq))
  }
  return { order, ready }
}

const met = (sent: number) => expectMessages(new Map(), alice, sent, 0)
const tend = (order: MessageOrder, now: number, isReachable = true) => {
  const step = tendGaps(order, now, () => isReachable)
  return { ...step, ready: step.ready.map(({ seq }) => seq), asked: step.questions.map(({ due }) => due) }
}

describe('messages that come by several paths', () => {
  it('[M1] are told in the sender’s order, each once, from the first that was heard', () => {
    expect(take([5, 6, 6, 5, 7]).ready).toEqual([5, 6, 7])
    expect(take([5, 8, 7, 6, 8, 9]).ready).toEqual([5, 6, 7, 8, 9])
    expect(take([5, 4, 3]).ready).toEqual([5])
  })

  it('[M1] one who was met says how many it has sent: a faster path that just opened does not make the slower one late', () => {
    expect(take([3, 1, 2], met(0)).ready).toEqual([1, 2, 3])
    expect(take([7, 6], met(6)).ready).toEqual([7])
    expect(hasGaps(met(6))).toBe(false)
  })

  it('[M5] one that was sent before its sender’s entry reached us is told: whoever sent it knew us', () => {
    expect(take([5, 6, 7], met(6), 0, true).ready).toEqual([5, 6, 7])
    expect(take([6], take([7], met(6)).order, 0, true).ready).toEqual([])
  })

  it('[C3] what is sent again for others, from before its sender was met, is not told: there is no history', () => {
    expect(take([5, 6, 7], met(6)).ready).toEqual([7])
  })

  it('[M2] one whose predecessor is missing waits a second for it, then goes on without', () => {
    const { order, ready } = take([1, 4, 3])
    expect([ready, hasGaps(order)]).toEqual([[1], true])
    const asked = tend(order, GAP_WAIT_MS - ASK_EVERY_MS)
    expect(tend(asked.order, GAP_WAIT_MS - 1).ready).toEqual([])
    const step = tend(asked.order, GAP_WAIT_MS)
    expect(step.ready).toEqual([3, 4])
    expect(hasGaps(step.order)).toBe(false)
    expect(take([2, 5], step.order).ready).toEqual([5])
  })

  it('[M2] at most 512 messages and 1 MiB of them wait for a gap', () => {
    const { ready } = take([1, ...Array.from({ length: 513 }, (_, index) => index + 3)])
    expect(ready).toHaveLength(514)
    const half = 'x'.repeat(600_000)
    const { order } = takeMessage(take([1]).order, message(3, alice, half), 0)
    expect(takeMessage(order, message(4, alice, half), 0).ready.map(({ seq }) => seq)).toEqual([3, 4])
  })

  it('[M3] of one who is gone are told in order where they waited for earlier ones, and nobody else’s', () => {
    const { order } = take([1, 7, 3, 5])
    const { order: both } = takeMessage(order, message(9, 2 as ClientId), 0)
    expect(forgetSender(both, alice).ready.map(({ seq }) => seq)).toEqual([3, 5, 7])
    expect(forgetSender(both, 3 as ClientId).ready).toEqual([])
  })

  it('[M3] senders do not wait for each other, and one who is gone is forgotten', () => {
    const { order } = take([1, 3])
    const other = takeMessage(order, message(9, 2 as ClientId), 0)
    expect(other.ready.map(({ seq }) => seq)).toEqual([9])
    expect(forgetSender(other.order, alice).order.size).toBe(1)
    expect(take([3], forgetSender(other.order, alice).order).ready).toEqual([3])
  })
})

describe('messages that are missing', () => {
  it('[M4] are asked for from the first one on, after 100 ms, then every 300 ms, until they come', () => {
    const { order } = take([1, 3])
    expect(tend(order, ASK_AFTER_MS - 1).asked).toEqual([])
    const first = tend(order, ASK_AFTER_MS)
    expect(first.asked).toEqual([2])
    expect(tend(first.order, ASK_AFTER_MS + ASK_EVERY_MS - 1).asked).toEqual([])
    const second = tend(first.order, ASK_AFTER_MS + ASK_EVERY_MS)
    expect(second.asked).toEqual([2])
    const healed = take([2], second.order)
    expect([healed.ready, hasGaps(healed.order)]).toEqual([[2, 3], false])
  })

  it('[M4] also the last ones, which nothing follows: the sender’s entry counts them', () => {
    const { order } = take([1], met(0))
    const told = expectMessages(order, alice, 3, 0)
    expect([hasGaps(told), tend(told, ASK_AFTER_MS).asked]).toEqual([true, [2]])
    expect(take([2, 3], told).ready).toEqual([2, 3])
  })

  it('[M4] while nothing waits for them, they are asked for every 2 s, as long as their sender has them', () => {
    const told = expectMessages(take([1], met(0)).order, alice, 3, 0)
    const asked: number[] = []
    let order = told
    for (let now = 0; now < KEPT_MS; now += 100) {
      const step = tend(order, now)
      order = step.order
      if (step.asked.length > 0) asked.push(now)
    }
    expect(asked).toEqual([100, 400, 700, 2_700, 4_700, 6_700, 8_700, 10_700, 12_700, 14_700])
    expect(take([2, 3], order).ready).toEqual([2, 3])
    const givenUp = tend(order, KEPT_MS).order
    expect([hasGaps(givenUp), take([3, 4], givenUp).ready]).toEqual([false, [4]])
  })

  it('[M2] the second that one waits for them begins when it comes', () => {
    const told = expectMessages(take([1], met(0)).order, alice, 2, 0)
    const { order, ready } = take([3], told, 5_000)
    const asked = tend(order, 5_000 + ASK_AFTER_MS)
    expect([ready, asked.asked]).toEqual([[], [2]])
    expect(tend(asked.order, 5_000 + GAP_WAIT_MS - 1).ready).toEqual([])
    expect(tend(asked.order, 5_000 + GAP_WAIT_MS).ready).toEqual([3])
    expect(take([2], asked.order, 5_500).ready).toEqual([2, 3])
  })

  it('[M2] while some of them come, none is given up: a thousand that are sent again take four seconds', () => {
    const early = take([1, 100])
    const asked = tend(early.order, GAP_WAIT_MS - ASK_EVERY_MS)
    const { order, ready } = take([2], asked.order, GAP_WAIT_MS - 1)
    expect([ready, tend(order, GAP_WAIT_MS).ready]).toEqual([[2], []])
    const again = tend(order, 2 * GAP_WAIT_MS - ASK_EVERY_MS - 1)
    expect(tend(again.order, 2 * GAP_WAIT_MS - 2).ready).toEqual([])
    expect(tend(again.order, 2 * GAP_WAIT_MS - 1).ready).toEqual([100])
  })

  it('[M2] none waits longer than its second, over however many gaps', () => {
    const early = take([1, 3, 5, 7])
    const { order } = take([9], early.order, 400)
    const asked = tend(order, GAP_WAIT_MS - ASK_EVERY_MS)
    const step = tend(asked.order, GAP_WAIT_MS)
    expect([asked.asked, step.ready]).toEqual([[2], [3, 5, 7]])
    expect(tend(step.order, GAP_WAIT_MS + 399).ready).toEqual([])
    expect(tend(step.order, GAP_WAIT_MS + 400).ready).toEqual([9])
  })

  it('[M4] nothing is given up that was not asked for while its sender had it, however slow our timers are', () => {
    const { order } = take([1, 3])
    const late = tend(order, 5_000)
    expect([late.asked, late.ready]).toEqual([[2], []])
    expect(tend(late.order, 5_000 + ASK_EVERY_MS - 1).ready).toEqual([])
    expect(tend(late.order, 5_000 + ASK_EVERY_MS).ready).toEqual([3])
    expect(tend(order, KEPT_MS)).toMatchObject({ asked: [], ready: [3] })
  })

  it('[M4] of a sender that cannot be reached they are waited for until it is back', () => {
    const { order } = take([1, 3])
    const away = tend(order, 9_000, false)
    expect([away.ready, away.asked]).toEqual([[], []])
    const asked = tend(away.order, 9_000 + ASK_AFTER_MS)
    expect([asked.asked, asked.ready]).toEqual([[2], []])
    expect(tend(asked.order, 9_000 + GAP_WAIT_MS).ready).toEqual([3])
  })
})
