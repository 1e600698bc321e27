/** The WebSocket of `ws`, for platforms without one. Loaded late and used from here alone, so that pages load nothing of it. */

export const loadNodeWebSocket = async () => (await import('ws')).WebSocket

/** One whose messages are at most so long. */
export async function loadBoundedWebSocket(maxPayload: number): Promise<typeof WebSocket> {
  const NodeWebSocket = await loadNodeWebSocket()
  return class extends NodeWebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      // Deflate would let a small message become a large one.
      super(url, protocols, { maxPayload, perMessageDeflate: false })
    }
  } as unknown as typeof WebSocket
}
