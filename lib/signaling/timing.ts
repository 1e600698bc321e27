/** Every time and bound of this room, in one place because they depend on each other. */
import type { Rates } from '../base/allowance.ts'
import type { BackoffRule } from '../base/backoff.ts'

/** The first delay before a server is tried again is at most this: whoever lost it is back well within every hold. */
export const FIRST_RETRY_MS = 300
/**
 * Delays grow to this while others still hold us: values flow again 1 s after a server is back, of which the later of two
 * members may wait for so long; the rest is for the proof and the first word on a busy machine.
 */
export const HELD_RETRY_MS = 500
/** So long after the first failure somebody may hold us: the longest hold is 13.5 s. */
export const HELD_FOR_MS = 15_000
/** Then delays grow to this: a newcomer waits no longer for a server that was restarted. */
export const SOON_RETRY_MS = 2_000
/** So long after the first failure nobody waits any more. */
export const SOON_FOR_MS = 60_000
/** Delays grow to this in the long run. */
export const LATE_RETRY_MS = 30_000
/** No delay is shorter: a server that accepts and closes must not be asked in a circle. */
export const SHORTEST_RETRY_MS = 20
/** When a server is tried again: anywhere below a limit, so that all who lost it at once do not return at once. */
export const RETRY: BackoffRule = {
  limitMs({ tries, failingMs, lastMs }) {
    if (failingMs >= SOON_FOR_MS) return Math.min(2 * Math.max(lastMs, SOON_RETRY_MS), LATE_RETRY_MS)
    return Math.min(FIRST_RETRY_MS * 2 ** tries, failingMs < HELD_FOR_MS ? HELD_RETRY_MS : SOON_RETRY_MS)
  },
  leastShare: 0,
  shortestMs: SHORTEST_RETRY_MS,
}
/**
 * A connection that was open for so long was well: after its end the delays begin anew, since others hold us anew. A server
 * that closes after just that is asked less than once a second.
 */
export const WELL_AFTER_MS = 1_000
/** From the dial to the welcome; a proof and four round trips fit into it on any network that is of use. */
export const CONNECT_MS = 5_000
/** How long a server that was asked may take to answer. With `QUIET_MS` it is replaced within the 10 s that a gap may last unnoticed. */
export const ANSWER_MS = 5_000
/** As that, where there was word of another network: the old socket is probably dead. */
export const DOUBTED_ANSWER_MS = 3_000
/** A topic that a server did not answer for, since it was full, is asked for again. */
export const JOIN_AGAIN_MS = 10_000
/** Bytes waiting in one socket; what would exceed it is not sent (G29). */
export const MAX_BACKLOG_BYTES = 1_048_576
/** Bytes of one frame; a larger one is not sent. More than the largest entry needs, and every server takes it by default. */
export const MAX_SENT_BYTES = 262_144
/**
 * What entries may take of a server's rates for one socket (500 frames and 1 MiB a second, 2,000 and 1 MiB at once), and what
 * all copies of messages and documents may together; what is left of them is for hellos, signals and answers.
 */
export const ENTRY_RATES: Rates = {
  bytes: { perSecond: 524_288, burst: 524_288 },
  frames: { perSecond: 200, burst: 500 },
}
export const MESSAGE_RATES: Rates = {
  bytes: { perSecond: 393_216, burst: 393_216 },
  frames: { perSecond: 250, burst: 1_000 },
}
/** The longest that `leave` and `stop` wait for what was sent to leave, and then for the socket to close: 0.5 s together. */
export const FLUSH_MS = 300
export const SOCKET_END_MS = 200
export const FLUSH_CHECK_MS = 10
