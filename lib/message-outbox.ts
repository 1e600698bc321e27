/**
 * Our messages on their way out: in order, no faster than a relay takes them, and kept for a while, so that a member
 * who was cut off for a moment can ask for what it missed. Knows nothing of events or of who is present.
 */
import type { CancelTimer, Clock } from './base/clock.ts'
import { PresenceError } from './base/errors.ts'
import { createTokenBucket } from './base/token-bucket.ts'
import { utf8Bytes } from './base/utf8.ts'
import { createAskers } from './message-askers.ts'
import { KEPT_MS } from './message-order.ts'
import type { MessageFrame } from './wire/frame.ts'

/**
 * Half of the messages and three eighths of the bytes that the server takes of one socket (`maxMessagesPerSecond`,
 * `maxMessageBurst`, `maxBytesPerSecond`, `maxByteBurst`): entries go by the same socket, up to half of its bytes.
 */
const MESSAGES = { perSecond: 250, burst: 1_000 }
const BYTES = { perSecond: 393_216, burst: 393_216 }
/** What may wait to be sent. */
export const MAX_WAITING_MESSAGES = 10_000
export const MAX_WAITING_BYTES = 8_388_608
/** A message that some have to wait for is handed over again after this, for those. */
const HAND_AGAIN_MS = 50
/** After a server's restart everybody asks at once, and is answered at once. */
const ANSWER_DELAY_MS = 20
/** Between two answers: half of the time between two questions of one member. */
const ANSWER_EVERY_MS = 150

interface Outgoing {
  readonly message: MessageFrame
  readonly bytes: number
}

/** One that was sent, and when for the first time. */
interface Kept extends Outgoing {
  readonly atMs: number
}

export interface MessageOutbox {
  /** @throws PresenceError `too-large` when too much waits already; then nothing is sent. */
  checkRoom(bytes: number): void
  /** Sends the message now, or when those before it are sent and the rate allows it. */
  push(message: MessageFrame): void
  /** That member misses our messages from this one on: those that are kept are sent again, to everybody who asked, at once. */
  resend(asker: string, due: number): void
  stop(): void
}

export interface MessageOutboxNeeds {
  readonly clock: Clock
  /** As `Transport.send`: false as long as it is not out. */
  send(message: MessageFrame): boolean
  /** A member asked for more than it may have, and gets nothing. */
  onRefused(asker: string): void
}

export function createMessageOutbox({ clock, send, onRefused }: MessageOutboxNeeds): MessageOutbox {
  const now = () => clock.moment().steadyMs
  const messages = createTokenBucket(MESSAGES, now)
  const bytes = createTokenBucket(BYTES, now)
  const kept: Kept[] = []
  let waiting: Outgoing[] = []
  let lastSent = 0
  let waitingBytes = 0
  const askers = createAskers((from, to) =>
    kept.filter(({ message: { seq } }) => seq >= from && seq <= to).reduce(sendingMs, 0),
  )
  /** Who asks, and from which message on. */
  const asked = new Map<string, number>()
  let answeredAtMs = Number.NEGATIVE_INFINITY
  let cancelDrain: CancelTimer | undefined
  let cancelAnswer: CancelTimer | undefined

  /** Takes what goes out now off both rates, or says in how many ms there is room. */
  const waitMs = (size: number): number => Math.max(messages.waitMs(1), bytes.waitMs(size))

  const drain = () => {
    cancelDrain = undefined
    let sent = 0
    for (const entry of waiting) {
      const delayMs = waitMs(entry.bytes)
      if (delayMs > 0) {
        cancelDrain = clock.setTimer(drain, Math.ceil(delayMs))
        break
      }
      keep(entry)
      if (!send(entry.message)) {
        cancelDrain = clock.setTimer(drain, HAND_AGAIN_MS)
        break
      }
      messages.take(1)
      bytes.take(entry.bytes)
      sent += 1
      waitingBytes -= entry.bytes
    }
    waiting = waiting.slice(sent)
  }
  /** What waits is not lost yet, so it takes no place from what was sent. */
  const keep = (entry: Outgoing) => {
    if (entry.message.seq <= lastSent) return
    lastSent = entry.message.seq
    kept.push({ ...entry, atMs: now() })
    age()
  }
  const age = () => {
    while (now() - (kept[0]?.atMs ?? now()) > KEPT_MS) kept.shift()
  }
  const answer = () => {
    cancelAnswer = undefined
    answeredAtMs = now()
    // A slow timer may answer late, and nobody waits for what is older: to whoever met us anew it would be new.
    age()
    // What waits to be sent again already is on its way.
    const oldestWaiting = waiting[0]?.message.seq ?? Number.POSITIVE_INFINITY
    const past = kept.filter(({ message: { seq } }) => seq < oldestWaiting)
    const allowed = [...asked].filter(([asker, due]) => {
      const isAllowed = askers.take(asker, due, past.at(-1)?.message.seq ?? 0)
      if (!isAllowed) onRefused(asker)
      return isAllowed
    })
    asked.clear()
    const from = Math.min(...allowed.map(([, due]) => due))
    const again = past.filter(({ message: { seq } }) => seq >= from)
    waiting = [...again, ...waiting]
    waitingBytes += again.reduce((sum, entry) => sum + entry.bytes, 0)
    if (cancelDrain === undefined) drain()
  }

  return {
    checkRoom(size) {
      if (waiting.length < MAX_WAITING_MESSAGES && waitingBytes + size <= MAX_WAITING_BYTES) return
      throw new PresenceError(
        'too-large',
        `${waiting.length} messages of ${waitingBytes} bytes wait to be sent, but at most ${MAX_WAITING_MESSAGES} of ${MAX_WAITING_BYTES} may.`,
        {
          hint: `Publish at most ${MESSAGES.perSecond} messages and ${BYTES.perSecond} bytes a second in the long run.`,
        },
      )
    },
    push(message) {
      const entry = { message, bytes: utf8Bytes(message.body) }
      waiting.push(entry)
      waitingBytes += entry.bytes
      if (cancelDrain === undefined) drain()
    },
    resend(asker, due) {
      asked.set(asker, Math.min(asked.get(asker) ?? due, due))
      cancelAnswer ??= clock.setTimer(answer, Math.max(ANSWER_DELAY_MS, answeredAtMs + ANSWER_EVERY_MS - now()))
    },
    stop() {
      cancelDrain?.()
      cancelAnswer?.()
      waiting = []
      kept.length = 0
      asked.clear()
    },
  }
}

/** A sum and how long one more takes to send, at the rates above. */
const sendingMs = (sum: number, { bytes }: Outgoing): number =>
  sum + Math.max(1_000 / MESSAGES.perSecond, (bytes / BYTES.perSecond) * 1_000)
