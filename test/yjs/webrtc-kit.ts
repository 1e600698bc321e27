/** Real data channels: our members with their y-webrtc in view, stock peers, and a stranger at the signaling server. */
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Awareness } from 'y-protocols/awareness'
import type { WebrtcProvider } from 'y-webrtc'
import * as Y from 'yjs'
import type { WebRtcParts, YWebrtcModule } from '../../lib/yjs/providers.ts'
import type { StockConn, StockPeer, StockProvider } from '../../lib/yjs/stock.ts'
import type { YjsTransportNeeds } from '../../lib/yjs/transport.ts'
import { until } from '../kit/until.ts'
import { createMember, loadOwnYWebrtc, MEET_MS, type Member, WEBRTC } from './kit.ts'

/** simple-peer with the parts that only tests look at. */
type OpenPeer = StockPeer & { readonly _channel: { send(bytes: Uint8Array): void } | null }
type OpenProvider = StockProvider & { readonly awareness: { readonly clientID: number } }
type OpenConn = StockConn & { readonly peer: OpenPeer }

export interface DirectMember extends Member {
  /** The provider of this member, once it is made. */
  provider(): StockProvider
  /** y-webrtc's connections by peer id. */
  conns(): Map<string, OpenConn>
  /** The connection to another member. */
  connTo(other: DirectMember): OpenConn
  peerId(): string
  /** Whether the signaling server knows of it. */
  isAnnounced(): boolean
}

/** A member with WebRTC. Several share a y-webrtc instance if they are given the same `load`. */
export function createDirectMember(
  options: Partial<YjsTransportNeeds> & { room: string; servers: readonly string[] },
): DirectMember {
  let made = new Set<OpenProvider>()
  const { loadYWebrtc = loadOwnYWebrtc } = options
  const member = createMember({
    webrtc: WEBRTC,
    ...options,
    async loadYWebrtc() {
      const watching = watched(await loadYWebrtc())
      made = watching.made
      return watching.module
    },
  })
  const find = () => [...made].find(({ awareness }) => awareness.clientID === member.clientId)
  const provider = () => {
    const found = find()
    if (found === undefined) throw new Error('y-webrtc is not loaded yet')
    return found
  }
  const conns = () => (find()?.room?.webrtcConns ?? new Map()) as Map<string, OpenConn>
  const peerId = () => find()?.room?.peerId ?? ''
  return {
    ...member,
    provider,
    conns,
    peerId,
    isAnnounced: () => peerId() !== '' && provider().signalingConns.every(({ connected }) => connected),
    connTo(other) {
      const conn = conns().get(other.peerId())
      if (conn === undefined) throw new Error('no such connection')
      return conn
    },
  }
}

/** The same for a module each time, as transports tell instances apart by it. */
const watchedModules = new WeakMap<object, { module: YWebrtcModule; made: Set<OpenProvider> }>()
function watched(module: YWebrtcModule): { module: YWebrtcModule; made: Set<OpenProvider> } {
  const known = watchedModules.get(module)
  if (known !== undefined) return known
  const made = new Set<OpenProvider>()
  class Watched extends module.WebrtcProvider {
    constructor(...args: ConstructorParameters<typeof WebrtcProvider>) {
      super(...args)
      made.add(this as unknown as OpenProvider)
    }
  }
  const watching = { module: { ...module, WebrtcProvider: Watched }, made }
  watchedModules.set(module, watching)
  return watching
}

/**
 * Waits until all that is said when a connection opens has been said and answered. An end may be heard before it knows
 * itself that it is open, and greets only then: whoever counts what it says must not begin earlier.
 */
export const untilGreeted = (members: readonly { conns(): ReadonlyMap<string, StockConn> }[]): Promise<unknown> => {
  const states = () => members.map((member) => [...member.conns().values()].map((c) => c.connected && c.synced))
  return until(
    'every greeting to be answered',
    () => states().every((conns) => conns.length > 0 && conns.every(Boolean)),
    { timeoutMs: MEET_MS, seen: states },
  )
}

/** Counts what goes out on every open data channel of a member from now on; call it after `untilGreeted`. */
export function countSends(member: DirectMember): { count: number } {
  const sends = { count: 0 }
  for (const { peer } of member.conns().values()) {
    const channel = peer._channel
    if (channel === null) continue
    const send = channel.send.bind(channel)
    channel.send = (bytes) => {
      sends.count++
      send(bytes)
    }
  }
  return sends
}

export interface StockMember {
  readonly clientId: number
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly provider: StockProvider
  /** Its connections by peer id. */
  conns(): ReadonlyMap<string, StockConn>
  /** Sends raw bytes to everybody it is connected to. */
  send(bytes: Uint8Array): void
  stop(): void
}

/** An unmodified y-webrtc client in the room. */
export async function createStockPeer(room: string, url: string, password?: string): Promise<StockMember> {
  // y-webrtc knows the global one only, which Node 20 does not have.
  globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket
  const module = await loadOwnYWebrtc()
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const provider = new module.WebrtcProvider(room, doc, {
    signaling: [url],
    awareness,
    ...(password === undefined ? {} : { password }),
    peerOpts: { wrtc: WEBRTC, config: { iceServers: [] } },
  }) as unknown as StockProvider
  const stop = () => {
    provider.maxConns = -1
    provider.disconnect()
    awareness.destroy()
    provider.destroy()
  }
  onTestFinished(stop)
  const conns = () => provider.room?.webrtcConns ?? new Map<string, StockConn>()
  return {
    clientId: doc.clientID,
    doc,
    awareness,
    provider,
    conns,
    send(bytes) {
      for (const { connected, peer } of conns().values()) if (connected) peer.send(bytes)
    },
    stop,
  }
}

/** `peers`: to how many. */
export const untilConnected = (stock: StockMember, peers = 1): Promise<unknown> =>
  until(
    `the stock peer to be connected to ${peers}`,
    () => [...stock.conns().values()].filter((conn) => conn.connected).length >= peers,
    { timeoutMs: MEET_MS },
  )

/**
 * A platform on which every connection leads nowhere, at no cost. A real one makes certificates and some 30 candidates for
 * each, and what the test says next waits behind all of those.
 */
export const NOWHERE: WebRtcParts = {
  RTCPeerConnection: class {
    createDataChannel = () => ({ readyState: 'connecting', close: () => undefined })
    createOffer = pending
    setRemoteDescription = pending
    addIceCandidate = pending
    close = () => undefined
  },
}
function pending(): Promise<never> {
  return new Promise(() => undefined)
}

/** A stranger who speaks the signaling protocol and says whatever the test wants. */
export async function openSignaling(url: string, topic: string) {
  const ws = new WebSocket(url)
  onTestFinished(() => ws.terminate())
  const heard: { type: string; data?: { type?: string; from?: string; to?: string; signal?: { type?: string } } }[] = []
  ws.on('message', (text) => heard.push(JSON.parse(String(text))))
  await new Promise((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('error', reject)
  })
  ws.send(JSON.stringify({ type: 'subscribe', topics: [topic] }))
  return {
    heard,
    publish: (data: unknown) => ws.send(JSON.stringify({ type: 'publish', topic, data })),
    /** Waits until all that was published so far has come back. */
    async isHandled() {
      const mark = `mark ${Math.random()}`
      ws.send(JSON.stringify({ type: 'publish', topic, data: { type: 'announce', from: '', mark } }))
      await until('the mark', () => heard.some((message) => JSON.stringify(message).includes(mark)))
    },
    /** Waits until a member has handled all that was published so far, and nothing of it is refused but what this sends. */
    async isHandledBy({ rejects }: Member) {
      const refused = () => rejects.totals()['signaling-refused'] ?? 0
      const before = refused()
      ws.send(JSON.stringify({ type: 'publish', topic, data: { type: 'announce', from: '' } }))
      await until('the mark to be refused', () => refused() > before)
    },
  }
}
