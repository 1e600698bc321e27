/** Servers and raw sockets of one test: on loopback, on a free port, gone with the test. Knows no rule. */
import { connect as connectTcp, type Socket } from 'node:net'
import * as encoding from 'lib0/encoding'
import { onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import type { ClientId } from '../../lib/base/ids.ts'
import { type AwarenessEntry, decodeAwarenessUpdate, encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { decodeFrame, encodeAwarenessFrame, encodeMessageFrame } from '../../lib/wire/frame.ts'
import type { SignalingServerOptions } from '../../signaling-server/index.ts'
import { createSignalingServer, type SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'

export async function startServer(options: SignalingServerOptions = {}): Promise<SignalingServer> {
  const server = createSignalingServer({ port: 0, ...options })
  onTestFinished(() => server.close())
  await server.ready
  return server
}

/** One raw socket, and all that it got. */
export interface Probe {
  readonly ws: WebSocket
  /** Text as text, binary as a copy of its bytes, in the order in which it came. */
  readonly received: (string | Uint8Array)[]
  /** How the socket ended, once it has. */
  readonly ended: { code: number } | undefined
  send(data: string | Uint8Array): void
  sendJson(value: unknown): void
  /** The JSON messages so far. */
  json(): unknown[]
  /** The binary frames so far in words: `sync 0`, `entry 7@1 {"a":1}`, `gone 7@1`, `query`, `ended 7`, `message 7 1 hi`. */
  frames(): string[]
  /** Waits until a frame reads so. */
  sees(frame: string): Promise<unknown>
  /** Waits until all that was sent so far has been handled: a pong overtakes nothing. */
  isHandled(): Promise<void>
  close(): Promise<void>
}

export async function connect(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<Probe> {
  const ws = new WebSocket(url, protocols, options)
  onTestFinished(() => ws.terminate())
  const received: (string | Uint8Array)[] = []
  let ended: { code: number } | undefined
  ws.on('message', (data, isBinary) => {
    received.push(isBinary ? Uint8Array.from(data as Buffer) : String(data))
  })
  ws.on('close', (code) => {
    ended = { code }
  })
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve())
    ws.once('error', reject)
  })
  // From now on an end is told by `ended`.
  ws.on('error', () => undefined)
  const frames = () => received.filter((data) => typeof data !== 'string').map(describeFrame)
  return {
    ws,
    received,
    get ended() {
      return ended
    },
    send: (data) => ws.send(data),
    sendJson: (value) => ws.send(JSON.stringify(value)),
    json: () => received.filter((data) => typeof data === 'string').map((text) => JSON.parse(text)),
    frames,
    sees: (frame) => until(`the frame ${frame}`, () => frames().includes(frame), { seen: frames }),
    isHandled: () =>
      new Promise((resolve) => {
        ws.once('pong', () => resolve())
        ws.ping()
      }),
    async close() {
      ws.close()
      await until('the socket to close', () => ended)
    },
  }
}

/** The HTTP status that a request for a WebSocket is answered with; 101 where it gets one. */
export function upgradeStatus(url: string, options: ClientOptions = {}): Promise<number> {
  const ws = new WebSocket(url, options)
  onTestFinished(() => ws.terminate())
  return new Promise((resolve, reject) => {
    ws.once('open', () => resolve(101))
    ws.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    ws.once('error', reject)
  })
}

/** A bare TCP connection, and whether it has ended. */
export function connectRaw(server: SignalingServer): Promise<{ tcp: Socket; text(): string; isEnded(): boolean }> {
  const tcp = connectTcp(server.port, '127.0.0.1')
  onTestFinished(() => void tcp.destroy())
  let text = ''
  let isEnded = false
  tcp.on('data', (data) => {
    text += data.toString('latin1')
  })
  tcp.on('error', () => undefined)
  tcp.on('close', () => {
    isEnded = true
  })
  return new Promise((resolve) => tcp.once('connect', () => resolve({ tcp, text: () => text, isEnded: () => isEnded })))
}

/** What a browser sends for a WebSocket at `path`. */
export const upgradeRequest = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** A key of one of our own clients. */
export const keyOf = (name: string): string => name.padEnd(22, '_')

export const entry = (clientId: number, clock: number, state: AwarenessEntry['state'] = {}): AwarenessEntry => ({
  clientId: clientId as ClientId,
  clock,
  state,
})

/** One awareness frame of those entries. */
export function awarenessFrame(...entries: AwarenessEntry[]): Uint8Array {
  const singles = entries.map(encodeAwarenessUpdate)
  const update = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length)
    for (const single of singles) encoding.writeUint8Array(encoder, single.subarray(1))
  })
  return encodeAwarenessFrame(update)
}

/** An awareness frame of one entry whose state is whatever bytes. */
export const rawStateFrame = (clientId: number, clock: number, state: Uint8Array): Uint8Array =>
  encodeAwarenessFrame(
    encoding.encode((encoder) => {
      for (const number of [1, clientId, clock]) encoding.writeVarUint(encoder, number)
      encoding.writeVarUint8Array(encoder, state)
    }),
  )

/** A stock client of a room. */
export const joinStock = (server: SignalingServer, room = 'room'): Promise<Probe> =>
  connect(`${server.url}/yjs/${room}`)

/** One of our own clients, in the room `room`. */
export const joinOurs = (server: SignalingServer, key: string): Promise<Probe> =>
  connect(`${server.url}/yjs/room?copresence=${keyOf(key)}`)

/** A member that has written its first entry, with clock 1. */
export async function announced(joining: Promise<Probe>, clientId: number): Promise<Probe> {
  const probe = await joining
  probe.send(awarenessFrame(entry(clientId, 1)))
  await probe.isHandled()
  return probe
}

/** A publish of that client. */
export const message = (clientId: number, seq: number, body: string): Uint8Array =>
  encodeMessageFrame({ clientId: clientId as ClientId, seq, body })

function describeFrame(bytes: Uint8Array): string {
  const frame = decodeFrame(bytes)
  if (!frame.ok) return frame.reason
  switch (frame.value.kind) {
    case 'sync':
      return `sync ${frame.value.step}`
    case 'awareness': {
      const entries = decodeAwarenessUpdate(frame.value.update, 1_000_000)
      if (!entries.ok) return `awareness ${entries.reason}`
      if (entries.value.length === 0) return 'empty awareness'
      return entries.value
        .map(({ clientId, clock, state }) =>
          state === null ? `gone ${clientId}@${clock}` : `entry ${clientId}@${clock} ${JSON.stringify(state)}`,
        )
        .join(' + ')
    }
    case 'message':
      return `message ${frame.value.clientId} ${frame.value.seq} ${frame.value.body}`
    case 'ended':
      return `ended ${frame.value.clientId}`
    default:
      return frame.value.kind
  }
}
