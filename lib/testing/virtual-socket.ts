/**
 * WebSockets of one host: the part of the standard that the library uses. They dial by address, and end as sockets do:
 * by a word of either side, with their process, or by nothing at all where the network is cut.
 */
import type { WebSocketClass } from '../signaling/system.ts'
import type { Host } from './host.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServerLine, VirtualServer } from './virtual-server.ts'
import type { Pipe, Wires } from './wires.ts'

/** The close code of a socket that ended without a word (RFC 6455). */
const ABNORMAL = 1006
const NORMAL = 1000

export interface SocketsNeeds {
  readonly host: Host
  readonly wires: Wires
  readonly scheduler: Scheduler
  findServer(url: string): VirtualServer
}

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3] as const

/** The `WebSocket` of one host. `openCount`: sockets of its that are not closed. */
export function createSockets(needs: SocketsNeeds): { WebSocketClass: WebSocketClass; openCount(): number } {
  const { host, scheduler, wires } = needs
  const open = new Set<VirtualSocket>()

  class VirtualSocket {
    static readonly CONNECTING = CONNECTING
    static readonly OPEN = OPEN
    static readonly CLOSING = CLOSING
    static readonly CLOSED = CLOSED
    readonly CONNECTING = CONNECTING
    readonly OPEN = OPEN
    readonly CLOSING = CLOSING
    readonly CLOSED = CLOSED
    readonly url: string
    binaryType = 'blob'
    readyState: number = CONNECTING
    onopen: ((event: unknown) => void) | null = null
    onmessage: ((event: { data: unknown }) => void) | null = null
    onclose: ((event: { code: number }) => void) | null = null
    onerror: ((event: unknown) => void) | null = null
    #up: Pipe | undefined
    #line: ServerLine | undefined

    constructor(url: string) {
      this.url = url
      open.add(this)
      this.#dial(needs.findServer(url))
    }

    get bufferedAmount(): number {
      return this.#up?.backlogBytes() ?? 0
    }

    send(bytes: Uint8Array): void {
      if (this.readyState === CONNECTING) throw new Error('the socket is still connecting')
      if (this.readyState === OPEN) this.#up?.send(bytes)
    }

    close(): void {
      if (this.readyState >= CLOSING) return
      const wasOpen = this.readyState === OPEN
      this.readyState = CLOSING
      const { server } = this.#ends()
      // The server answers the close; what was sent before it arrives before it.
      this.#up?.send(() => {
        this.#line?.end(0)
        const backMs = wires.delayMs(server.machine, host.machine)
        if (server.isUp) scheduler.after(backMs, () => host.run(() => this.#end(NORMAL)))
      })
      if (!wasOpen) scheduler.after(0, () => host.run(() => this.#end(ABNORMAL)))
    }

    terminate(): void {
      if (this.readyState === CLOSED) return
      this.readyState = CLOSING
      this.#up?.send(() => this.#line?.end(0))
      scheduler.after(0, () => host.run(() => this.#end(ABNORMAL)))
    }

    /** The process is gone; its system still closes the socket. */
    abandon(): void {
      open.delete(this)
      this.readyState = CLOSED
      this.#up?.send(() => this.#line?.end(0))
    }

    #ends(): { server: VirtualServer } {
      return { server: needs.findServer(this.url) }
    }

    #dial(server: VirtualServer): void {
      const up = wires.pipe({
        from: host.machine,
        to: server.machine,
        carrier: 'relay',
        deliver: (bytes) => this.#line?.receive(bytes),
      })
      this.#up = up
      // One round trip: the first packet arrives when the way is open, and is refused where no server listens.
      up.send(() => {
        const backMs = wires.delayMs(server.machine, host.machine)
        const refuse = () => scheduler.after(backMs, () => host.run(() => this.#end(ABNORMAL)))
        if (!server.isUp || this.readyState !== CONNECTING) return void refuse()
        const down = wires.pipe({
          from: server.machine,
          to: host.machine,
          carrier: 'relay',
          deliver: (bytes) => host.run(() => this.#receive(bytes)),
        })
        down.send(() => host.run(() => this.#open()))
        this.#line = server.accept({
          host,
          down,
          onEnd: (code) => down.send(() => host.run(() => this.#end(code))),
        })
      })
    }

    #open(): void {
      if (this.readyState !== CONNECTING) return
      this.readyState = OPEN
      this.onopen?.({})
    }

    #receive(bytes: Uint8Array): void {
      if (this.readyState === OPEN) this.onmessage?.({ data: bytes.slice().buffer })
    }

    #end(code: number): void {
      if (this.readyState === CLOSED) return
      this.readyState = CLOSED
      open.delete(this)
      if (code === ABNORMAL) this.onerror?.({})
      this.onclose?.({ code })
    }
  }

  host.onChange(() => {
    if (host.state === 'dead') for (const socket of [...open]) socket.abandon()
  })
  return { WebSocketClass: VirtualSocket as unknown as WebSocketClass, openCount: () => open.size }
}
