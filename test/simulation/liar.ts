/**
 * A server gone bad: the honest one's words go on, and between them it says whatever it is told to: of members, in the name of
 * members, or no words at all. It holds no key of anybody. Knows sockets and the server's frames, and no lie.
 */
import type { ConnectionId } from '../../lib/base/ids.ts'
import { connectionIdOf } from '../../lib/identity/connection-id.ts'
import type { Crypto } from '../../lib/identity/crypto.ts'
import type { ServerLogic, ServerSocket } from '../../lib/testing/virtual-server.ts'
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeServerFrame,
  type ServerFrame,
} from '../../lib/wire/relay-frame.ts'

/** Payloads that are kept to be said again: the newest. */
const MAX_KEPT = 60

/** One sealed payload that has passed. */
export interface Passed {
  readonly from: ConnectionId
  readonly to: ConnectionId
  readonly payload: Uint8Array
}

export interface Liar {
  /** The honest server's logic, with this one before it. */
  front(honest: ServerLogic): ServerLogic
  /** Says that to a member, where it is on the topic. */
  say(to: ConnectionId, frame: (topic: Uint8Array) => ServerFrame): void
  sayRaw(to: ConnectionId, bytes: Uint8Array): void
  passed(): readonly Passed[]
  members(): readonly ConnectionId[]
}

interface Client {
  readonly socket: ServerSocket
  readonly topic: Uint8Array
}

export function createLiar(crypto: Pick<Crypto, 'sha256'>): Liar {
  const clients = new Map<ConnectionId, Client>()
  const kept: Passed[] = []

  function keep(to: ConnectionId | undefined, bytes: Uint8Array): void {
    const frame = decodeServerFrame(bytes)
    if (to === undefined || !frame.ok || frame.value.kind !== 'from') return
    kept.push({ from: frame.value.from, to, payload: frame.value.payload.slice() })
    if (kept.length > MAX_KEPT) kept.shift()
  }

  return {
    front: (honest) => ({
      ...honest,
      accept(socket) {
        let id: ConnectionId | undefined
        const handler = honest.accept({
          ...socket,
          forward(bytes) {
            keep(id, bytes)
            socket.forward(bytes)
          },
        })
        return {
          onMessage(bytes) {
            const frame = decodeClientFrame(bytes)
            if (frame.ok && frame.value.kind === 'prove') id = connectionIdOf(frame.value.publicKey, crypto)
            if (frame.ok && frame.value.kind === 'join' && id !== undefined)
              clients.set(id, { socket, topic: frame.value.topic.slice() })
            handler.onMessage(bytes)
          },
          onAnswer: handler.onAnswer,
          onEnd(silentMs) {
            if (id !== undefined && clients.get(id)?.socket === socket) clients.delete(id)
            handler.onEnd(silentMs)
          },
        }
      },
    }),
    say(to, frame) {
      const client = clients.get(to)
      client?.socket.send(encodeServerFrame(frame(client.topic)))
    },
    sayRaw: (to, bytes) => clients.get(to)?.socket.send(bytes),
    passed: () => kept,
    members: () => [...clients.keys()],
  }
}
