/** `publish` and its listeners: to everybody present now, in the sender's order, with no history. */
import type { CancelTimer, Clock } from './base/clock.ts'
import { createEmitter, type Unsubscribe } from './base/emitter.ts'
import { PresenceError, show } from './base/errors.ts'
import type { ClientId } from './base/ids.ts'
import { isJsonObject, type JsonValue, MAX_JSON_DEPTH, sealJson, toJson } from './base/json.ts'
import { utf8Bytes } from './base/utf8.ts'
import type { Delivery } from './delivery.ts'
import { checkSize } from './merge-data.ts'
import {
  ASK_AFTER_MS,
  expectMessages,
  forgetSender,
  hasGaps,
  type MessageOrder,
  type MessageOrderStep,
  takeMessage,
  tendGaps,
} from './message-order.ts'
import { createMessageOutbox } from './message-outbox.ts'
import type { Participant } from './roster/participant.ts'
import type { MessageFrame } from './wire/frame.ts'
import { MAX_ID_LENGTH } from './wire/limits.ts'
import { decodeQuestion, encodeQuestion, isQuestion } from './wire/message-question.ts'
import type { RejectCounter } from './wire/result.ts'

/** What a `publish` brings; frozen deeply. `timestamp` is Unix ms of the sender's clock. */
export interface RealtimeMessage<D = unknown> {
  readonly name: string
  readonly connectionId: string
  readonly participantId: string
  readonly data: D
  readonly timestamp: number
}

/** JSON bytes of a message around its data: name, timestamp and keys. */
const MAX_ENVELOPE_BYTES = 512

export interface MessagesNeeds {
  readonly clock: Clock
  readonly clientId: ClientId
  /** Our messages are numbered from the next one on. */
  readonly firstSeq: number
  readonly self: { readonly connectionId: string; readonly participantId: string }
  readonly maxDataBytes: number
  readonly delivery: Delivery
  readonly rejects: RejectCounter
  now(): number
  /** The member who has that client, if it is present. */
  findSender(clientId: ClientId): Participant | undefined
  /** Whether a member has a path now. */
  isReachable(clientId: ClientId): boolean
  /** To everybody, or to the one who has that client. As `Transport.send`. */
  send(message: MessageFrame, to?: ClientId): boolean
}

export interface Messages {
  /** @throws PresenceError `unknown-event`, `not-json`, `too-large`. */
  publish(event: string, data: unknown): void
  on(event: string, listener: (message: RealtimeMessage) => unknown): Unsubscribe
  off(event: string, listener?: (message: RealtimeMessage) => unknown): void
  /** `isEarly`: it came before its sender's entry. */
  receive(message: MessageFrame, isEarly: boolean): void
  /** A member's entry came: its last message has that number. */
  expect(clientId: ClientId, sent: number): void
  /** A member is gone: what waited for a lost one is told now, before its leave, unless a newer membership has its client id. */
  forget(clientId: ClientId): void
  close(): void
}

/** @throws PresenceError `unknown-event` unless it is a string of 1 to 64 characters. */
export function checkMessageEvent(event: unknown): asserts event is string {
  if (isEventName(event)) return
  throw new PresenceError(
    'unknown-event',
    `An event's name is a string of 1 to ${MAX_ID_LENGTH} characters, this is ${show(event)}.`,
  )
}

/** Characters as people count them: an emoji is one. */
const isEventName = (name: unknown): name is string =>
  typeof name === 'string' && name !== '' && name.length <= 2 * MAX_ID_LENGTH && [...name].length <= MAX_ID_LENGTH

export function createMessages(needs: MessagesNeeds): Messages {
  const { clock, clientId, delivery, rejects, self } = needs
  const emitter = createEmitter<RealtimeMessage>()
  const outbox = createMessageOutbox({
    clock,
    send: (message) => needs.send(message),
    onRefused: () => rejects.count('too-often'),
  })
  const steadyMs = () => clock.moment().steadyMs
  let order: MessageOrder = new Map()
  let cancelGapTimer: CancelTimer | undefined
  let tendsAtMs = Number.POSITIVE_INFINITY
  let seq = needs.firstSeq

  const deliver = (message: RealtimeMessage) => delivery.push(() => emitter.emit(message.name, Object.freeze(message)))

  const settle = (step: MessageOrderStep) => {
    order = step.order
    for (const { sender, body: text } of step.ready) {
      const body = readBody(text)
      if (body === undefined) rejects.count('malformed')
      else deliver({ ...body, connectionId: sender.connectionId, participantId: sender.id })
    }
    if (!hasGaps(order) || cancelGapTimer !== undefined) return
    cancelGapTimer = clock.setTimer(tend, ASK_AFTER_MS)
    tendsAtMs = steadyMs() + ASK_AFTER_MS
  }
  /** A hidden page has slow timers: what comes in shows it how late it is. */
  const take = (step: MessageOrderStep) => {
    settle(step)
    if (cancelGapTimer === undefined || steadyMs() < tendsAtMs) return
    cancelGapTimer()
    tend()
  }
  const tend = () => {
    cancelGapTimer = undefined
    const step = tendGaps(order, steadyMs(), needs.isReachable)
    for (const { clientId: asked, due } of step.questions) {
      const sender = needs.findSender(asked)
      if (sender !== undefined) needs.send(encodeQuestion(clientId, sender.connectionId, due), asked)
    }
    settle(step)
  }
  const answer = (message: MessageFrame) => {
    const question = decodeQuestion(message)
    if (question === undefined) rejects.count('malformed')
    else if (question.connectionId === self.connectionId) {
      const asker = needs.findSender(message.clientId)
      // By its connection: a client id costs nothing.
      if (asker !== undefined) outbox.resend(asker.connectionId, question.from)
    }
  }

  return {
    publish(event, data) {
      checkMessageEvent(event)
      const json = toJson(data)
      checkSize(json, needs.maxDataBytes)
      const timestamp = needs.now()
      const body = JSON.stringify({ name: event, data: json, timestamp })
      outbox.checkRoom(utf8Bytes(body))
      seq += 1
      outbox.push({ clientId, seq, body })
      deliver({ name: event, ...self, data: json, timestamp })
    },
    on: emitter.on,
    off: emitter.off,
    receive(message, isEarly) {
      // Before anything is kept of it: who sends it is a member, and it is no larger than a message may be.
      const isTooLarge = utf8Bytes(message.body) > needs.maxDataBytes + MAX_ENVELOPE_BYTES
      const sender = needs.findSender(message.clientId)
      if (isTooLarge || sender === undefined) return rejects.count(isTooLarge ? 'too-large' : 'not-owner')
      if (isQuestion(message)) return answer(message)
      take(takeMessage(order, { ...message, sender }, steadyMs(), isEarly))
    },
    expect(sender, sent) {
      take({ order: expectMessages(order, sender, sent, steadyMs()), ready: [] })
    },
    forget(gone) {
      const step = forgetSender(order, gone)
      // Where a newer membership goes on with that client id, what waits may be of that one, and comes again.
      settle(needs.findSender(gone) === undefined ? step : { ...step, ready: [] })
    },
    close() {
      cancelGapTimer?.()
      outbox.stop()
      emitter.clear()
    },
  }
}

/** The body of a message, or undefined where it is none. */
function readBody(text: string): { name: string; data: JsonValue; timestamp: number } | undefined {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // Not JSON: the caller counts it.
    return undefined
  }
  // The body holds the data one level down.
  if (!isJsonObject(body) || sealJson(body, MAX_JSON_DEPTH + 1) !== undefined) return undefined
  const { name, data, timestamp } = body
  if (!isEventName(name) || data === undefined) return undefined
  return Number.isSafeInteger(timestamp) && Number(timestamp) >= 0
    ? { name, data, timestamp: Number(timestamp) }
    : undefined
}
