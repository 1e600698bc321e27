/**
 * Every bound of the server, in one table: the options, the flags, `--help` and the checks all read it. Knows numbers
 * and their meaning; does not know what happens at a socket.
 */
import { PresenceError, show } from '../lib/base/errors.ts'
import { MAX_JSON_DEPTH } from '../lib/base/json.ts'
import { LARGEST_MAX_DATA_BYTES, MAX_FRAME_BYTES, maxEntryBytes } from '../lib/wire/limits.ts'

interface LimitRow {
  readonly default: number
  readonly unit: 'bytes' | 'ms' | 'sockets' | 'topics' | 'characters' | 'levels' | 'messages/s' | 'messages' | 'bytes/s'
  /** What it bounds, and what happens beyond it. */
  readonly meaning: string
  /** 1 where left out. */
  readonly min?: number
  readonly max?: number
}

/** What the server adds to a message that it passes on: who sent it, or how many hear it. */
const MAX_STAMP_BYTES = 64

/** Timers of Node overflow beyond this. */
const LONGEST_MS = 2 ** 31 - 1

/** Close codes stay outside 4400–4499: those make a stock y-websocket client stop for good. */
export const LIMITS = {
  maxPayloadBytes: {
    default: MAX_FRAME_BYTES,
    unit: 'bytes',
    meaning: 'one message; a larger one closes its socket with 1009',
    max: MAX_FRAME_BYTES,
  },
  maxSockets: { default: 10_000, unit: 'sockets', meaning: 'open sockets of the server; more are answered 503' },
  maxSocketsPerIp: {
    default: 0,
    unit: 'sockets',
    meaning:
      'open sockets of one address, or of one /64 of IPv6, more are answered 429; 0: no limit, right behind a proxy',
    min: 0,
  },
  maxSocketsPerTopic: {
    default: 256,
    unit: 'sockets',
    meaning: 'sockets of one topic or room; a room answers more with 503, a topic leaves them out',
  },
  maxTopicsPerSocket: {
    default: 100,
    unit: 'topics',
    meaning: 'topics of one socket; more are dropped, and close the socket of a stock client with 1008',
  },
  maxNameLength: {
    // An app of 256 characters, a channel of 64, and the tag of a secret.
    default: 512,
    unit: 'characters',
    meaning: 'name of a topic or room; a longer one is answered 400 or closes its socket with 1008',
  },
  maxMessagesPerSecond: {
    default: 500,
    unit: 'messages/s',
    meaning: 'what one socket may send in the long run, four frames to one other as one; more closes it with 1013',
  },
  maxMessageBurst: { default: 2_000, unit: 'messages', meaning: 'what one socket may send at once' },
  maxBytesPerSecond: {
    default: 1_048_576,
    unit: 'bytes/s',
    meaning: 'what one socket may send in the long run; more closes it with 1013',
  },
  maxByteBurst: { default: 1_048_576, unit: 'bytes', meaning: 'what one socket may send at once' },
  maxEntryBytes: {
    default: maxEntryBytes(LARGEST_MAX_DATA_BYTES),
    unit: 'bytes',
    meaning: 'state of one client in a room; a larger one is dropped, since stock clients repeat it in longer words',
  },
  maxBacklogMessages: {
    // What one socket may send at once to one other.
    default: 8_192,
    unit: 'messages',
    meaning: 'what waits for a socket that does not read, however small; more cuts it off',
  },
  maxBacklogBytes: {
    default: 1_048_576,
    unit: 'bytes',
    meaning: 'what waits for a socket that does not read; more cuts it off',
    // The first frames of a room fit into it.
    min: 4_096,
  },
  maxJsonDepth: {
    // Data of 32 levels lies two levels down in its state.
    default: MAX_JSON_DEPTH + 2,
    unit: 'levels',
    meaning: 'nesting of a signaling message or an awareness state, looked at before it is parsed',
  },
  headerTimeoutMs: { default: 5_000, unit: 'ms', meaning: 'for the headers of a request', max: LONGEST_MS },
  helloTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    meaning: 'for the first subscribe or join, or the first frame in a room; later closes the socket with 1008',
    max: LONGEST_MS,
  },
  // Two of them, and 0.3 s to be late by, in the 3 s after which a client asks: what it answers spares it the question.
  pingIntervalMs: { default: 1_350, unit: 'ms', meaning: 'between two pings of a socket', max: LONGEST_MS },
  // A gap of 10 s that began just after a sign of life must pass unnoticed, a pause between two pings included.
  silenceTimeoutMs: {
    default: 12_250,
    unit: 'ms',
    meaning: 'without a sign of life; then the socket is cut off, within a quarter of the time between two pings',
    max: LONGEST_MS,
  },
  probeTimeoutMs: {
    default: 2_000,
    unit: 'ms',
    meaning: 'for the answer of a stock client whose client id another socket claims',
    max: LONGEST_MS,
  },
  keepAliveIntervalMs: {
    default: 10_000,
    unit: 'ms',
    meaning: 'between two empty frames to a socket in a room; stock clients leave after 30000 of silence',
    max: LONGEST_MS,
  },
  queryIntervalMs: {
    default: 100,
    unit: 'ms',
    meaning: 'between two rounds of asking a room for its awareness',
    max: LONGEST_MS,
  },
  rejoinTimeoutMs: {
    default: 5_000,
    unit: 'ms',
    meaning: 'for a socket that replaced its own to join the same topics; the others are not told that it was away',
    max: LONGEST_MS,
  },
  closeTimeoutMs: {
    default: 1_000,
    unit: 'ms',
    meaning: 'for a socket to answer a close, the one of a stopping server included; then it is cut off',
    max: LONGEST_MS,
  },
} as const satisfies Record<string, LimitRow>

export type LimitName = keyof typeof LIMITS
export type Limits = { readonly [Name in LimitName]: number }

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[]

/**
 * The given limits over the defaults.
 * @throws PresenceError `invalid-option` for a number out of its range, or limits that contradict each other.
 */
export function resolveLimits(given: { readonly [Name in LimitName]?: number | undefined }): Limits {
  const limits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, checkLimit(name, given[name])])) as Limits
  const atLeast = (larger: LimitName, smaller: LimitName, more = 0) => {
    if (limits[larger] >= limits[smaller] + more) return
    throw new PresenceError(
      'invalid-option',
      `${larger} is ${limits[larger]}, but ${smaller} is ${limits[smaller]}: the first must be ${limits[smaller] + more} at least.`,
    )
  }
  atLeast('maxByteBurst', 'maxPayloadBytes')
  // One message must not be a receiver's whole backlog.
  atLeast('maxBacklogBytes', 'maxPayloadBytes', MAX_STAMP_BYTES)
  atLeast('silenceTimeoutMs', 'pingIntervalMs')
  return limits
}

function checkLimit(name: LimitName, value: number | undefined): number {
  const row: LimitRow = LIMITS[name]
  if (value === undefined) return row.default
  const [min, max] = [row.min ?? 1, row.max ?? Number.MAX_SAFE_INTEGER]
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new PresenceError(
    'invalid-option',
    `${name} is ${show(value)}, but must be a whole number of ${row.unit} from ${min} to ${max}.`,
  )
}
