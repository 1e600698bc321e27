/**
 * One socket to a server, from the dial to its end: proves who we are, once, and watches that the far end still answers.
 * Knows nothing of topics, and never comes back: its client dials anew.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { Identity } from '../identity/identity.ts'
import { signChallenge } from '../identity/server-proof.ts'
import {
  decodeServerFrame,
  encodeClientFrame,
  QUIET_MS,
  RELAY_SUBPROTOCOL,
  type ServerFrame,
} from '../wire/relay-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import { cutOff } from './socket-end.ts'
import type { WebSocketClass } from './system.ts'
import { ANSWER_MS, CONNECT_MS, DOUBTED_ANSWER_MS, MAX_BACKLOG_BYTES } from './timing.ts'

/** The close code of a server that objects to what we did; to do it again soon would be no use (RFC 6455). */
const POLICY = 1008

export interface ConnectionNeeds {
  readonly url: string
  readonly WebSocketClass: WebSocketClass
  readonly identity: Identity
  readonly clock: Clock
  readonly rejects: RejectCounter
  /** The server knows who we are: frames may be sent. Called at most once. */
  onOpen(): void
  /** Frames of the server's that are about topics. */
  onFrame(frame: ServerFrame): void
  /** Each frame that came or went, in bytes. */
  onTraffic(direction: 'sent' | 'received', byteCount: number): void
  /**
   * Called once, unless `close` was called before. `refusal`: the server objects to us, and that is its word for why.
   * `silentMs`: it was silent for so long, and was given up for that; else 0.
   */
  onEnd(refusal: string | undefined, silentMs: number): void
}

export interface ServerConnection {
  readonly isOpen: boolean
  /** Whether it was handed to the socket: not before it is open, and not where too much waits already. */
  send(frame: Uint8Array): boolean
  /** Asks for a sign of life now; without one in time the connection ends. */
  probe(): void
  backlogBytes(): number
  /** Lets go of the socket, which closes when what was sent has left. Nothing is told any more. */
  close(): WebSocket
}

/** @throws whatever the platform does where a page's policy forbids the socket. */
export function dial(needs: ConnectionNeeds): ServerConnection {
  const { clock, rejects } = needs
  const socket = new needs.WebSocketClass(needs.url, RELAY_SUBPROTOCOL)
  socket.binaryType = 'arraybuffer'
  let stage: 'dialling' | 'proving' | 'open' | 'ended' = 'dialling'
  /** A sign of life was asked for and has not come. */
  let isAsked = false
  let lastHeardMs = clock.moment().steadyMs
  let cancelTimer: CancelTimer = clock.setTimer(() => giveUp(), CONNECT_MS)

  const letGo = () => {
    stage = 'ended'
    cancelTimer()
  }
  const end = (refusal: string | undefined, silentMs = 0) => {
    if (stage === 'ended') return
    letGo()
    needs.onEnd(refusal, silentMs)
  }
  const giveUp = () => {
    if (stage === 'ended') return
    cutOff(socket)
    end(undefined, Math.round(clock.moment().steadyMs - lastHeardMs))
  }

  const sendNow = (frame: Uint8Array) => {
    needs.onTraffic('sent', frame.length)
    socket.send(frame as Uint8Array<ArrayBuffer>)
  }
  const setTimer = (fire: () => void, delayMs: number) => {
    cancelTimer()
    cancelTimer = clock.setTimer(fire, delayMs)
  }
  const watch = () => {
    const leftMs = lastHeardMs + QUIET_MS - clock.moment().steadyMs
    // Whole ms: a fraction may be too small for a clock to move by.
    if (leftMs > 0) setTimer(watch, Math.ceil(leftMs))
    else ask(ANSWER_MS)
  }
  const ask = (answerMs: number, isSecondTime = false) => {
    isAsked = true
    const askedAtMs = clock.moment().steadyMs
    sendNow(encodeClientFrame({ kind: 'ping' }))
    // What has arrived is read before the verdict: were we held up ourselves, the answer is already there.
    setTimer(() => clock.defer(() => judge(askedAtMs, isSecondTime)), answerMs)
  }
  const judge = (askedAtMs: number, isSecondTime: boolean) => {
    if (stage !== 'open') return
    if (!isAsked) return watch()
    // After a sleep of our own the answer may have been cut off by it: ask once more.
    const isLate = clock.moment().steadyMs - askedAtMs > 2 * ANSWER_MS
    if (isLate && !isSecondTime) ask(ANSWER_MS, true)
    else giveUp()
  }

  const prove = async (nonce: Uint8Array) => {
    stage = 'proving'
    const { publicKey } = needs.identity
    const { host } = new URL(needs.url)
    const signature = await signChallenge(needs.identity, { nonce, host })
    // Typed anew: the socket may have ended meanwhile.
    if ((stage as string) !== 'proving' || socket.readyState !== socket.OPEN) return
    sendNow(encodeClientFrame({ kind: 'prove', publicKey, signature, host }))
  }
  const receive = (frame: ServerFrame) => {
    // One challenge for one socket: nobody is signed for twice.
    if (frame.kind === 'challenge' && stage === 'dialling') return void prove(frame.nonce).catch(giveUp)
    if (frame.kind === 'welcome' && stage === 'proving') {
      stage = 'open'
      watch()
      return needs.onOpen()
    }
    if (stage !== 'open') return rejects.count('signaling-refused')
    if (frame.kind !== 'pong') needs.onFrame(frame)
  }

  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (stage === 'ended') return
    lastHeardMs = clock.moment().steadyMs
    if (isAsked) {
      isAsked = false
      watch()
    }
    if (!(data instanceof ArrayBuffer)) return rejects.count('malformed')
    needs.onTraffic('received', data.byteLength)
    const frame = decodeServerFrame(new Uint8Array(data))
    if (frame.ok) receive(frame.value)
    else rejects.count(frame.reason)
  }
  socket.onclose = ({ code, reason = '' }: { code: number; reason?: string }) =>
    end(code === POLICY ? reason : undefined)
  // Says nothing that the close which follows does not.
  socket.onerror = () => undefined

  return {
    get isOpen() {
      return stage === 'open'
    },
    send(frame) {
      if (stage !== 'open' || socket.readyState !== socket.OPEN) return false
      if (socket.bufferedAmount + frame.length > MAX_BACKLOG_BYTES) return false
      sendNow(frame)
      return true
    },
    probe() {
      if (stage === 'open' && !isAsked && socket.readyState === socket.OPEN) ask(DOUBTED_ANSWER_MS)
    },
    backlogBytes: () => socket.bufferedAmount,
    close() {
      letGo()
      socket.close()
      return socket
    },
  }
}
