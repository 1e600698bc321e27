/** Clients of one test over real servers and over sockets that the test plays itself. Knows no rule. */
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../lib/base/clock.ts'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { type RandomBytes, systemRandom } from '../../lib/base/random.ts'
import type { Identity } from '../../lib/identity/identity.ts'
import { createSignalingClient, type SignalingClient, type TopicHandle } from '../../lib/signaling/signaling-client.ts'
import type { Platform, WebSocketClass } from '../../lib/signaling/system.ts'
import type { TopicListener } from '../../lib/signaling/topic.ts'
import { type ClientFrame, decodeClientFrame, encodeServerFrame, type ServerFrame } from '../../lib/wire/relay-frame.ts'
import { createRejectCounter, type RejectCounter } from '../../lib/wire/result.ts'
import { until } from '../kit/until.ts'
import { settleMicrotasks } from '../kit/virtual-clock.ts'
import { identityOf, nameOf } from '../signaling-server/blind-kit.ts'

export interface TestClient {
  readonly client: SignalingClient
  readonly identity: Identity
  readonly rejects: RejectCounter
}

interface ClientNeeds {
  readonly name: string
  readonly url: string
  readonly clock?: Clock
  readonly random?: RandomBytes
  readonly platform?: Platform
  readonly identity?: Identity
  readonly onStatus?: () => void
}

export function startClient({
  name,
  url,
  clock = systemClock,
  random = systemRandom,
  platform,
  onStatus,
  ...given
}: ClientNeeds): TestClient {
  const rejects = createRejectCounter()
  const identity = given.identity ?? identityOf(name)
  const client = createSignalingClient({
    ...{ url, identity, clock, rejects, random },
    ...(platform && { platform }),
    onStatus: onStatus ?? (() => undefined),
  })
  onTestFinished(() => client.stop({ isImmediate: true }))
  return { client, identity, rejects }
}

export interface Member {
  readonly handle: TopicHandle
  /** All it was told, in words: `open`, `members bob`, `joined bob`, `left bob 0`, `from bob hi`, `lost`. */
  readonly heard: string[]
  /** Of each `lost`, after how long a silence. */
  readonly lostAfterMs: number[]
  hears(words: string): Promise<unknown>
}

/** Writes down what a listener is told. */
export function join(client: SignalingClient, topic: Uint8Array): Member {
  const heard: string[] = []
  const lostAfterMs: number[] = []
  const listener: TopicListener = {
    onMembers: (members) => heard.push(`members ${members.map(nameOf).join()}`),
    onJoined: (connectionId) => heard.push(`joined ${nameOf(connectionId)}`),
    onLeft: (connectionId, silentMs) => heard.push(`left ${nameOf(connectionId)} ${silentMs}`),
    onFrame: (from, payload) => heard.push(`from ${nameOf(from)} ${Buffer.from(payload)}`),
    onLost(silentMs) {
      heard.push('lost')
      lostAfterMs.push(silentMs)
    },
  }
  return {
    handle: client.join(topic, listener),
    heard,
    lostAfterMs,
    hears: (words) => until(`the words ${words}`, () => heard.includes(words), { seen: () => heard }),
  }
}

/** A WebSocket whose far end is the test. */
export class PlayedSocket {
  readonly CONNECTING = 0
  readonly OPEN = 1
  readonly CLOSING = 2
  readonly CLOSED = 3
  readonly url: string
  readyState = 0
  bufferedAmount = 0
  binaryType = 'blob'
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null
  /** What our side sent. */
  readonly sent: ClientFrame[] = []

  constructor(url: string) {
    this.url = url
  }
  send(bytes: Uint8Array): void {
    if (this.readyState === 0) throw new Error('InvalidStateError: still connecting')
    const frame = decodeClientFrame(bytes)
    if (!frame.ok) throw new Error(`not a frame of a client: ${frame.reason}`)
    this.sent.push(frame.value)
  }
  close(): void {
    if (this.readyState < 2) this.readyState = 2
  }
  say(frame: ServerFrame): void {
    this.sayBytes(encodeServerFrame(frame))
  }
  sayBytes(data: Uint8Array | string): void {
    this.readyState = 1
    this.onmessage?.({ data: typeof data === 'string' ? data : Uint8Array.from(data).buffer })
  }
  /** The far end ends the socket, or the dial fails. */
  end(code = 1006): void {
    this.readyState = 3
    this.onerror?.()
    this.onclose?.({ code })
  }
  /** Says what a server says until its client is open. */
  async welcome(): Promise<void> {
    this.say({ kind: 'challenge', nonce: new Uint8Array(32) })
    await settleMicrotasks()
    this.say({ kind: 'welcome' })
  }
  kinds(): string[] {
    return this.sent.map(({ kind }) => kind)
  }
}

export interface PlayedPlatform extends Platform {
  readonly sockets: PlayedSocket[]
  /** The latest. */
  socket(): PlayedSocket
  goOnline(): void
  /** How often the process is held now, and how many wait for word of a network. */
  holds(): number
  onlineListeners(): number
}

export function createPlayedPlatform(): PlayedPlatform {
  const sockets: PlayedSocket[] = []
  const listeners = new Set<() => void>()
  let holds = 0
  const Played = class extends PlayedSocket {
    constructor(url: string) {
      super(url)
      sockets.push(this)
    }
  }
  return {
    sockets,
    socket() {
      const latest = sockets.at(-1)
      if (latest === undefined) throw new Error('no socket was made')
      return latest
    },
    goOnline: () => listeners.forEach((listener) => void listener()),
    holds: () => holds,
    onlineListeners: () => listeners.size,
    loadWebSocket: async () => Played as unknown as WebSocketClass,
    onOnline(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    holdProcess() {
      holds++
      return () => void holds--
    },
  }
}

export const idOf = (name: string): ConnectionId => identityOf(name).connectionId

/** Every delay is as long as it may be. */
export const longestDelays: RandomBytes = (length) => new Uint8Array(length).fill(255)
