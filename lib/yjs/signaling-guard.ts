/**
 * Stands before the sockets of y-webrtc's signaling: whatever the server sends is read in here first, and stock code sees
 * only what it survives. Also keeps the time until the next try, since the stock timer cannot be stopped. Knows topics,
 * not what their messages mean.
 */
import { getUnixTime } from 'lib0/time'
import { createBackoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
import type { RejectCounter } from '../wire/result.ts'
import { MAX_SIGNALING_CHARS } from './signaling-message.ts'
import type { StockSignaling } from './stock.ts'
import { RETRY } from './timing.ts'

/** `WebSocket.OPEN`, which Node 20 has no class for. */
const OPEN = 1

export interface TopicGuard {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly rejects: RejectCounter
  /** A message for the topic; `deliver` hands a checked one to y-webrtc and may throw what stock code throws. */
  receive(data: unknown, deliver: (checked: unknown) => void): void
}

interface ConnGuard {
  readonly topics: Map<string, TopicGuard>
  /** Puts the guard before the present socket. */
  standBefore(): void
  stop(): void
}

// reason: providers of one y-webrtc module share the socket of a server, so its guard must be found by whoever comes
// second; the map forgets a socket together with its owner.
const guards = new WeakMap<StockSignaling, ConnGuard>()

/** Guards one topic on a signaling socket until the returned function is called. */
export function guardSignaling(conn: StockSignaling, topic: string, guard: TopicGuard): () => void {
  const shared = guards.get(conn) ?? createConnGuard(conn, guard)
  guards.set(conn, shared)
  shared.topics.set(topic, guard)
  shared.standBefore()
  return () => {
    if (shared.topics.get(topic) === guard) shared.topics.delete(topic)
    if (shared.topics.size === 0) shared.stop()
  }
}

function createConnGuard(conn: StockSignaling, { clock, random, rejects }: TopicGuard): ConnGuard {
  const topics = new Map<string, TopicGuard>()
  const backoff = createBackoff({ clock, random, ...RETRY })
  let guarded: WebSocket | undefined
  let isWaiting = false
  const stockSend = conn.send.bind(conn)
  // A candidate may come while the socket is still connecting anew: sent then, it would throw outside of any call.
  conn.send = (message) => {
    if (conn.ws?.readyState === OPEN) stockSend(message)
  }

  function reconnect(): void {
    isWaiting = false
    try {
      conn.connect()
      standBefore()
    } catch {
      // The page's policy forbids the socket (mixed content, CSP): the next try comes like after any failure.
      wait()
    }
  }

  function wait(): void {
    isWaiting = true
    backoff.schedule(reconnect)
  }

  function standBefore(): void {
    const socket = conn.ws
    if (socket === null || socket === guarded) return
    guarded = socket
    const { onmessage, onclose, onerror } = socket
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (conn.ws === socket) receive(event, () => onmessage?.call(socket, event))
    }
    socket.onclose = (event) => end(socket, () => onclose?.call(socket, event))
    socket.onerror = (event) => end(socket, () => onerror?.call(socket, event))
  }

  /** The stock handler schedules a reconnect that is due at once and finds that it is not wanted. */
  function end(socket: WebSocket, stock: () => void) {
    if (conn.ws !== null && conn.ws !== socket) return
    if (topics.size === 0 && conn.providers.size > 0) return stock()
    const wasCurrent = conn.ws === socket
    conn.unsuccessfulReconnects = conn.connected ? 0 : -1
    conn.shouldConnect = false
    stock()
    if (wasCurrent && topics.size > 0 && conn.providers.size > 0) wait()
  }

  function receive({ data }: MessageEvent<unknown>, stock: () => void) {
    conn.lastMessageReceived = getUnixTime()
    backoff.reset()
    const message = parse(data)
    if (message === undefined) return rejects.count('signaling-refused')
    const topic = message.topic
    const guard = typeof topic === 'string' ? topics.get(topic) : undefined
    try {
      if (message.type === 'pong') stock()
      else if (message.type !== 'publish') return
      else if (guard === undefined) stock()
      else
        guard.receive(message.data, (checked) =>
          conn.emit('message', [{ type: 'publish', topic, data: checked }, conn]),
        )
    } catch {
      // What stock code throws over a message is the sender's fault; thrown on, it would end a Node process.
      rejects.count('signaling-refused')
    }
  }

  return {
    topics,
    standBefore,
    stop() {
      backoff.stop()
      guards.delete(conn)
      // Somebody else's provider still uses this socket: it must not wait for us in vain.
      if (isWaiting && conn.providers.size > 0) conn.connect()
    },
  }
}

function parse(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== 'string' || data.length > MAX_SIGNALING_CHARS) return undefined
  try {
    const message: unknown = JSON.parse(data)
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : undefined
  } catch {
    // Not JSON: the caller counts it.
    return undefined
  }
}
