/** A y-websocket server under the test's hand: it forwards nothing, records every frame, and sends what it is told. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { decodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { decodeFrame } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'

export interface RawSocket {
  readonly ws: WebSocket
  readonly path: string
  /** Frames in words: `sync 0`, `entry 7@1 {"a":1}`, `gone 7@2`, `query`, `message 7 1 hi`. */
  readonly frames: string[]
}

export interface RawRelay {
  readonly url: string
  readonly sockets: RawSocket[]
  /** Sockets so far, those of the signaling included. */
  socketCount(): number
  /** The nth socket, once it is there. */
  socket(index: number): Promise<RawSocket>
  /** Ends every socket and does not listen until `restart`. */
  stop(): Promise<void>
  restart(): Promise<void>
}

/** `isDeaf`: takes sockets and reads nothing that comes over them, the wish to close included. */
export async function startRawRelay({ isDeaf = false } = {}): Promise<RawRelay> {
  const sockets: RawSocket[] = []
  const all: WebSocket[] = []
  let port = 0
  let server: Server | undefined
  const start = async () => {
    server = createServer()
    new WebSocketServer({ server }).on('connection', (ws, request) => {
      const socket: RawSocket = { ws, path: request.url ?? '', frames: [] }
      ws.on('message', (data) => socket.frames.push(describe(data as Buffer)))
      // A client that is cut off by a test says so by an error first.
      ws.on('error', () => undefined)
      all.push(ws)
      if (isDeaf) ws.pause()
      if (socket.path.startsWith('/yjs')) sockets.push(socket)
    })
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  }
  const stop = async () => {
    for (const ws of all) ws.terminate()
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
  }
  await start()
  onTestFinished(stop)
  return {
    url: `ws://127.0.0.1:${port}`,
    sockets,
    socketCount: () => all.length,
    socket: (index) => until(`socket ${index} of the relay`, () => sockets[index], { seen: () => sockets.length }),
    stop,
    restart: start,
  }
}

export function describe(bytes: Uint8Array): string {
  const frame = decodeFrame(bytes)
  if (!frame.ok) return frame.reason
  if (frame.value.kind === 'sync') return `sync ${frame.value.step}`
  if (frame.value.kind === 'message') return `message ${frame.value.clientId} ${frame.value.seq} ${frame.value.body}`
  if (frame.value.kind !== 'awareness') return frame.value.kind
  const entries = decodeAwarenessUpdate(frame.value.update, 1_000_000)
  if (!entries.ok) return entries.reason
  return entries.value
    .map(({ clientId, clock, state }) =>
      state === null ? `gone ${clientId}@${clock}` : `entry ${clientId}@${clock} ${JSON.stringify(state.text)}`,
    )
    .join(', ')
}
