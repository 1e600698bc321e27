/** The platform's WebSocket, or another where it has none. */

/** May be slow the first time, and may reject. `maxFrameBytes`: of one message, where it is not the platform's. */
export async function loadWebSocket(maxFrameBytes: number): Promise<typeof WebSocket> {
  if (typeof globalThis.WebSocket === 'function') return globalThis.WebSocket
  const { loadBoundedWebSocket } = await import('./node-web-socket.ts')
  return loadBoundedWebSocket(maxFrameBytes)
}
