/** RTCDataChannel: the part of the standard that the library uses. Knows its states; what carries it is its connection's. */

/** The largest message that browsers take (RFC 8841). */
const MAX_MESSAGE_BYTES = 262_144

export interface ChannelNeeds {
  send(bytes: Uint8Array): void
  backlogBytes(): number
  /** Our end closes: the far end is to hear of it. */
  close(): void
}

export class VirtualDataChannel {
  readyState = 'connecting'
  binaryType = 'arraybuffer'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  readonly #needs: ChannelNeeds

  constructor(needs: ChannelNeeds) {
    this.#needs = needs
  }

  get bufferedAmount(): number {
    return this.#needs.backlogBytes()
  }

  open(): void {
    if (this.readyState !== 'connecting') return
    this.readyState = 'open'
    this.onopen?.()
  }

  send(bytes: Uint8Array): void {
    if (this.readyState !== 'open') throw new Error('the channel is not open')
    if (bytes.length > MAX_MESSAGE_BYTES) throw new TypeError('a message over the limit')
    this.#needs.send(bytes)
  }

  receive(bytes: Uint8Array): void {
    if (this.readyState === 'open') this.onmessage?.({ data: bytes.slice().buffer })
  }

  close(): void {
    if (this.readyState === 'closed') return
    this.#needs.close()
    this.readyState = 'closed'
  }

  end(): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.onclose?.()
  }
}
