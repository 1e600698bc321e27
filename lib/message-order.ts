/**
 * Puts one channel's messages into each sender's order. They may come by several paths at once: each path keeps the
 * order, so a gap only means that a slower path still has the missing ones. Pure; time is an argument.
 */
import type { ClientId } from './base/ids.ts'
import type { MessageFrame } from './wire/frame.ts'

/** How long a message waits for an earlier one: half of the 1 s in which values flow again after a change of path. */
export const GAP_WAIT_MS = 500
/** Messages of one sender that wait at most; more, and the gap is given up. At most 1 MiB of the default size. */
const MAX_HELD = 64

interface SenderOrder {
  /** The sequence number that is due. */
  readonly due: number
  readonly held: ReadonlyMap<number, MessageFrame>
  /** When the first of the held ones came. */
  readonly heldSince: number
}

export type MessageOrder = ReadonlyMap<ClientId, SenderOrder>

export interface MessageOrderStep {
  readonly order: MessageOrder
  /** In the sender's order, each once. */
  readonly ready: readonly MessageFrame[]
}

/** What the first message of a sender who has just been met will be, by its own word; it counts until one was heard. */
export function expectMessage(order: MessageOrder, clientId: ClientId, due: number): MessageOrder {
  return order.has(clientId) ? order : new Map(order).set(clientId, { due, held: new Map(), heldSince: 0 })
}

/** Takes one message. Of a sender who was not met the first is always due; one from before the due one is dropped. */
export function takeMessage(order: MessageOrder, message: MessageFrame, now: number): MessageOrderStep {
  const sender = order.get(message.clientId) ?? { due: message.seq, held: new Map(), heldSince: now }
  if (message.seq < sender.due) return { order, ready: [] }
  const held = new Map(sender.held).set(message.seq, message)
  const heldSince = sender.held.size === 0 ? now : sender.heldSince
  const isGivenUp = held.size > MAX_HELD
  return release(order, message.clientId, { due: isGivenUp ? Math.min(...held.keys()) : sender.due, held, heldSince })
}

/** Gives up the gaps that have been waited for long enough. */
export function expireGaps(order: MessageOrder, now: number): MessageOrderStep {
  let step: MessageOrderStep = { order, ready: [] }
  for (const [clientId, sender] of order) {
    if (sender.held.size === 0 || now - sender.heldSince < GAP_WAIT_MS) continue
    const released = release(step.order, clientId, { ...sender, due: Math.min(...sender.held.keys()), heldSince: now })
    step = { order: released.order, ready: [...step.ready, ...released.ready] }
  }
  return step
}

export const hasGaps = (order: MessageOrder): boolean => [...order.values()].some(({ held }) => held.size > 0)

/** Forgets a sender that is gone. */
export function forgetSender(order: MessageOrder, clientId: ClientId): MessageOrder {
  if (!order.has(clientId)) return order
  const kept = new Map(order)
  kept.delete(clientId)
  return kept
}

function release(order: MessageOrder, clientId: ClientId, sender: SenderOrder): MessageOrderStep {
  const held = new Map(sender.held)
  const ready: MessageFrame[] = []
  let due = sender.due
  for (let message = held.get(due); message !== undefined; message = held.get(due)) {
    held.delete(due)
    ready.push(message)
    due += 1
  }
  return { order: new Map(order).set(clientId, { ...sender, due, held }), ready }
}
