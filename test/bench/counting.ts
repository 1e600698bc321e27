/**
 * Counts what one member process sends and receives, where it leaves the libraries: at the `send` of its data channels and
 * of its WebSockets, and at the messages of its WebSockets. Bytes are those of the messages, without the headers of
 * WebSocket, SCTP and what is below. Must be installed before the libraries open anything.
 */
import wrtc from '@roamhq/wrtc'
import { WebSocket as NodeWebSocket } from 'ws'

/**
 * What a message travels by, as the member sees it. Signaling is the socket at `/`, the relay that of a room. A direct
 * message is counted where it is sent, once.
 */
export const LANES = ['direct', 'relayUp', 'relayDown', 'signalingUp', 'signalingDown'] as const
export type Lane = (typeof LANES)[number]

export interface Count {
  messages: number
  bytes: number
  /** Those of them that carry awareness entries. */
  entryMessages: number
  entryBytes: number
  /** Those of them that hold the tag that is looked for. */
  taggedMessages: number
  taggedBytes: number
}

export type Counts = Record<Lane, Count>

/** First byte of a frame of the Yjs providers that carries awareness entries. */
const AWARENESS = 1

export const emptyCount = (): Count => ({
  messages: 0,
  bytes: 0,
  entryMessages: 0,
  entryBytes: 0,
  taggedMessages: 0,
  taggedBytes: 0,
})

export const emptyCounts = (): Counts => ({
  direct: emptyCount(),
  relayUp: emptyCount(),
  relayDown: emptyCount(),
  signalingUp: emptyCount(),
  signalingDown: emptyCount(),
})

export interface Counter {
  counts(): Counts
  /** From now on messages that hold `tag` are counted as tagged, from zero. */
  lookFor(tag: string): void
}

/** Wraps the data channels of the injected WebRTC and sets a counting `globalThis.WebSocket`. */
export function installCounter(): Counter {
  const counts = emptyCounts()
  let tag: string | undefined

  const count = (lane: Lane, message: unknown) => {
    const bytes = asBuffer(message)
    const tally = counts[lane]
    tally.messages += 1
    tally.bytes += bytes.length
    if (!lane.startsWith('signaling') && bytes[0] === AWARENESS) {
      tally.entryMessages += 1
      tally.entryBytes += bytes.length
    }
    if (tag !== undefined && bytes.includes(tag)) {
      tally.taggedMessages += 1
      tally.taggedBytes += bytes.length
    }
  }

  countDataChannels((message) => count('direct', message))
  globalThis.WebSocket = countingWebSocket(count) as unknown as typeof globalThis.WebSocket

  return {
    counts: () => counts,
    lookFor(wanted) {
      tag = wanted
      for (const lane of LANES) {
        counts[lane].taggedMessages = 0
        counts[lane].taggedBytes = 0
      }
    },
  }
}

function countDataChannels(count: (message: unknown) => void): void {
  // reason: the implementation's types know the class as an interface of the DOM only.
  const { prototype } = wrtc.RTCDataChannel as unknown as { prototype: { send(message: unknown): void } }
  const send = prototype.send
  prototype.send = function countedSend(this: object, message) {
    send.call(this, message)
    count(message)
  }
}

function countingWebSocket(count: (lane: Lane, message: unknown) => void) {
  return class CountingWebSocket extends NodeWebSocket {
    readonly #way: 'signaling' | 'relay'

    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { perMessageDeflate: false })
      this.#way = new URL(url).pathname === '/' ? 'signaling' : 'relay'
      this.on('message', (message) => count(`${this.#way}Down`, message))
    }

    override send(message: Parameters<NodeWebSocket['send']>[0]): void {
      if (this.readyState === NodeWebSocket.OPEN) count(`${this.#way}Up`, message)
      super.send(message)
    }
  }
}

function asBuffer(message: unknown): Buffer {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof ArrayBuffer) return Buffer.from(message)
  if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  throw new TypeError(`Not a message: ${typeof message}`)
}
