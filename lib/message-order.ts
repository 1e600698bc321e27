/**
 * Puts one channel's messages into each sender's order, and notices which are missing: by a gap, or because the sender's
 * entry counts more than came. A slower path may still have them; else the sender is asked, and only then given up. Pure;
 * time is an argument.
 */
import type { ClientId } from './base/ids.ts'
import type { Participant } from './roster/participant.ts'
import type { MessageFrame } from './wire/frame.ts'

/** How long a missing message may still come by a slower path before its sender is asked. */
export const ASK_AFTER_MS = 100
/** Between two questions to one sender: two of them, with a far round trip each, fit into `GAP_WAIT_MS`. */
export const ASK_EVERY_MS = 300
/** How long others wait for a missing message: the 1 s in which values flow again after a change of path. */
export const GAP_WAIT_MS = 1_000
/** Between two later questions, while nothing waits for what is missing: a path may be dead for a while before it is known. */
export const ASK_LATER_MS = 2_000
/**
 * How long a message can be asked for: as long as a member without a path is held, and the question's way. At the rates of
 * the outbox that is at most 4,750 messages and 6 MiB.
 */
export const KEPT_MS = 15_000
/** Messages of one sender that wait at most for an earlier one; more, and the earlier one is given up. */
const MAX_HELD = 512
const MAX_HELD_CHARACTERS = 1_048_576

/** A message, and who had its client id when it came. */
export interface Received extends MessageFrame {
  readonly sender: Participant
}

/** A message that waits for those before it, and since when. */
interface Held {
  readonly message: Received
  readonly since: number
}

interface SenderOrder {
  /** The sequence number that is due. */
  readonly due: number
  /** Whether a message of this sender was told: from then on nothing from before the due one is. */
  readonly hasBegun: boolean
  /** The number of its last one, by its own word. */
  readonly sent: number
  readonly held: ReadonlyMap<number, Held>
  /** Since when the due one is missing; undefined while none is. */
  readonly missingSince: number | undefined
  readonly askedAt: number
}

export type MessageOrder = ReadonlyMap<ClientId, SenderOrder>

export interface MessageOrderStep {
  readonly order: MessageOrder
  /** In the sender's order, each once. */
  readonly ready: readonly Received[]
}

export interface Question {
  readonly clientId: ClientId
  /** The first that is missing. */
  readonly due: number
}

/** The sender's entry came: its last message has that number. What it sent before it was met is not for us. */
export function expectMessages(order: MessageOrder, clientId: ClientId, sent: number, now: number): MessageOrder {
  const sender = order.get(clientId) ?? meet(sent + 1)
  return new Map(order).set(clientId, settled({ ...sender, sent: Math.max(sender.sent, sent) }, now))
}

/**
 * Takes one message. Of a sender who was not met the first is always due; one from before the due one is dropped, unless
 * it `isEarly`: it came before its sender's entry did, so whoever sent it knew us already.
 */
export function takeMessage(order: MessageOrder, message: Received, now: number, isEarly = false): MessageOrderStep {
  const met = order.get(message.clientId) ?? meet(message.seq)
  const due = isEarly && !met.hasBegun ? Math.min(met.due, message.seq) : met.due
  if (message.seq < due) return { order, ready: [] }
  const held = met.held.get(message.seq) ?? { message, since: now }
  // The second that others wait begins with the first of them.
  const missingSince = met.held.size > 0 ? met.missingSince : undefined
  const sender = { ...met, due, held: new Map(met.held).set(message.seq, held), missingSince }
  return release(order, message.clientId, isOverfull(sender) ? skipGap(sender) : sender, now)
}

/**
 * Time has passed: gives up the gaps that were waited for long enough, and says whom to ask. A sender without a path
 * can answer nobody, so its gaps wait anew when it is back.
 */
export function tendGaps(
  order: MessageOrder,
  now: number,
  isReachable: (clientId: ClientId) => boolean,
): MessageOrderStep & { readonly questions: readonly Question[] } {
  let step: MessageOrderStep = { order, ready: [] }
  const questions: Question[] = []
  const keep = (clientId: ClientId, sender: SenderOrder) => {
    step = { ...step, order: new Map(step.order).set(clientId, sender) }
  }
  for (const [clientId, sender] of order) {
    if (sender.missingSince === undefined) continue
    if (!isReachable(clientId)) {
      keep(clientId, { ...sender, missingSince: now })
      continue
    }
    let next: SenderOrder | undefined = sender
    while (next !== undefined && isOver(next, now)) {
      // Nothing has come for it, nor for the next one that has been missing for as long.
      const { order, ready } = release(step.order, clientId, skipGap(next), next.missingSince ?? now)
      step = { order, ready: [...step.ready, ...ready] }
      next = order.get(clientId)
    }
    if (next !== undefined && isToAsk(next, now)) {
      questions.push({ clientId, due: next.due })
      keep(clientId, { ...next, askedAt: now })
    }
  }
  return { ...step, questions }
}

export const hasGaps = (order: MessageOrder): boolean =>
  [...order.values()].some(({ missingSince }) => missingSince !== undefined)

/** Forgets a sender that is gone: what its messages waited for comes no more. */
export function forgetSender(order: MessageOrder, clientId: ClientId): MessageOrderStep {
  const kept = new Map(order)
  kept.delete(clientId)
  const waiting = [...(order.get(clientId)?.held.values() ?? [])].map(({ message }) => message)
  return { order: kept, ready: waiting.sort((one, other) => one.seq - other.seq) }
}

const meet = (due: number): SenderOrder => ({
  due,
  hasBegun: false,
  sent: due - 1,
  held: new Map(),
  missingSince: undefined,
  askedAt: Number.NEGATIVE_INFINITY,
})

const isOverfull = ({ held }: SenderOrder): boolean =>
  held.size > MAX_HELD ||
  [...held.values()].reduce((sum, { message }) => sum + message.body.length, 0) > MAX_HELD_CHARACTERS

/** The due one was waited for long enough, and asked for while its sender had it: slow timers may look late, and then ask first. */
function isOver({ askedAt, held, missingSince = Number.POSITIVE_INFINITY }: SenderOrder, now: number): boolean {
  const waitedMs = now - missingSince
  const wasAsked = askedAt >= missingSince && now - askedAt >= ASK_EVERY_MS
  return waitedMs >= (held.size > 0 ? GAP_WAIT_MS : KEPT_MS) && (wasAsked || waitedMs >= KEPT_MS)
}

function isToAsk({ askedAt, missingSince = Number.POSITIVE_INFINITY }: SenderOrder, now: number): boolean {
  const waitedMs = now - missingSince
  return waitedMs >= ASK_AFTER_MS && now - askedAt >= (waitedMs < GAP_WAIT_MS ? ASK_EVERY_MS : ASK_LATER_MS)
}

/** Goes on without what is missing. */
const skipGap = (sender: SenderOrder): SenderOrder => ({
  ...sender,
  due: sender.held.size > 0 ? Math.min(...sender.held.keys()) : sender.sent + 1,
  missingSince: undefined,
})

/** `since`: from when on the next one is missing, if it is; while what was sent again comes in, that is now. */
function release(order: MessageOrder, clientId: ClientId, sender: SenderOrder, since: number): MessageOrderStep {
  const held = new Map(sender.held)
  const ready: Received[] = []
  let { due } = sender
  for (let next = held.get(due); next !== undefined; next = held.get(due)) {
    held.delete(due)
    ready.push(next.message)
    due += 1
  }
  const isNext = due > sender.due
  const released = {
    ...sender,
    due,
    held,
    hasBegun: sender.hasBegun || isNext,
    missingSince: isNext ? undefined : sender.missingSince,
  }
  return { order: new Map(order).set(clientId, settled(released, since)), ready }
}

/** Whether one is missing is known by what waits for it, and by the sender's word. */
function settled(sender: SenderOrder, since: number): SenderOrder {
  const { due, held, missingSince, sent } = sender
  if (held.size === 0 && sent < due) return { ...sender, missingSince: undefined }
  const waitsSince = held.size > 0 ? Math.min(...[...held.values()].map((one) => one.since)) : since
  return { ...sender, missingSince: missingSince ?? Math.max(since, waitsSince) }
}
