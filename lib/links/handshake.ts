/**
 * Says hello until the far end has answered, over whatever carrier there is: who speaks first, when to try again, and
 * which answers belong to the try that is under way. What a hello proves is the identity room's.
 */
import { type BackoffRule, createBackoff } from '../base/backoff.ts'
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
import { createTokenBucket, type TokenBucket } from '../base/token-bucket.ts'
import type { HelloNeeds } from '../identity/hello.ts'
import { createHello } from '../identity/hello.ts'
import type { SealedLink } from '../identity/seal.ts'
import { createSealedLink } from '../identity/seal.ts'
import { encodeHelloEnvelope, RESTART_ENVELOPE } from '../wire/envelope.ts'
import type { RejectReason } from '../wire/result.ts'

/**
 * A hello that has no keys after this, or half of it, is said anew: longer than two round trips of a slow line. Later ones wait
 * up to four times as long, which is most of the time after which one who proved nothing is forgotten.
 */
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 8_000
const RETRY: BackoffRule = {
  limitMs: ({ tries }) => Math.min(FIRST_RETRY_MS * 2 ** tries, LONGEST_RETRY_MS),
  leastShare: 0.5,
}
/**
 * Who is spoken to asks for that only after so long: the other has nearly always heard of the way as well, and a line of half
 * a second there and back is no longer. Where only one of us knows of the way the question and the three messages of the
 * hello have 600 ms left of the second in which a relay is to serve.
 */
const TURN_MS = 400
/**
 * A far end cannot make us speak more often than this; nor, where it had us do so a moment ago, before two, four and eight times
 * as long, so that nobody who keeps asking takes what is under way with the keys before. A hello that is not answered yet is
 * only said again: it holds nobody up who is back and asks.
 */
const MIN_RESTART_MS = 500
const MOST_RESTART_DOUBLINGS = 3
/** Who asks for others than keys that stood for so long is no nuisance. */
const CALM_MS = 10_000
/** [T35] Hello messages of one way: an honest far end says four a second at most, some of them twice. */
const MESSAGES = { perSecond: 6, burst: 24 }
/** Ways that are remembered: some servers, a tab and the neighbours; more of them only one after the other. */
const MAX_WAYS = 256

export interface HandshakeNeeds {
  readonly hello: Omit<HelloNeeds, 'attempt'>
  readonly clock: Clock
  readonly random: RandomBytes
  /** Whether we speak first: the lower connectionId does. */
  readonly isInitiator: boolean
  /**
   * `by`: the carrier of what this answers. `isRepeated`: the same was said in vain before, so another way may be the better
   * one.
   */
  send(envelope: Uint8Array, how: { readonly by?: string | undefined; readonly isRepeated: boolean }): void
  /**
   * `by`: the carrier of the message that agreed on them; `roundTripMs`: from our last word to it, the far end's proof
   * included.
   */
  onKeys(sealed: SealedLink, by: string | undefined, roundTripMs: number): void
  onReject(reason: RejectReason): void
}

export interface Handshake {
  /**
   * There is a new carrier, and no keys: begins, or gives the one whose turn it is the time to; goes on with less patience where
   * tries were in vain.
   */
  begin(): void
  /** `by`: the carrier that it came by. */
  receive(bytes: Uint8Array, by?: string): void
  /** Resolves when what was received so far has been looked at. */
  settled(): Promise<unknown>
  /** Since the far end first spoke, or since the beginning where it has not: what kept it silent may have ended just then. */
  unansweredMs(): number
  /** The far end has no keys for what we send. */
  restart(): void
  /** We have no keys for what the far end sends: begins anew, or asks it to. */
  renew(): void
  stop(): void
}

export function createHandshake(needs: HandshakeNeeds): Handshake {
  const { clock, isInitiator, random } = needs
  const make = () => createHello({ ...needs.hello, attempt: randomToken(random) })
  // A responder answers to whichever try comes. An initiator says the same again until it is answered: where an answer takes
  // longer than our patience, to begin anew would be to throw it away, and costs both ends the work once more.
  let hello = make()
  let isSpent = false
  let beganAtMs = Number.NEGATIVE_INFINITY
  let spokeAtMs = Number.NEGATIVE_INFINITY
  const backoff = createBackoff({ clock, random, ...RETRY })
  let cancelRestart: CancelTimer | undefined
  /** It is the other's turn to speak. */
  let cancelTurn: CancelTimer | undefined
  let receiving: Promise<unknown> = Promise.resolve()
  let isStopped = false
  const metAtMs = clock.moment().steadyMs
  let firstHeardMs: number | undefined
  const allowances = new Map<string, TokenBucket>()
  /** How often we began without an end. */
  let tries = 0
  /** How often we began because we were asked to, since keys last stood for long. */
  let restarts = 0
  /** When the keys were agreed on that nobody has asked to replace yet. */
  let agreedAtMs: number | undefined

  const send = (envelope: Uint8Array, by?: string): void => needs.send(envelope, { by, isRepeated: tries > 1 })

  async function speak(): Promise<void> {
    beganAtMs = clock.moment().steadyMs
    if (isSpent) hello = make()
    isSpent = false
    const own = hello
    const first = await own.start()
    if (first === undefined || own !== hello || isStopped) return
    spokeAtMs = clock.moment().steadyMs
    send(encodeHelloEnvelope(first))
  }

  function attempt(): void {
    tries += 1
    backoff.schedule(attempt)
    if (isInitiator) void speak()
    else send(RESTART_ENVELOPE)
  }

  function awaitTurn(): void {
    cancelTurn ??= clock.setTimer(() => {
      cancelTurn = undefined
      attempt()
    }, TURN_MS)
  }

  /** The other speaks: what is said in vain from now on is said again as if we had asked for it. */
  function yieldTurn(): void {
    if (cancelTurn === undefined) return
    cancelTurn()
    cancelTurn = undefined
    tries += 1
    backoff.schedule(attempt)
  }

  function settle(): void {
    backoff.stop()
    cancelTurn?.()
    cancelTurn = undefined
    cancelRestart?.()
    cancelRestart = undefined
    tries = 0
  }

  async function receive(bytes: Uint8Array, by: string | undefined): Promise<void> {
    const own = hello
    const step = await own.receive(bytes, by)
    if (own !== hello || isStopped) return
    if (!step.ok) return needs.onReject(step.reason)
    if (step.send !== undefined) send(encodeHelloEnvelope(step.send), by)
    const nowMs = clock.moment().steadyMs
    if (step.keys !== undefined) {
      settle()
      agreedAtMs = nowMs
      isSpent = true
      needs.onKeys(createSealedLink(step.keys, needs.hello.crypto, needs.hello.topic), by, nowMs - spokeAtMs)
    } else spokeAtMs = nowMs
  }

  /** Looking at one costs far more than making one up. */
  function isAllowed(way = ''): boolean {
    const allowance = allowances.get(way) ?? createTokenBucket(MESSAGES, () => clock.moment().steadyMs)
    allowances.set(way, allowance)
    const [oldest] = allowances.keys()
    if (allowances.size > MAX_WAYS && oldest !== undefined) allowances.delete(oldest)
    return allowance.take(1)
  }

  /** The far end cannot make us do this as often as it likes: what comes sooner waits, or is answered by then. */
  function restart(): void {
    if (isStopped) return
    const nowMs = clock.moment().steadyMs
    if (agreedAtMs !== undefined && nowMs - agreedAtMs >= CALM_MS) restarts = 0
    agreedAtMs = undefined
    const isSaidAgain = isInitiator && !isSpent
    const leastMs = MIN_RESTART_MS * 2 ** (isSaidAgain ? 0 : Math.min(restarts, MOST_RESTART_DOUBLINGS))
    const waitMs = beganAtMs + leastMs - nowMs
    if (waitMs > 0) {
      // Timers keep whole ms, and may come a moment too soon: then there is another one.
      cancelRestart ??= clock.setTimer(() => {
        cancelRestart = undefined
        restart()
      }, Math.ceil(waitMs))
      return
    }
    // Timers of a hidden tab are slow: the next request does what the timer was to do.
    cancelRestart?.()
    cancelRestart = undefined
    tries += 1
    if (!isSaidAgain) restarts += 1
    beganAtMs = nowMs
    if (isInitiator) void speak()
    else send(RESTART_ENVELOPE)
  }

  const hear = (): void => {
    firstHeardMs ??= clock.moment().steadyMs
  }

  return {
    begin() {
      if (isStopped) return
      backoff.reset()
      if (backoff.isWaiting) return
      if (isInitiator) attempt()
      else awaitTurn()
    },
    receive(bytes, by) {
      hear()
      if (!isAllowed(by)) return needs.onReject('too-often')
      if (!isStopped) yieldTurn()
      // [T31] Resolved with nothing: a result that holds the one before it would hold all that ever came.
      receiving = Promise.all([receiving, receive(bytes, by)]).then(() => undefined)
    },
    settled: () => receiving,
    unansweredMs: () => clock.moment().steadyMs - (firstHeardMs ?? metAtMs),
    restart() {
      hear()
      if (isInitiator) restart()
    },
    renew: restart,
    stop() {
      isStopped = true
      settle()
    },
  }
}

/** 48 random bits: tells tries apart, and nothing hangs on its being secret. */
const randomToken = (random: RandomBytes): number => random(6).reduce((token, byte) => token * 256 + byte, 0)
