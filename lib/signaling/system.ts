/** What the client of a server needs of the platform: a WebSocket, word that the network is back, and a process that stays. */
import type { CancelTimer } from '../base/clock.ts'
import type { Unsubscribe } from '../base/emitter.ts'
import { loadWebSocket } from '../base/web-socket.ts'
import { MAX_FRAME_BYTES } from '../wire/limits.ts'

/** The part of the platform's WebSocket that is used here; a simulator has its own. */
export type WebSocketClass = new (url: string, protocols: string) => WebSocket

export interface Platform {
  /** Called for each attempt; may be slow the first time, and may reject. */
  loadWebSocket(): Promise<WebSocketClass>
  /** The machine has a network again, or another one. */
  onOnline(listener: () => void): Unsubscribe
  /** Keeps the process alive until it is released. */
  holdProcess(): CancelTimer
}

/** Timers of Node overflow beyond this. */
const LONGEST_MS = 2 ** 31 - 1

export const systemPlatform: Platform = {
  loadWebSocket: () => loadWebSocket(MAX_FRAME_BYTES),
  onOnline(listener) {
    if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return () => undefined
    window.addEventListener('online', listener)
    return () => window.removeEventListener('online', listener)
  },
  holdProcess() {
    // Pages stay open by themselves, and all other timers of the library let a process end.
    if (typeof process === 'undefined') return () => undefined
    const timer = setInterval(() => undefined, LONGEST_MS)
    return () => clearInterval(timer)
  },
}
