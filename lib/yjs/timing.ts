/** Every time and count of this room, in one place because they depend on each other. */
import type { BackoffRule } from '../base/backoff.ts'

/** The first delay before a server is tried again. */
const FIRST_RETRY_MS = 100
/** A restarted server is noticed within this: values flow again at most 1 s after it is back. */
const SOON_RETRY_MS = 1_000
/** After about ten seconds of failures nobody waits for this server, and all the others who lost it try it too. */
const SOON_TRIES = 16
const LATER_RETRY_MS = 5_000
/** A server that refused us on purpose (close codes 4400 to 4499) is asked again, but seldom. */
export const REFUSED_RETRY_MS = 30_000
/** When a server is tried again: the stock providers' own timers cannot be stopped, so we keep the time for them. */
export const RETRY: BackoffRule = {
  limitMs: ({ tries }) => Math.min(FIRST_RETRY_MS * 2 ** tries, tries < SOON_TRIES ? SOON_RETRY_MS : LATER_RETRY_MS),
  leastShare: 0.5,
}

/** Stock peers forget an entry after 30 s (y-protocols `outdatedTimeout`), so ours is said anew twice as often. */
export const RENEW_MS = 15_000
/** A tab renews every `RENEW_MS`; silent for two of them, it is asked. */
export const TAB_SILENT_MS = 2 * RENEW_MS
/** How long a silent tab may take to answer: hidden tabs answer messages, but a busy one may be late. */
export const TAB_ANSWER_MS = 5_000
/** A healthy data channel answers within a round trip; after this it is taken for dead. */
export const PROBE_MS = 1_000
/**
 * How long a connection may be `disconnected` to ICE; some implementations never say `failed`. @roamhq/wrtc tells it 7.6 s
 * into a silence (without a server a silent member is gone after 15.6 s, `faults.bench.ts`). With the hold of 1.5 s after
 * it, a gap of 10 s stays unnoticed wherever ICE waits for 2 s at least.
 */
export const DISCONNECTED_MS = 6_500
/** A connection that has not opened by then never will (threat T18; connecting took 0.6 s at most where it worked). */
export const HALF_OPEN_MS = 8_000
/** While places are short, a connection that was answered keeps its own for so long: three times what connecting took. */
export const PLACE_MS = 2_000
/** Every provider speaks as soon as a connection opens; one that hears nothing by then is deaf (two calls that crossed). */
export const DEAF_MS = 3_000
/**
 * Connections that others have us begin, and offers that they have us answer: at once all that may be open and opening, and
 * more a second than the 15 offers that Y13 has us bear. Each sends a description and some candidates: 20 a second stay below
 * the 500 messages that servers allow.
 */
export const BEGIN_RATE = { perSecond: 20, burst: 64 }
/** Open connections of one channel; members beyond are reached by the relay. */
export const MAX_OPEN_CONNECTIONS = 32
/** Connections of one channel that are still opening (threat T18). */
export const MAX_HALF_OPEN_CONNECTIONS = 32
/** Bytes waiting in one socket or data channel; over it only the latest entry is kept (Y22). */
export const MAX_BACKLOG_BYTES = 65_536
/** Bytes of entries that a relay is sent a second, and at once: half of what the server takes of one socket. */
export const RELAY_ENTRY_BYTES_PER_SECOND = 524_288
/** The largest message of a data channel (RFC 8841, and what browsers announce); a larger one ends the channel. */
export const MAX_CHANNEL_MESSAGE_BYTES = 262_144
/** How often a backlog is looked at. */
export const BACKLOG_CHECK_MS = 100
/** The longest that `stop` waits for the goodbye to leave, and then for the sockets to close: 0.5 s together. */
export const FLUSH_MS = 300
export const SOCKET_END_MS = 200
export const FLUSH_CHECK_MS = 10
/** Data channels report an empty buffer before the last message has left the machine. */
export const LINGER_MS = 50
/** Answers to "you are gone" of peers who are mistaken about us: not more often than this. */
export const OBJECTION_MS = 1_000
/** Clients that one relay or tab carrier keeps a path for: a full room and as many again who just left it. */
export const MAX_PATHS = 256
