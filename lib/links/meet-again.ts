/**
 * Whoever is still at a meeting though its link was forgotten is met again: one that did not prove itself in time may have
 * been frozen, or behind a bad line. Later and later, since it may also be nobody at all.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'

/** The next try, doubled each time, up to a minute: a few hellos an hour for one who never answers. */
const MEET_AGAIN_MS = 1_000
const LONGEST_MEET_AGAIN_MS = 60_000

export interface MeetAgainOptions {
  /** Whoever does not answer so often is given up, until it speaks by itself. */
  readonly mostTries?: number
}

export interface MeetAgain {
  /** The link is no more, and its far end has not left the meeting. */
  forgotten(peer: ConnectionId): void
  /** It has left the meeting, or we did not meet it there at all. */
  ended(peer: ConnectionId): void
  /** The meeting itself is over. */
  clear(): void
}

export function createMeetAgain(
  clock: Clock,
  meet: (peer: ConnectionId) => void,
  { mostTries = Number.POSITIVE_INFINITY }: MeetAgainOptions = {},
): MeetAgain {
  const tries = new Map<ConnectionId, { count: number; cancel: CancelTimer }>()

  return {
    forgotten(peer) {
      const { count = 0, cancel } = tries.get(peer) ?? {}
      cancel?.()
      if (count >= mostTries) return void tries.delete(peer)
      const delayMs = Math.min(MEET_AGAIN_MS * 2 ** count, LONGEST_MEET_AGAIN_MS)
      tries.set(peer, { count: count + 1, cancel: clock.setTimer(() => meet(peer), delayMs) })
    },
    ended(peer) {
      tries.get(peer)?.cancel()
      tries.delete(peer)
    },
    clear() {
      for (const { cancel } of tries.values()) cancel()
      tries.clear()
    },
  }
}
