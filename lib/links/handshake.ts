/**
 * Says hello until the far end has answered, over whatever carrier there is: who speaks first, when to try again, and
 * which answers belong to the try that is under way. What a hello proves is the identity room's.
 */
import { type BackoffRule, createBackoff } from '../base/backoff.ts'
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
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
/** A far end cannot make us begin more often than this. */
const MIN_RESTART_MS = 500

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
  /** The far end has no keys for what we send. */
  restart(): void
  /** We have no keys for what the far end sends: begins anew, or asks it to. */
  renew(): void
  stop(): void
}

export function createHandshake(needs: HandshakeNeeds): Handshake {
  const { clock, isInitiator, random } = needs
  const make = () => createHello({ ...needs.hello, attempt: randomToken(random) })
  // A responder answers to whichever try comes; an initiator begins each one anew.
  let hello = make()
  let beganAtMs = Number.NEGATIVE_INFINITY
  let spokeAtMs = Number.NEGATIVE_INFINITY
  const backoff = createBackoff({ clock, random, ...RETRY })
  let cancelRestart: CancelTimer | undefined
  /** It is the other's turn to speak. */
  let cancelTurn: CancelTimer | undefined
  let receiving: Promise<unknown> = Promise.resolve()
  let isStopped = false
  /** How often we began without an end. */
  let tries = 0

  const send = (envelope: Uint8Array, by?: string): void => needs.send(envelope, { by, isRepeated: tries > 1 })

  async function speak(): Promise<void> {
    beganAtMs = clock.moment().steadyMs
    hello = make()
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
    const step = await own.receive(bytes)
    if (own !== hello || isStopped) return
    if (!step.ok) return needs.onReject(step.reason)
    if (step.send !== undefined) send(encodeHelloEnvelope(step.send), by)
    const nowMs = clock.moment().steadyMs
    if (step.keys !== undefined) {
      settle()
      needs.onKeys(createSealedLink(step.keys, needs.hello.crypto, needs.hello.topic), by, nowMs - spokeAtMs)
    } else spokeAtMs = nowMs
  }

  /** The far end cannot make us do this more often than every half a second: what comes sooner waits, or is answered by then. */
  function restart(): void {
    if (isStopped) return
    const waitMs = beganAtMs + MIN_RESTART_MS - clock.moment().steadyMs
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
    beganAtMs = clock.moment().steadyMs
    if (isInitiator) void speak()
    else send(RESTART_ENVELOPE)
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
      if (!isStopped) yieldTurn()
      const before = receiving
      receiving = receive(bytes, by).then(() => before)
    },
    settled: () => receiving,
    restart() {
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
