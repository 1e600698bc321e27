/**
 * Counts what one member process sends and receives, where it leaves the libraries: at the `send` of its data channels and
 * of its WebSockets, and at the messages of its WebSockets. Bytes are those of the messages, without the headers of
 * WebSocket, SCTP and what is below. Must be installed before the libraries open anything.
 *
 * Frames of links are bare on data channels and sealed on the server's socket. There each is told by what this process put
 * into it or found in it (seals.ts), so that kinds, and the tag of an update, are as exact as in the clear. One that nobody
 * here has opened counts as `unopened`, with all its bytes, and holds no tag. The libraries are those that users get: what
 * is wrapped is the process's own WebSocket, data channels and WebCrypto.
 */
import wrtc from '@roamhq/wrtc'
import { WebSocket as NodeWebSocket } from 'ws'
import { RELAY_SUBPROTOCOL } from '../../lib/wire/relay-frame.ts'
import { addTo, type Counts, emptyCounts, LANES, type Lane, tallyOf } from './counts.ts'
import {
  isIntroducing,
  type Kind,
  kindOfEnvelope,
  kindOfFrame,
  kindOfYjs,
  readDelivered,
  readSent,
  UNOPENED,
} from './kinds.ts'
import { sealOf, watchSeals } from './seals.ts'

type Direction = 'Up' | 'Down'

export interface Counter {
  counts(): Counts
  /** From now on messages that hold `tag` are counted as tagged, from zero. */
  lookFor(tag: string): void
}

/** A sealed message that came, until it is opened. */
interface Waiting {
  readonly payload: Uint8Array
  readonly byteLength: number
}

/** Wraps the data channels of the injected WebRTC and sets a counting `globalThis.WebSocket`. */
export function installCounter(): Counter {
  const counts = emptyCounts()
  const waiting = new Map<string, Waiting[]>()
  let tag: string | undefined

  const count = (lane: Lane, kind: Kind, byteLength: number, text: Uint8Array) => {
    addTo(tallyOf(counts, lane, kind), { messages: 1, bytes: byteLength })
    if (tag !== undefined && Buffer.from(text).includes(tag))
      addTo(counts.tagged[lane], { messages: 1, bytes: byteLength })
  }
  const countByServer = (direction: Direction, kind: Kind, byteLength: number, text: Uint8Array) =>
    count(`${isIntroducing(kind) ? 'signaling' : 'relay'}${direction}`, kind, byteLength, text)

  /** What came sealed was counted as unopened; now it is known what it was. */
  const seals = watchSeals((seal, plaintext) => {
    for (const { payload, byteLength } of waiting.get(seal) ?? []) {
      addTo(tallyOf(counts, 'relayDown', UNOPENED), { messages: 1, bytes: byteLength }, -1)
      countByServer('Down', kindOfEnvelope(payload, plaintext), byteLength, plaintext)
    }
    waiting.delete(seal)
  })

  const countOfLinks = (direction: Direction, bytes: Uint8Array) => {
    const { kind, payload } = direction === 'Up' ? readSent(bytes) : readDelivered(bytes)
    if (payload === undefined) return countByServer(direction, kind, bytes.length, bytes)
    const plaintext = direction === 'Up' ? seals.plaintextOf(payload) : undefined
    const inner = kindOfEnvelope(payload, plaintext)
    countByServer(direction, inner, bytes.length, plaintext ?? payload)
    if (direction === 'Up' || inner !== UNOPENED) return
    const seal = sealOf(payload)
    waiting.set(seal, [...(waiting.get(seal) ?? []), { payload: payload.slice(), byteLength: bytes.length }])
  }

  countDataChannels((label, bytes) =>
    count('direct', label === 'copresence' ? kindOfFrame(bytes) : kindOfYjs(bytes), bytes.length, bytes),
  )
  globalThis.WebSocket = countingWebSocket((url, protocols, direction, bytes) => {
    if (protocols === RELAY_SUBPROTOCOL) countOfLinks(direction, bytes)
    else countByServer(direction, url.pathname === '/' ? 'signaling' : kindOfYjs(bytes), bytes.length, bytes)
  }) as unknown as typeof globalThis.WebSocket

  return {
    counts: () => counts,
    lookFor(wanted) {
      tag = wanted
      for (const lane of LANES) Object.assign(counts.tagged[lane], { messages: 0, bytes: 0 })
    },
  }
}

function countDataChannels(count: (label: string, bytes: Uint8Array) => void): void {
  // reason: the implementation's types know the class as an interface of the DOM only.
  const { prototype } = wrtc.RTCDataChannel as unknown as { prototype: { send(message: unknown): void } }
  const send = prototype.send
  prototype.send = function countedSend(this: { readonly label: string }, message) {
    send.call(this, message)
    count(this.label, asBytes(message))
  }
}

type SocketCount = (url: URL, protocols: unknown, direction: Direction, bytes: Uint8Array) => void

function countingWebSocket(count: SocketCount) {
  return class CountingWebSocket extends NodeWebSocket {
    readonly #count: (direction: Direction, message: unknown) => void

    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { perMessageDeflate: false })
      const address = new URL(url)
      this.#count = (direction, message) => count(address, protocols, direction, asBytes(message))
      this.on('message', (message) => this.#count('Down', message))
    }

    override send(message: Parameters<NodeWebSocket['send']>[0]): void {
      if (this.readyState === NodeWebSocket.OPEN) this.#count('Up', message)
      super.send(message)
    }
  }
}

function asBytes(message: unknown): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof ArrayBuffer) return new Uint8Array(message)
  if (ArrayBuffer.isView(message)) return new Uint8Array(message.buffer, message.byteOffset, message.byteLength)
  throw new TypeError(`Not a message: ${typeof message}`)
}
