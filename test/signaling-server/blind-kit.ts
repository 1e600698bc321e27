/** Raw sockets of the blind protocol, with keys by Node alone: a second pair of hands beside the client's. Knows no rule. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { ClientOptions } from 'ws'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { connectionIdOf } from '../../lib/identity/connection-id.ts'
import type { Identity } from '../../lib/identity/identity.ts'
import {
  type ClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  RELAY_SUBPROTOCOL,
  type ServerFrame,
} from '../../lib/wire/relay-frame.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { nodeCrypto } from '../../signaling-server/node-crypto.ts'
import { until } from '../kit/until.ts'
import { connect, type Probe } from './kit.ts'

/** Names of ids and topics, so that a failure reads well. */
const names = new Map<string, string>()

export function identityOf(name: string): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
  const connectionId = connectionIdOf(raw, nodeCrypto)
  names.set(connectionId, name)
  return {
    connectionId,
    publicKey: raw,
    sign: async (message) => Uint8Array.from(sign(null, message, privateKey)),
  }
}

export const nameOf = (connectionId: ConnectionId): string => names.get(connectionId) ?? connectionId

export const randomTopic = (): Uint8Array => Uint8Array.from(randomBytes(32))

/** The host that these sockets say they dialled. */
export const HOST = 'presence.example.org'

/** What a server wants signed, written down here a second time. */
export const statementOf = (nonce: Uint8Array, host = HOST): Uint8Array =>
  Uint8Array.from(Buffer.concat([Buffer.from('copresence-server-1'), nonce, Buffer.from(host)]))

export interface BlindProbe extends Probe {
  say(frame: ClientFrame): void
  /** The frames so far. */
  heard(): ServerFrame[]
  /** How many pongs came, asked for or not. */
  pongs(): number
  /** The frames so far but the challenge, the welcome and pongs, in words: `members bob`, `joined bob`, `left bob 0`, `from bob hi`. */
  words(): string[]
  hears(words: string): Promise<unknown>
  nonce(): Promise<Uint8Array>
}

/** A socket that has proved nothing yet. */
export async function openBlind(server: SignalingServer, options: ClientOptions = {}): Promise<BlindProbe> {
  const probe = await connect(server.url, options, [RELAY_SUBPROTOCOL])
  const heard = () =>
    probe.received.map((data) => {
      const frame = typeof data === 'string' ? undefined : decodeServerFrame(data)
      if (!frame?.ok) throw new Error(`no frame of a server: ${data}`)
      return frame.value
    })
  const words = () => heard().flatMap((frame) => wordsOf(frame) ?? [])
  return Object.assign(probe, {
    say: (frame: ClientFrame) => probe.send(encodeClientFrame(frame)),
    heard,
    pongs: () => heard().filter(({ kind }) => kind === 'pong').length,
    words,
    hears: (text: string) => until(`the words ${text}`, () => words().includes(text), { seen: words }),
    async nonce() {
      const first = await until('the challenge', () => heard()[0])
      if (first.kind !== 'challenge') throw new Error(`${first.kind} instead of a challenge`)
      return first.nonce
    },
  })
}

function wordsOf(frame: ServerFrame): string | undefined {
  switch (frame.kind) {
    case 'members':
      return `members ${frame.members.map(nameOf).join()}`
    case 'joined':
      return `joined ${nameOf(frame.connectionId)}`
    case 'left':
      return `left ${nameOf(frame.connectionId)} ${frame.silentMs}`
    case 'from':
      return `from ${nameOf(frame.from)} ${Buffer.from(frame.payload)}`
    default:
      return undefined
  }
}

/** A socket that is welcome. */
export async function welcomed(
  server: SignalingServer,
  identity: Identity,
  options: ClientOptions = {},
): Promise<BlindProbe> {
  const probe = await openBlind(server, options)
  const signature = await identity.sign(statementOf(await probe.nonce()))
  probe.say({ kind: 'prove', publicKey: identity.publicKey, signature, host: HOST })
  await until('the welcome', () => probe.heard().some(({ kind }) => kind === 'welcome'), { seen: () => probe.ended })
  return probe
}

/** A socket that is on a topic. */
export async function onTopic(server: SignalingServer, identity: Identity, topic: Uint8Array): Promise<BlindProbe> {
  const probe = await welcomed(server, identity)
  probe.say({ kind: 'join', topic })
  await until('the members', () => probe.heard().some(({ kind }) => kind === 'members'), { seen: () => probe.ended })
  return probe
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
