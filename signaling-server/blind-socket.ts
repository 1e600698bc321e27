/**
 * One socket of our own protocol: it proves its connectionId once, and to this server, before anything else, then says which topics it is on
 * and what goes where. Any word at the wrong time costs the socket, and nobody else's.
 */
import { randomBytes } from 'node:crypto'
import { checkServerProof } from '../lib/identity/server-proof.ts'
import { CONNECTION_ID_BYTES } from '../lib/wire/fixed-bytes.ts'
import { MAX_FRAME_BYTES } from '../lib/wire/limits.ts'
import {
  type ClientFrame,
  decodeClientFrame,
  encodeServerFrame,
  isAnswerDue,
  NONCE_BYTES,
} from '../lib/wire/relay-frame.ts'
import type { BlindClient, BlindTopics } from './blind-topics.ts'
import type { Counts } from './counts.ts'
import { CLOSE, type GuardedSocket, type SocketHandler } from './guarded-socket.ts'
import type { Limits } from './limits.ts'
import { nodeCrypto } from './node-crypto.ts'

/** With its sender put in, a frame must still be one that every client takes. */
const MAX_CLIENT_FRAME_BYTES = MAX_FRAME_BYTES - CONNECTION_ID_BYTES
/** What a frame to one other costs of the messages that a socket may send: the rates bound what a server does for frames to all. */
export const SEND_COSTS = 0.25
const PONG = encodeServerFrame({ kind: 'pong' })

/** `checking`: the one signature that the socket may show is being looked at. */
type Stage = 'challenged' | 'checking' | 'ended' | BlindClient

export interface BlindSocketNeeds {
  readonly topics: BlindTopics
  readonly counts: Counts
  readonly hosts: readonly string[]
  readonly limits: Limits
}

/** What a socket of the subprotocol `copresence.1` does with its messages. */
export function handleBlindSocket(
  socket: GuardedSocket,
  { topics, counts, hosts, limits }: BlindSocketNeeds,
): SocketHandler {
  const nonce = Uint8Array.from(randomBytes(NONCE_BYTES))
  const turn = topics.nextTurn()
  let stage: Stage = 'challenged'
  socket.send(encodeServerFrame({ kind: 'challenge', nonce }))

  const check = async ({ publicKey, signature, host }: Extract<ClientFrame, { kind: 'prove' }>) => {
    stage = 'checking'
    // Signed for another server, which passed our challenge on; or our own name is missing in the list.
    if (hosts.length > 0 && !hosts.includes(host)) return socket.close(CLOSE.policy, 'closed-wrong-host')
    const proof = await checkServerProof({ nonce, host, publicKey, signature }, nodeCrypto)
    if (stage !== 'checking') return
    if (!proof.ok) return socket.close(CLOSE.policy, 'closed-proof')
    if (topics.isOutdated(proof.value, turn)) return socket.close(CLOSE.policy, 'closed-replaced')
    stage = topics.admit(proof.value, socket, turn)
    socket.send(encodeServerFrame({ kind: 'welcome' }))
  }

  const act = (client: BlindClient, frame: ClientFrame) => {
    switch (frame.kind) {
      case 'join':
        socket.greet()
        return topics.join(client, frame.topic)
      case 'leave':
        return topics.leave(client, frame.topic)
      case 'send':
        socket.refund(1 - SEND_COSTS, 0)
        return topics.send(client, frame)
      case 'cast':
        return topics.cast(client, frame)
      case 'ping':
        return socket.send(PONG)
      case 'prove':
        // One signature to check for one socket, and no more.
        return socket.close(CLOSE.policy, 'closed-proof')
    }
  }

  return {
    onMessage(data, isBinary) {
      if (!isBinary) return socket.close(CLOSE.wrongType, 'closed-wrong-type')
      if (data.length > MAX_CLIENT_FRAME_BYTES) return socket.close(CLOSE.tooLarge, 'closed-too-large')
      const frame = decodeClientFrame(data)
      if (typeof stage === 'object') {
        if (frame.ok) return act(stage, frame.value)
        if (frame.reason === 'unknown-frame') return counts.count('dropped-unknown')
        return socket.close(CLOSE.malformed, 'closed-malformed')
      }
      if (stage !== 'challenged' || !frame.ok || frame.value.kind !== 'prove') {
        return socket.close(CLOSE.policy, 'closed-unproved')
      }
      check(frame.value).catch(() => socket.close(CLOSE.internal, 'closed-internal'))
    },
    // [G34] It knows then that both ways between us are open, as if it had asked.
    onAnswer(quietMs) {
      if (typeof stage === 'object' && isAnswerDue(quietMs, limits.pingIntervalMs)) socket.send(PONG)
    },
    onEnd(silentMs) {
      if (typeof stage === 'object') topics.end(stage, silentMs)
      stage = 'ended'
    },
  }
}
