/**
 * Candidates of our own that go with a description rather than each by itself: a pair meets in two signals then. How long that
 * may take is bounded, and what is found later goes together. Knows no connection.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import { MAX_CANDIDATES, MAX_DESCRIPTION_BYTES } from '../wire/limits.ts'

/**
 * A description waits for its candidates for so long. Those of UDP are there in a few ms, those of STUN and TURN servers within
 * one or two round trips; browsers begin with UDP, relays and TCP 50 ms after each other, so that all are found after 110 ms
 * (measured with libwebrtc), and later on a busy machine. The relay serves meanwhile.
 */
export const GATHER_MS = 400
/** What is found later waits so long for more: twice what lies between the kinds of candidates in browsers. */
const TOGETHER_MS = 100

export interface GatheringNeeds {
  readonly clock: Clock
  /** Hands a description over, with all candidates that it is to have, as JSON. */
  sendDescription(json: string): void
  /** Hands candidates over that no description has, as a JSON array of `MAX_CANDIDATES` at most. */
  sendCandidates(json: string): void
}

export interface Gathering {
  /** A description is about to be set: candidates belong to it from now on. */
  begin(): void
  /** A candidate was found; null, or an empty one: there are no more. */
  found(candidate: RTCIceCandidate | null): void
  /** Resolves when all are found, or it has lasted long enough. */
  isDone(): Promise<void>
  /** Says the description, and what it lacks of the candidates that were found. */
  say(description: { readonly type: string; readonly sdp: string }): void
  stop(): void
}

export function createGathering(needs: GatheringNeeds): Gathering {
  const { clock } = needs
  /** Those that wait for their description; undefined: it was said. */
  let held: RTCIceCandidate[] | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let cancelWait: CancelTimer | undefined
  let finish = (): void => undefined
  let done: Promise<void> = Promise.resolve()

  /** Those that no description has, until they go. */
  const late: RTCIceCandidate[] = []
  let cancelLate: CancelTimer | undefined

  function sendLate(): void {
    cancelLate?.()
    cancelLate = undefined
    while (late.length > 0) needs.sendCandidates(JSON.stringify(late.splice(0, MAX_CANDIDATES)))
  }

  return {
    begin() {
      // They belong to the description before.
      sendLate()
      finish()
      held = []
      dueMs = clock.moment().steadyMs + GATHER_MS
      done = new Promise((resolve) => {
        cancelWait = clock.setTimer(resolve, GATHER_MS)
        finish = () => {
          cancelWait?.()
          resolve()
        }
      })
    },
    found(candidate) {
      const isLast = candidate === null || candidate.candidate === ''
      if (isLast) sendLate()
      else if (held !== undefined) held.push(candidate)
      else {
        late.push(candidate)
        cancelLate ??= clock.setTimer(sendLate, TOGETHER_MS)
      }
      // Timers of a hidden tab are slow: what is found after the time is up ends the wait as well.
      if (isLast || clock.moment().steadyMs >= dueMs) finish()
    },
    isDone: () => done,
    say(description) {
      const found = held ?? []
      held = undefined
      const { type } = description
      const isTooLarge = JSON.stringify(description).length > MAX_DESCRIPTION_BYTES
      const sdp = isTooLarge ? description.sdp.replaceAll(/^a=candidate:.*\r?\n/gm, '') : description.sdp
      needs.sendDescription(JSON.stringify({ type, sdp }))
      late.push(...found.filter((candidate) => !sdp.includes(lineOf(candidate))))
      sendLate()
    },
    stop() {
      finish()
      cancelLate?.()
    },
  }
}

/**
 * How the line of a candidate in a description begins, up to its port (RFC 8839 section 5.1): what follows are attributes, of
 * which implementations write more in the one place than in the other.
 */
const lineOf = ({ candidate }: RTCIceCandidate): string => `a=${candidate.split(' ').slice(0, 6).join(' ')} `
