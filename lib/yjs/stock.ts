/**
 * The insides of y-webrtc 10 and simple-peer 9 that the guard touches, as far as it touches them. Their own types call
 * these `any` or private; a new major version is checked against this page.
 */

export interface StockPeer {
  readonly initiator: boolean
  /** Bytes waiting in the data channel. */
  readonly bufferSize: number
  /** Started at the first candidate and not cleared by `destroy`: 5 s in which a process could not end. */
  readonly _iceCompleteTimer: ReturnType<typeof setTimeout> | null
  /** Null if the platform refused to make one. */
  readonly _pc: { addIceCandidate(candidate: unknown): Promise<void> } | null
  send(bytes: Uint8Array): void
  destroy(): void
  on(event: string, listener: (payload: unknown) => void): void
  prependListener(event: string, listener: (payload: unknown) => void): void
  removeAllListeners(event: string): void
  listeners(event: string): ((payload: unknown) => void)[]
}

export interface StockConn {
  readonly peer: StockPeer
  /** Decides whose offer gives way when both sides call; undefined before our first signal. */
  readonly glareToken: number | undefined
  connected: boolean
  closed: boolean
  synced: boolean
}

export interface StockRoom {
  readonly name: string
  /** Our own, as others see it in the signaling. */
  readonly peerId: string
  key: CryptoKey | null
  readonly webrtcConns: Map<string, StockConn>
  mux: (task: () => void) => void
  bcconnected: boolean
  _bcSubscriber: (data: unknown) => void
  readonly _beforeUnloadHandler: () => void
  disconnect(): void
}

/** A signaling socket; the providers of one module instance share those of the same url. */
export interface StockSignaling {
  ws: WebSocket | null
  connected: boolean
  shouldConnect: boolean
  unsuccessfulReconnects: number
  lastMessageReceived: number
  readonly providers: Set<unknown>
  connect(): void
  send(message: unknown): void
  emit(event: 'message', args: readonly unknown[]): void
}

export interface StockProvider {
  room: StockRoom | null
  readonly key: PromiseLike<CryptoKey | null>
  readonly signalingConns: StockSignaling[]
  maxConns: number
  disconnect(): void
  destroy(): void
}
