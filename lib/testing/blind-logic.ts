/**
 * What a blind server says: who is on a topic, and bytes from one to another. The same words as the project's own server,
 * kept as small as they can be; it knows nothing of sockets and of time but what it is handed.
 */
import type { CancelTimer } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { Crypto } from '../identity/crypto.ts'
import { checkServerProof } from '../identity/server-proof.ts'
import {
  type ClientFrame,
  decodeClientFrame,
  encodeServerFrame,
  isAnswerDue,
  NONCE_BYTES,
} from '../wire/relay-frame.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServerLogic, ServerSocket, SocketHandler } from './virtual-server.ts'

const POLICY = 1008
/** A socket that replaced its own has so long to join the same topics, as at the real server. */
const REJOIN_MS = 5_000

interface Client {
  readonly connectionId: ConnectionId
  readonly socket: ServerSocket
  /** Counts sockets in the order in which they came. */
  readonly turn: number
  /** By topic: whether this socket has joined it, or a former one of the same connection. */
  readonly topics: Map<string, { readonly topic: Uint8Array; isInherited: boolean }>
  cancelRejoin: CancelTimer | undefined
}

export interface BlindLogicNeeds {
  readonly crypto: Crypto
  readonly scheduler: Scheduler
}

export function createBlindLogic({ crypto, scheduler }: BlindLogicNeeds): ServerLogic {
  const clients = new Map<ConnectionId, Client>()
  let isSilent = false
  let turns = 0

  const others = (client: Client, key: string): Client[] =>
    [...clients.values()].filter((other) => other !== client && other.topics.has(key))

  function leave(client: Client, key: string, silentMs: number): void {
    const membership = client.topics.get(key)
    if (membership === undefined || !client.topics.delete(key) || isSilent) return
    const { topic } = membership
    const { connectionId } = client
    for (const { socket } of others(client, key))
      socket.send(encodeServerFrame({ kind: 'left', topic, connectionId, silentMs }))
  }

  /** Undefined where a later socket of the connection was there before. */
  function admit(connectionId: ConnectionId, socket: ServerSocket, turn: number): Client | undefined {
    const former = clients.get(connectionId)
    if (former !== undefined && former.turn > turn) return undefined
    const client: Client = { connectionId, socket, turn, topics: new Map(), cancelRejoin: undefined }
    clients.set(connectionId, client)
    if (former === undefined) return client
    for (const [key, { topic }] of former.topics) client.topics.set(key, { topic, isInherited: true })
    former.topics.clear()
    former.cancelRejoin?.()
    former.socket.close(POLICY)
    client.cancelRejoin = scheduler.after(REJOIN_MS, () => {
      for (const [key, { isInherited }] of [...client.topics]) if (isInherited) leave(client, key, 0)
    })
    return client
  }

  function join(client: Client, topic: Uint8Array): void {
    const key = keyOf(topic)
    const known = client.topics.get(key)
    if (known?.isInherited === false) return
    client.topics.set(key, { topic: topic.slice(), isInherited: false })
    const present = others(client, key)
    client.socket.send(
      encodeServerFrame({ kind: 'members', topic, members: present.map(({ connectionId }) => connectionId) }),
    )
    if (known !== undefined) return
    const { connectionId } = client
    for (const { socket } of present) socket.send(encodeServerFrame({ kind: 'joined', topic, connectionId }))
  }

  function forward(client: Client, frame: Extract<ClientFrame, { kind: 'send' | 'cast' }>): void {
    const { topic, payload } = frame
    const key = keyOf(topic)
    if (client.topics.get(key)?.isInherited !== false) return
    const bytes = encodeServerFrame({ kind: 'from', topic, from: client.connectionId, payload })
    for (const other of others(client, key))
      if (frame.kind === 'cast' || other.connectionId === frame.to) other.socket.forward(bytes)
  }

  function act(client: Client, frame: ClientFrame): void {
    if (frame.kind === 'join') join(client, frame.topic)
    else if (frame.kind === 'leave') leave(client, keyOf(frame.topic), 0)
    else if (frame.kind === 'ping') client.socket.send(encodeServerFrame({ kind: 'pong' }))
    else if (frame.kind === 'prove') client.socket.close(POLICY)
    else forward(client, frame)
  }

  function accept(socket: ServerSocket): SocketHandler {
    const nonce = crypto.randomBytes(NONCE_BYTES)
    const turn = ++turns
    let client: Client | 'challenged' | 'checking' | 'ended' = 'challenged'
    socket.send(encodeServerFrame({ kind: 'challenge', nonce }))

    const check = async ({ publicKey, signature, host }: Extract<ClientFrame, { kind: 'prove' }>) => {
      client = 'checking'
      const proof = await checkServerProof({ nonce, host, publicKey, signature }, crypto)
      // Typed anew: the socket may have ended meanwhile.
      if ((client as unknown) !== 'checking') return
      if (!proof.ok) return socket.close(POLICY)
      const admitted = admit(proof.value, socket, turn)
      if (admitted === undefined) return socket.close(POLICY)
      client = admitted
      socket.send(encodeServerFrame({ kind: 'welcome' }))
    }
    return {
      onMessage(bytes) {
        const frame = decodeClientFrame(bytes)
        if (!frame.ok) return socket.close(POLICY)
        if (typeof client === 'object') return act(client, frame.value)
        if (client === 'challenged' && frame.value.kind === 'prove') void check(frame.value)
        else socket.close(POLICY)
      },
      onAnswer(quietMs, nextMs) {
        if (typeof client === 'object' && isAnswerDue(quietMs, nextMs)) socket.send(encodeServerFrame({ kind: 'pong' }))
      },
      onEnd(silentMs) {
        const ended = client
        client = 'ended'
        if (typeof ended !== 'object') return
        ended.cancelRejoin?.()
        if (clients.get(ended.connectionId) === ended) clients.delete(ended.connectionId)
        for (const key of [...ended.topics.keys()]) leave(ended, key, silentMs)
      },
    }
  }

  return {
    accept,
    isJoined(connectionId) {
      for (const { isInherited } of clients.get(connectionId)?.topics.values() ?? []) if (!isInherited) return true
      return false
    },
    silence() {
      isSilent = true
    },
  }
}

const keyOf = (topic: Uint8Array): string => String.fromCharCode(...topic)
