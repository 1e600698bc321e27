/** Waits at the end of a socket: for what was sent to leave, and for the socket itself. Bounded, and never rejects. */
import type { Clock } from '../base/clock.ts'
import { FLUSH_CHECK_MS, FLUSH_MS, SOCKET_END_MS } from './timing.ts'

/** Resolves when nothing waits in the socket, or after `FLUSH_MS`. */
export function flushed(clock: Clock, backlogBytes: () => number): Promise<void> {
  const giveUpAtMs = clock.moment().steadyMs + FLUSH_MS
  return new Promise((resolve) => {
    const look = () => {
      if (backlogBytes() === 0 || clock.moment().steadyMs >= giveUpAtMs) resolve()
      else clock.setTimer(look, FLUSH_CHECK_MS)
    }
    look()
  })
}

/** Resolves when a closing socket is closed; one that is not in time is cut off where the platform can. */
export function closed(clock: Clock, socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => {
      cutOff(socket)
      resolve()
    }, FLUSH_MS + SOCKET_END_MS)
    socket.onclose = () => {
      cancel()
      resolve()
    }
  })
}

/** Ends a socket without the handshake that a dead far end would not answer, where the platform can. */
export function cutOff(socket: WebSocket): void {
  if ('terminate' in socket && typeof socket.terminate === 'function') socket.terminate()
  else socket.close()
}
