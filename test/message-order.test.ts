import { describe, expect, it } from 'vitest'
import type { ClientId } from '../lib/base/ids.ts'
import {
  expectMessage,
  expireGaps,
  forgetSender,
  GAP_WAIT_MS,
  hasGaps,
  type MessageOrder,
  takeMessage,
} from '../lib/message-order.ts'

const alice = 1 as ClientId
const message = (seq: number, clientId = alice) => ({ clientId, seq, body: String(seq) })

function take(seqs: number[], order: MessageOrder = new Map(), now = 0) {
  const ready: number[] = []
  for (const seq of seqs) {
    const step = takeMessage(order, message(seq), now)
    order = step.order
    ready.push(...step.ready.map((frame) => frame.seq))
  }
  return { order, ready }
}

const expectFrom = (due: number) => expectMessage(new Map(), alice, due)

describe('messages that come by several paths', () => {
  it('[M1] are told in the sender’s order, each once, from the first that was heard', () => {
    expect(take([5, 6, 6, 5, 7]).ready).toEqual([5, 6, 7])
    expect(take([5, 8, 7, 6, 8, 9]).ready).toEqual([5, 6, 7, 8, 9])
    expect(take([5, 4, 3]).ready).toEqual([5])
  })

  it('[M1] one who was met says which is due: a faster path that just opened does not make the slower one late', () => {
    expect(take([3, 1, 2], expectFrom(1)).ready).toEqual([1, 2, 3])
    expect(take([7, 6], expectFrom(7)).ready).toEqual([7])
    expect(take([8], expectMessage(take([5]).order, alice, 8)).ready).toEqual([])
  })

  it('[M2] one whose predecessor is missing waits half a second for the slower path, then goes on without', () => {
    const { order, ready } = take([1, 4, 3])
    expect([ready, hasGaps(order)]).toEqual([[1], true])
    expect(expireGaps(order, GAP_WAIT_MS - 1).ready).toEqual([])
    const step = expireGaps(order, GAP_WAIT_MS)
    expect(step.ready.map(({ seq }) => seq)).toEqual([3, 4])
    expect(hasGaps(step.order)).toBe(false)
    expect(take([2, 5], step.order).ready).toEqual([5])
  })

  it('[M2] at most 64 wait for a gap', () => {
    const { ready } = take([1, ...Array.from({ length: 65 }, (_, index) => index + 3)])
    expect(ready).toHaveLength(66)
  })

  it('[M3] senders do not wait for each other, and one who is gone is forgotten', () => {
    const { order } = take([1, 3])
    const other = takeMessage(order, message(9, 2 as ClientId), 0)
    expect(other.ready.map(({ seq }) => seq)).toEqual([9])
    expect(forgetSender(other.order, alice).size).toBe(1)
    expect(take([3], forgetSender(other.order, alice)).ready).toEqual([3])
  })
})
