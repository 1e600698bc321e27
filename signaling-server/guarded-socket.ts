/**
 * One socket that can harm nobody: what it sends is bounded in rate, what waits for it in bytes, and its end is told
 * exactly once. Knows nothing of topics, rooms or what the messages mean.
 */
import type { WebSocket } from 'ws'
import { createTokenBucket } from '../lib/base/token-bucket.ts'
import type { CountedEvent, Counts } from './counts.ts'
import type { Limits } from './limits.ts'

/** The codes of RFC 6455 and its registry that the server closes with. */
export const CLOSE = {
  goingAway: 1001,
  wrongType: 1003,
  malformed: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
  later: 1013,
}

export interface GuardedSocket {
  /** Sends, or cuts the socket off if too much waits for it already. Nothing once it has ended. */
  send(bytes: Uint8Array, kind?: 'text'): void
  /** Closes with a code of `CLOSE`, cutting off a far end that does not answer. The handler is told at once. */
  close(code: number, why?: CountedEvent): void
  /** Ends the socket without a word. The handler is told at once. */
  cutOff(why: CountedEvent): void
  /** Pings; without a sign of life within `probeTimeoutMs` the socket is cut off. One probe at a time. */
  probe(): void
  /** One beat of the heart: cuts off a silent socket, pings one whose time has come. `isLate`: we slept, so do not judge. */
  beat(nowMs: number, isLate: boolean): void
  /** Takes messages and bytes off its rates: they only repeated what it had been sent. */
  refund(messageCount: number, byteCount: number): void
  /** The far end has said what it is here for, so the time for the hello no longer runs. */
  greet(): void
}

export interface SocketHandler {
  /** `data` is the received bytes, of text too. Not called once the socket has ended. */
  onMessage(data: Buffer, isBinary: boolean): void
  /** A ping of ours was answered, `quietMs` after anything was last sent. Once for each ping. */
  onAnswer?(quietMs: number): void
  /** Called once, however the socket ended. `silentMs`: it was cut off after so long without a sign of life; else 0. */
  onEnd(silentMs: number): void
}

export interface SocketNeeds {
  readonly limits: Limits
  readonly counts: Counts
  /** A time in ms that only rises. */
  readonly now: () => number
  /** Called once, however the socket ended. */
  onEnd(socket: GuardedSocket): void
}

export function guardSocket(
  ws: WebSocket,
  needs: SocketNeeds,
  attach: (socket: GuardedSocket) => SocketHandler,
): GuardedSocket {
  const { limits, counts, now } = needs
  const messages = createTokenBucket({ perSecond: limits.maxMessagesPerSecond, burst: limits.maxMessageBurst }, now)
  const bytes = createTokenBucket({ perSecond: limits.maxBytesPerSecond, burst: limits.maxByteBurst }, now)
  let lastSeenMs = now()
  let lastSentMs = now()
  let lastPingMs = Number.NEGATIVE_INFINITY
  let isPinged = false
  let hasEnded = false
  let waiting = 0
  let probeTimer: NodeJS.Timeout | undefined
  let closeTimer: NodeJS.Timeout | undefined
  const helloTimer = setTimeout(() => socket.close(CLOSE.policy, 'closed-hello'), limits.helloTimeoutMs)

  const end = (silentMs = 0) => {
    if (hasEnded) return
    hasEnded = true
    clearTimeout(helloTimer)
    clearTimeout(probeTimer)
    handler.onEnd(silentMs)
    needs.onEnd(socket)
  }
  const terminateSoon = () => {
    closeTimer ??= setTimeout(() => ws.terminate(), limits.closeTimeoutMs)
  }
  /** Whether the far end may send this much more; if not, its socket is closed. */
  const admit = (size: number): boolean => {
    if (hasEnded) return false
    lastSeenMs = now()
    if (messages.take(1) && bytes.take(size)) return true
    socket.close(CLOSE.later, 'closed-flood')
    return false
  }

  const socket: GuardedSocket = {
    send(bytes, kind) {
      if (hasEnded) return
      const isFull = ws.bufferedAmount + bytes.length > limits.maxBacklogBytes || waiting >= limits.maxBacklogMessages
      if (isFull) return socket.cutOff('closed-backlog')
      // A small message that waits costs far more memory than its bytes, so they are counted too.
      waiting++
      lastSentMs = now()
      ws.send(bytes, { binary: kind !== 'text' }, () => waiting--)
    },
    close(code, why) {
      if (hasEnded) return
      if (why !== undefined) counts.count(why)
      end()
      ws.close(code, why?.replace('closed-', ''))
      terminateSoon()
    },
    cutOff(why) {
      if (hasEnded) return
      counts.count(why)
      end(why === 'closed-silent' ? Math.round(now() - lastSeenMs) : 0)
      ws.terminate()
    },
    probe() {
      if (hasEnded || probeTimer !== undefined) return
      const askedAtMs = now()
      ws.ping()
      const judge = () => {
        probeTimer = undefined
        if (lastSeenMs < askedAtMs) socket.cutOff('closed-silent')
      }
      // The immediate runs after what arrived was read: were we held up ourselves, the answer is already there.
      probeTimer = setTimeout(() => setImmediate(judge), limits.probeTimeoutMs)
    },
    beat(nowMs, isLate) {
      if (hasEnded) return
      if (isLate) lastSeenMs = nowMs
      else if (nowMs - lastSeenMs > limits.silenceTimeoutMs) return socket.cutOff('closed-silent')
      // A beat that comes a little early does not leave it to the next one.
      if (nowMs - lastPingMs < 0.9 * limits.pingIntervalMs) return
      lastPingMs = nowMs
      isPinged = true
      ws.ping()
    },
    refund(messageCount, byteCount) {
      messages.grant(messageCount)
      bytes.grant(byteCount)
    },
    greet: () => clearTimeout(helloTimer),
  }
  const handler = attach(socket)

  ws.on('message', (data, isBinary) => {
    const buffer = data as Buffer // binaryType is left at nodebuffer, so it is one
    if (!admit(buffer.length)) return
    counts.count('received')
    try {
      handler.onMessage(buffer, isBinary)
    } catch {
      // A defect of ours: it may cost this socket, never the process. Counted, and the fuzz tests expect none.
      socket.close(CLOSE.internal, 'closed-internal')
    }
  })
  ws.on('ping', (data) => admit(data.length))
  ws.on('pong', (data) => {
    // Only what we asked for: nobody draws words out of us with pongs of its own.
    if (!admit(data.length) || !isPinged) return
    isPinged = false
    handler.onAnswer?.(lastSeenMs - lastSentMs)
  })
  ws.on('error', (error) => {
    // ws closes by itself here, with the fitting code; it waits too long for the answer.
    const isTooLarge = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    if (!hasEnded) counts.count(isTooLarge ? 'closed-too-large' : 'closed-protocol')
    end()
    terminateSoon()
  })
  ws.on('close', () => {
    clearTimeout(closeTimer)
    end()
  })
  return socket
}
