/**
 * A server gone bad: it stands before the true one, sees every frame, and drops, changes, repeats, reflects or makes up
 * whatever a test wants. Knows the server's protocol and nothing of links.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { connectionIdOf } from '../../lib/identity/connection-id.ts'
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeServerFrame,
  RELAY_SUBPROTOCOL,
  type ServerFrame,
} from '../../lib/wire/relay-frame.ts'
import { crypto } from './mallory.ts'

/** One sealed message on its way through the server. */
export interface Passing {
  readonly topic: Uint8Array
  readonly from: ConnectionId
  readonly to: ConnectionId
  readonly payload: Uint8Array
}

export interface EvilServer {
  readonly url: string
  /** Every payload that passed, in order. */
  readonly seen: Passing[]
  /** Every byte that any client sent. */
  readonly bytes: Uint8Array[]
  /** What becomes of a payload: by default it goes on. */
  onPayload(change: (passing: Passing) => readonly Uint8Array[]): void
  /** What becomes of any other word of the true server: by default it goes on. */
  onWord(change: (frame: ServerFrame, to: ConnectionId | undefined) => readonly ServerFrame[]): void
  /** Tells a client anything. */
  say(to: ConnectionId, frame: ServerFrame): void
  /** Puts bytes into a client's ear as if another had sent them. */
  inject(passing: Passing): void
}

export async function startEvilServer(trueUrl: string): Promise<EvilServer> {
  const listening = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => RELAY_SUBPROTOCOL })
  const sockets = new Set<WebSocket>()
  const clients = new Map<ConnectionId, WebSocket>()
  const seen: Passing[] = []
  const bytes: Uint8Array[] = []
  let changePayload = ({ payload }: Passing): readonly Uint8Array[] => [payload]
  let changeWord = (frame: ServerFrame, _to: ConnectionId | undefined): readonly ServerFrame[] => [frame]
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate()
    listening.close()
  })

  listening.on('connection', (client) => {
    const upstream = new WebSocket(trueUrl, [RELAY_SUBPROTOCOL])
    const waiting: Uint8Array[] = []
    let id: ConnectionId | undefined
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => other.terminate())
    }
    upstream.on('open', () => {
      for (const data of waiting.splice(0)) upstream.send(data)
    })
    client.on('message', (data: Buffer) => {
      const copy = Uint8Array.from(data)
      bytes.push(copy)
      const frame = decodeClientFrame(copy)
      if (frame.ok && frame.value.kind === 'prove') {
        id = connectionIdOf(frame.value.publicKey, crypto)
        clients.set(id, client)
      }
      if (upstream.readyState === WebSocket.OPEN) upstream.send(copy)
      else waiting.push(copy)
    })
    upstream.on('message', (data: Buffer) => {
      const frame = decodeServerFrame(Uint8Array.from(data))
      if (!frame.ok) throw new Error('the true server said what is no frame')
      if (frame.value.kind !== 'from') {
        for (const word of changeWord(frame.value, id)) client.send(encodeServerFrame(word))
        return
      }
      if (id === undefined) return
      const { topic, from, payload } = frame.value
      const passing = { topic, from, to: id, payload }
      seen.push(passing)
      for (const changed of changePayload(passing)) inject({ ...passing, payload: changed })
    })
  })
  await once(listening, 'listening')

  const say = (to: ConnectionId, frame: ServerFrame) => clients.get(to)?.send(encodeServerFrame(frame))
  const inject = ({ topic, from, to, payload }: Passing) => say(to, { kind: 'from', topic, from, payload })
  return {
    url: `ws://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    seen,
    bytes,
    onPayload(change) {
      changePayload = change
    },
    onWord(change) {
      changeWord = change
    },
    say,
    inject,
  }
}
