/**
 * The client of one signaling/relay server, shared by the channels of a Realtime: keeps one socket while somebody is on a
 * topic, proves who we are, joins the topics anew after each reconnect and carries bytes. Knows nothing of what they mean.
 */
import { createAllowance } from '../base/allowance.ts'
import { createBackoff } from '../base/backoff.ts'
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { RandomBytes } from '../base/random.ts'
import type { Identity } from '../identity/identity.ts'
import { encodeClientFrame, type ServerFrame } from '../wire/relay-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Count, ServerReport, ServerState } from '../wire/transport.ts'
import { dial, type ServerConnection } from './server-connection.ts'
import { closed, flushed } from './socket-end.ts'
import { type Platform, systemPlatform } from './system.ts'
import {
  ENTRY_RATES,
  JOIN_AGAIN_MS,
  LATE_RETRY_MS,
  MAX_SENT_BYTES,
  MESSAGE_RATES,
  RETRY,
  WELL_AFTER_MS,
} from './timing.ts'
import { createTopic, type Topic, type TopicListener } from './topic.ts'

export interface SignalingClientNeeds {
  /** `ws://` or `wss://`. */
  readonly url: string
  readonly identity: Identity
  readonly clock: Clock
  readonly random: RandomBytes
  readonly rejects: RejectCounter
  readonly platform?: Platform
  /** The state has changed. */
  onStatus(): void
}

/** Frames since the start, on all sockets; their bytes without what WebSocket and TCP add. */
export interface Traffic {
  readonly sent: Count
  readonly received: Count
}

export interface TopicHandle {
  readonly isOpen: boolean
  /** To one other of the topic. Whether it went out: false while the topic is not open or too much waits already. */
  send(to: ConnectionId, payload: Uint8Array): boolean
  /** To all others of the topic. */
  cast(payload: Uint8Array): boolean
  /** The listener is not called any more. Resolves when all that was sent has left, after 0.5 s at most. */
  leave(): Promise<void>
}

export interface SignalingClient {
  readonly url: string
  /** `closed`: no socket is under way, since nobody is on a topic or the next try is still waited for. */
  state(): ServerState
  /** `topic`: 32 bytes. Several may be on one topic: the server is told of the first and of the last. */
  join(topic: Uint8Array, listener: TopicListener): TopicHandle
  /**
   * Whether an entry, or anything else that can wait, of that size may go out now by the rates of a server, which all topics
   * share; then it is taken off them.
   */
  admit(byteCount: number, isEntry: boolean): boolean
  /** Bytes that wait in the socket. */
  backlogBytes(): number
  traffic(): Traffic
  /** All of the above, for people. */
  report(): ServerReport
  /** There is reason to doubt the connection, or to hope for one: asks for a sign of life, or tries again at once. */
  wake(): void
  /**
   * Ends for good, without a word to listeners. Resolves when nothing is left, after 0.5 s at most. `isImmediate`: nothing
   * is waited for. Calling it again is allowed.
   */
  stop(options?: { readonly isImmediate?: boolean }): Promise<void>
}

export function createSignalingClient(needs: SignalingClientNeeds): SignalingClient {
  const { clock, identity, rejects, platform = systemPlatform } = needs
  const topics = new Map<string, Topic>()
  const backoff = createBackoff({ clock, random: needs.random, ...RETRY })
  const traffic = { sent: { messages: 0, bytes: 0 }, received: { messages: 0, bytes: 0 } }
  const admitEntry = createAllowance(clock, ENTRY_RATES)
  const admitMessage = createAllowance(clock, MESSAGE_RATES)
  let connection: ServerConnection | undefined
  let openedAtMs: number | undefined
  /** Why the server closed our last socket, where it objected to us. */
  let refusal: string | undefined
  /** Counts attempts; one that is not the latest comes to nothing. */
  let attempts = 0
  let isDialling = false
  let isStopped = false
  /** The sockets that were let go of. The next one waits for them, or the server would take it for a reconnect. */
  let ending: Promise<void> = Promise.resolve()
  let releaseProcess: CancelTimer | undefined
  let cancelJoinAgain: CancelTimer = () => undefined

  const attempt = async () => {
    const own = ++attempts
    isDialling = true
    needs.onStatus()
    try {
      await ending
      const WebSocketClass = await platform.loadWebSocket()
      if (own !== attempts) return
      connection = dial({ ...needs, WebSocketClass, onOpen, onFrame, onTraffic, onEnd })
      isDialling = false
    } catch {
      // A page's policy forbids the socket (mixed content, CSP), or it cannot be loaded: like any other failure.
      if (own === attempts) onEnd()
    }
  }

  const onOpen = () => {
    openedAtMs = clock.moment().steadyMs
    refusal = undefined
    needs.onStatus()
    joinUnanswered()
  }
  const onTraffic = (direction: 'sent' | 'received', byteCount: number) => {
    traffic[direction].messages++
    traffic[direction].bytes += byteCount
  }
  const onFrame = (frame: ServerFrame) => {
    if ('topic' in frame) topics.get(keyOf(frame.topic))?.accept(frame)
  }
  const onEnd = (refusedFor?: string, silentMs = 0) => {
    refusal = refusedFor
    if (openedAtMs !== undefined && clock.moment().steadyMs - openedAtMs >= WELL_AFTER_MS) backoff.reset()
    openedAtMs = undefined
    connection = undefined
    isDialling = false
    cancelJoinAgain()
    // Before the others hear: what they do then may end it all.
    backoff.schedule(attempt, { limitMs: refusal === undefined ? undefined : LATE_RETRY_MS })
    needs.onStatus()
    for (const topic of [...topics.values()]) topic.lose(silentMs)
  }

  /** Asks for every topic that the server has not answered for, now and then again. */
  const joinUnanswered = () => {
    cancelJoinAgain()
    cancelJoinAgain = clock.setTimer(joinUnanswered, JOIN_AGAIN_MS)
    for (const topic of topics.values()) if (!topic.isOpen) sayJoin(topic)
  }
  const sayJoin = ({ bytes }: Topic) => connection?.send(encodeClientFrame({ kind: 'join', topic: bytes }))

  /** Nobody is on a topic any more: nothing is kept, and the next `join` begins anew. */
  const disconnect = (): Promise<void> => {
    attempts++
    isDialling = false
    openedAtMs = undefined
    backoff.stop()
    backoff.reset()
    cancelJoinAgain()
    releaseProcess?.()
    releaseProcess = undefined
    const socket = connection?.close()
    connection = undefined
    if (socket !== undefined) ending = Promise.all([ending, closed(clock, socket)]).then(() => undefined)
    needs.onStatus()
    return ending
  }

  const leave = async (topic: Topic, listener: TopicListener) => {
    topic.remove(listener)
    if (topic.listenerCount > 0 || topics.get(keyOf(topic.bytes)) !== topic) return
    topics.delete(keyOf(topic.bytes))
    if (topics.size === 0) return await disconnect()
    const current = connection
    if (current?.send(encodeClientFrame({ kind: 'leave', topic: topic.bytes }))) {
      await flushed(clock, () => current.backlogBytes())
    }
  }

  const enter = (topic: Topic) => {
    topics.set(keyOf(topic.bytes), topic)
    releaseProcess ??= platform.holdProcess()
    if (connection !== undefined) sayJoin(topic)
    else if (!isDialling && !backoff.isWaiting) void attempt()
  }

  const wake = () => {
    if (connection === undefined) backoff.hurry()
    else connection.probe()
  }
  const stopListening = platform.onOnline(wake)

  const handleOf = (topic: Topic, listener: TopicListener): TopicHandle => {
    let hasLeft = false
    const isOpen = () => !hasLeft && topic.isOpen
    const send = (frame: Uint8Array): boolean => {
      if (frame.length <= MAX_SENT_BYTES) return connection?.send(frame) ?? false
      rejects.count('too-large')
      return false
    }
    return {
      get isOpen() {
        return isOpen()
      },
      send: (to, payload) => isOpen() && send(encodeClientFrame({ kind: 'send', topic: topic.bytes, to, payload })),
      cast: (payload) => isOpen() && send(encodeClientFrame({ kind: 'cast', topic: topic.bytes, payload })),
      async leave() {
        if (hasLeft) return
        hasLeft = true
        await leave(topic, listener)
      },
    }
  }

  const state = (): ServerState =>
    connection?.isOpen ? 'open' : isDialling || connection !== undefined ? 'connecting' : 'closed'
  const copyTraffic = (): Traffic => ({ sent: { ...traffic.sent }, received: { ...traffic.received } })

  return {
    url: needs.url,
    state,
    join(bytes, listener) {
      const known = topics.get(keyOf(bytes))
      const topic = known ?? createTopic({ bytes, ownId: identity.connectionId, rejects, defer: clock.defer })
      topic.add(listener)
      if (known === undefined && !isStopped) enter(topic)
      return handleOf(topic, listener)
    },
    admit: (byteCount, isEntry) => (isEntry ? admitEntry : admitMessage)(byteCount),
    backlogBytes: () => connection?.backlogBytes() ?? 0,
    traffic: copyTraffic,
    report: () => ({
      ...{ url: needs.url, state: state(), ...copyTraffic(), rejects: rejects.totals() },
      ...(refusal !== undefined && { refusal }),
    }),
    wake,
    async stop({ isImmediate = false } = {}) {
      isStopped = true
      stopListening()
      topics.clear()
      const isEnded = disconnect()
      if (!isImmediate) await isEnded
    },
  }
}

const keyOf = (topic: Uint8Array): string => String.fromCharCode(...topic)
