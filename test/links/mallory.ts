/**
 * A member gone bad: it holds a valid identity, says true hellos over the real server, and then whatever a test wants, as
 * raw frames of links. Knows no rule; nothing of it checks what it sends.
 */
import * as encoding from 'lib0/encoding'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity, type Identity } from '../../lib/identity/identity.ts'
import type { SealedLink } from '../../lib/identity/seal.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import { createHandshake, type Handshake } from '../../lib/links/handshake.ts'
import { createSignalingClient, type TopicHandle } from '../../lib/signaling/signaling-client.ts'
import { decodeEnvelope, encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import { decodeLinkFrame, encodeEntry, encodePing, GOODBYE_FRAME, type LinkFrame } from '../../lib/wire/link-frame.ts'
import { PRESENCE_FIELD } from '../../lib/wire/presence-field.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { until } from '../kit/until.ts'

export const crypto = createSystemCrypto()

export const openTopic = (channel: string): Uint8Array => topicOf({ crypto, app: '', channel })

/** A pong that has not come by then was lost with its keys. */
const ASK_AGAIN_MS = 700

export interface MalloryNeeds {
  readonly server: string
  readonly topic: Uint8Array
  readonly identity?: Identity
  readonly secretKey?: Uint8Array
}

export interface Mallory {
  readonly identity: Identity
  readonly topic: TopicHandle
  /** What the server says of the topic: who is on it now. */
  members(): ConnectionId[]
  /** Says hello until it has keys with that member. */
  meet(peer: ConnectionId): Promise<void>
  /** Says goodbye and forgets the link, so that the next hello is a new one. */
  part(peer: ConnectionId): Promise<void>
  /** Seals and sends one frame of the link, well-formed or not. */
  say(peer: ConnectionId, frame: Uint8Array): Promise<void>
  /** Sends bytes as they are. */
  sayRaw(peer: ConnectionId, bytes: Uint8Array): void
  /** The frames of the link so far. */
  heard(peer: ConnectionId): LinkFrame[]
  /** All that was said so far has been looked at: a pong overtakes nothing. */
  isHandled(peer: ConnectionId): Promise<void>
}

interface Line {
  readonly handshake: Handshake
  sealed: SealedLink | undefined
  readonly heard: LinkFrame[]
}

export async function startMallory({ server, topic, secretKey, ...given }: MalloryNeeds): Promise<Mallory> {
  const identity = given.identity ?? createIdentity(crypto)
  const own = identity.connectionId
  const lines = new Map<ConnectionId, Line>()
  const members = new Set<ConnectionId>()
  const client = createSignalingClient({
    ...{ url: server, identity, clock: systemClock, random: systemRandom, rejects: createRejectCounter() },
    onStatus: () => undefined,
  })
  const handle = client.join(topic, {
    onOpen: () => undefined,
    onMembers: (all) => all.forEach((member) => void members.add(member)),
    onJoined: (member) => void members.add(member),
    onLeft: (member) => void members.delete(member),
    onFrame: (from, payload) => void receive(from, Uint8Array.from(payload)),
    onLost: () => members.clear(),
  })
  let tokens = 0

  const lineOf = (peer: ConnectionId): Line => {
    const known = lines.get(peer)
    if (known !== undefined) return known
    const line: Line = {
      sealed: undefined,
      heard: [],
      handshake: createHandshake({
        hello: { crypto, identity, topic, peer, ...(secretKey && { secretKey }) },
        clock: systemClock,
        random: systemRandom,
        isInitiator: own < peer,
        send: (envelope) => void handle.send(peer, envelope),
        onKeys(sealed) {
          line.sealed = sealed
        },
        onReject: () => undefined,
      }),
    }
    lines.set(peer, line)
    return line
  }

  async function receive(from: ConnectionId, bytes: Uint8Array): Promise<void> {
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok) return
    const line = lineOf(from)
    if (envelope.value.kind === 'hello') return line.handshake.receive(envelope.value.bytes)
    if (envelope.value.kind === 'restart') return line.handshake.restart()
    await line.handshake.settled()
    const opened = await line.sealed?.open(envelope.value.bytes)
    const frame = opened?.ok ? decodeLinkFrame(opened.value) : undefined
    if (frame?.ok) line.heard.push(frame.value)
  }

  onTestFinished(async () => {
    for (const { handshake } of lines.values()) handshake.stop()
    await client.stop({ isImmediate: true })
  })
  await until('mallory to be on the topic', () => handle.isOpen)

  const mallory: Mallory = {
    identity,
    topic: handle,
    members: () => [...members],
    async meet(peer) {
      const line = lineOf(peer)
      line.handshake.begin()
      await until('keys for mallory', () => line.sealed !== undefined)
      await mallory.isHandled(peer)
    },
    async part(peer) {
      await mallory.say(peer, GOODBYE_FRAME)
      lines.get(peer)?.handshake.stop()
      lines.delete(peer)
    },
    async say(peer, frame) {
      const sealed = lineOf(peer).sealed
      if (sealed === undefined) throw new Error('mallory has not met it')
      const bytes = await sealed.seal(frame)
      handle.send(peer, encodeSealedEnvelope(bytes))
    },
    sayRaw: (peer, bytes) => void handle.send(peer, bytes),
    heard: (peer) => lineOf(peer).heard,
    async isHandled(peer) {
      const line = lineOf(peer)
      const isAnswered = (token: number) => line.heard.some((frame) => frame.kind === 'pong' && frame.token === token)
      // Keys may change while something is under way: whoever gets no answer asks again.
      await until(
        'the pong that all was handled',
        async () => {
          const token = ++tokens
          await mallory.say(peer, encodePing(token))
          return until('one pong', () => isAnswered(token), { timeoutMs: ASK_AGAIN_MS }).catch(() => false)
        },
        { seen: () => line.heard.slice(-3).map(({ kind }) => kind) },
      )
    },
  }
  return mallory
}

/** What an entry may say; everything has a harmless default. */
export interface Claim {
  readonly clientId: number
  readonly clock?: number
  readonly connectionId: string
  readonly data?: unknown
  readonly field?: object
}

/** An entry as an honest member would write it, but for what the test claims. */
export const entryOf = (claim: Claim): Uint8Array => entryOfJson(claim, JSON.stringify(stateOf(claim)))

/** An entry whose state is any text. */
export const entryOfJson = ({ clientId, clock = 1 }: Pick<Claim, 'clientId' | 'clock'>, json: string): Uint8Array =>
  encodeEntry(updateOf([[clientId, clock, json]]))

/** An awareness update of any entries. */
export const updateOf = (entries: readonly (readonly [clientId: number, clock: number, json: string])[]): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length)
    for (const [clientId, clock, json] of entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, json)
    }
  })

export const stateOf = ({ connectionId, data = {}, field = {}, clock = 1 }: Claim): object => ({
  [PRESENCE_FIELD]: {
    ...{ connectionId, id: 'mallory', name: 'Mallory', data, timestamp: 1, joinedAt: 1, seq: clock, sent: 0 },
    ...field,
  },
})

export const clientIdOf = (number: number): ClientId => number as ClientId
