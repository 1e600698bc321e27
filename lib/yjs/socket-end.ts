/** The end of a WebSocket whose provider has let go of it: nothing of it may outlive the transport. */
import type { Clock } from '../base/clock.ts'
import { SOCKET_END_MS } from './timing.ts'

/** Resolves when the socket is closed; one that does not close in time is cut off where the platform can. */
export function endSocket(clock: Clock, socket: WebSocket | null | undefined): Promise<void> {
  if (!socket || socket.readyState === socket.CLOSED) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => {
      if ('terminate' in socket && typeof socket.terminate === 'function') socket.terminate()
      resolve()
    }, SOCKET_END_MS)
    socket.addEventListener(
      'close',
      () => {
        cancel()
        resolve()
      },
      { once: true },
    )
    if (socket.readyState < socket.CLOSING) socket.close()
  })
}
