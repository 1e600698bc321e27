/**
 * A member gone bad: it holds a valid identity, says true hellos over the real server, a real tab or a neighbour, and then
 * whatever a test wants, as raw frames of links. It answers questions, or it would be taken for broken and spoken to by
 * other ways. Knows no rule; nothing of it checks what it sends.
 */
import * as encoding from 'lib0/encoding'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import type { JsonObject } from '../../lib/base/json.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity, type Identity } from '../../lib/identity/identity.ts'
import type { SealedLink } from '../../lib/identity/seal.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import { createHandshake, type Handshake } from '../../lib/links/handshake.ts'
import { encodeEntryChange, type Version, versionOf } from '../../lib/wire/entry-change.ts'
import { decodeEnvelope, encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import {
  decodeLinkFrame,
  encodeChange,
  encodeEntry,
  encodePing,
  encodePong,
  encodeSignal,
  encodeVia,
  GOODBYE_FRAME,
  type LinkFrame,
} from '../../lib/wire/link-frame.ts'
import { PRESENCE_FIELD } from '../../lib/wire/presence-field.ts'
import { until } from '../kit/until.ts'
import { createPatience, type DataChannel, openDataChannel, openRelay, openTab, type Way } from './mallory-ways.ts'

export const crypto = createSystemCrypto()

export const openTopic = (channel: string): Uint8Array => topicOf({ crypto, app: '', channel })

/** An identity that speaks first and offers, or that is spoken and offered to: the lower connectionId does. */
export function identityThat(isFirst: boolean, than: ConnectionId): Identity {
  for (;;) {
    const identity = createIdentity(crypto)
    if (identity.connectionId < than === isFirst) return identity
  }
}

/** A pong that has not come by then was lost with its keys. */
const ASK_AGAIN_MS = 700
/** A data channel that has not opened by then does not. */
const OPEN_MS = 8_000

export interface MalloryNeeds {
  readonly server: string
  readonly topic: Uint8Array
  readonly identity?: Identity
  readonly secretKey?: Uint8Array
  /** How she speaks; by the relay where it is left out. */
  readonly by?: Way
  /** An honest member who passes on what she says to others. */
  readonly neighbour?: ConnectionId
}

export interface Mallory {
  readonly identity: Identity
  /** What the server says of the topic: who is on it now. */
  members(): ConnectionId[]
  /** Says hello until it has keys with that member, and a data channel where she speaks by one. */
  meet(peer: ConnectionId): Promise<void>
  /** Says goodbye and forgets the link, so that the next hello is a new one. */
  part(peer: ConnectionId): Promise<void>
  /** Says one frame of the link, well-formed or not: bare by a data channel, and sealed by any other way. */
  say(peer: ConnectionId, frame: Uint8Array): Promise<void>
  /** Sends bytes as they are. */
  sayRaw(peer: ConnectionId, bytes: Uint8Array): Promise<void>
  /** The frames of the link so far. */
  heard(peer: ConnectionId): LinkFrame[]
  /** All that was said so far has been looked at: a pong overtakes nothing. */
  isHandled(peer: ConnectionId): Promise<void>
}

interface Line {
  readonly handshake: Handshake
  sealed: SealedLink | undefined
  /** What is sealed goes out in the order of its counts. */
  sealing: Promise<unknown>
  channel: DataChannel | undefined
  readonly heard: LinkFrame[]
}

export async function startMallory(needs: MalloryNeeds): Promise<Mallory> {
  const { topic, secretKey, by = 'relay', neighbour, identity = createIdentity(crypto) } = needs
  const own = identity.connectionId
  const lines = new Map<ConnectionId, Line>()
  const toBePassedOn = createPatience()
  const onBytes = (from: ConnectionId, bytes: Uint8Array): void => void receive(from, bytes)
  const post = (by === 'tab' ? openTab : openRelay)({ ...needs, identity, onBytes })
  let tokens = 0

  const lineOf = (peer: ConnectionId): Line => {
    const known = lines.get(peer)
    if (known !== undefined) return known
    const line: Line = {
      sealed: undefined,
      sealing: Promise.resolve(),
      channel: undefined,
      heard: [],
      handshake: createHandshake({
        hello: { crypto, identity, topic, peer, ...(secretKey && { secretKey }) },
        clock: systemClock,
        random: systemRandom,
        isInitiator: own < peer,
        send: (envelope) => void send(peer, envelope),
        onKeys(sealed) {
          line.sealed = sealed
          if (by === 'direct') line.channel ??= channelWith(peer, line)
        },
        onReject: () => undefined,
      }),
    }
    lines.set(peer, line)
    return line
  }

  const channelWith = (peer: ConnectionId, line: Line): DataChannel =>
    openDataChannel({
      isOfferer: own < peer,
      sendSignal: (kind, json) => void saySealed(peer, encodeSignal(kind, json)),
      onData(bytes) {
        const frame = decodeLinkFrame(bytes)
        if (!frame.ok) return
        line.heard.push(frame.value)
        if (frame.value.kind === 'ping' && line.channel?.isOpen()) line.channel.send(encodePong(frame.value.token))
      },
    })

  async function send(peer: ConnectionId, envelope: Uint8Array): Promise<void> {
    if (neighbour === undefined || peer === neighbour) return post.send(peer, envelope)
    await toBePassedOn()
    await saySealed(neighbour, encodeVia(peer, envelope))
  }

  function saySealed(peer: ConnectionId, frame: Uint8Array): Promise<void> {
    const line = lineOf(peer)
    const said = line.sealing.then(async () => {
      if (line.sealed === undefined) throw new Error('mallory has not met it')
      await send(peer, encodeSealedEnvelope(await line.sealed.seal(frame)))
    })
    line.sealing = said.catch(() => undefined)
    return said
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
    if (!frame?.ok) return
    line.heard.push(frame.value)
    if (frame.value.kind === 'ping') saySealed(from, encodePong(frame.value.token)).catch(() => undefined)
    if (frame.value.kind === 'signal') line.channel?.receiveSignal(frame.value)
    if (frame.value.kind === 'passed' && from === neighbour) await receive(frame.value.far, frame.value.sealed)
  }

  async function isAnswered(peer: ConnectionId, say: Mallory['say']): Promise<void> {
    const { heard } = lineOf(peer)
    // Keys may change while something is under way: whoever gets no answer asks again. An answer that took longer is one too:
    // every question of this call came after what was said before it.
    const first = tokens + 1
    await until(
      'the pong that all was handled',
      async () => {
        await say(peer, encodePing(++tokens))
        const hasPong = () => heard.some((frame) => frame.kind === 'pong' && frame.token >= first)
        return until('one pong', hasPong, { timeoutMs: ASK_AGAIN_MS }).catch(() => false)
      },
      { seen: () => heard.slice(-3).map(({ kind }) => kind) },
    )
  }

  onTestFinished(async () => {
    for (const { channel, handshake } of lines.values()) {
      handshake.stop()
      channel?.close()
    }
    await post.stop()
  })
  await until('mallory to be on the topic', post.isOpen)

  const mallory: Mallory = {
    identity,
    members: post.members,
    async meet(peer) {
      const line = lineOf(peer)
      // Whoever has keys and begins again has them renewed, at some moment of the test that follows.
      if (line.sealed === undefined) line.handshake.begin()
      await until('keys for mallory', () => line.sealed !== undefined)
      // What is left of the hello has been looked at before anything is counted.
      await isAnswered(peer, saySealed)
      if (by === 'direct')
        await until('a data channel for mallory', () => line.channel?.isOpen(), { timeoutMs: OPEN_MS })
      await mallory.isHandled(peer)
    },
    async part(peer) {
      await mallory.say(peer, GOODBYE_FRAME)
      const line = lines.get(peer)
      // A data channel that we closed ourselves might take the goodbye with it.
      await until('the far end to close the data channel', () => line?.channel?.isOpen() !== true)
      line?.handshake.stop()
      lines.delete(peer)
    },
    async say(peer, frame) {
      const { channel } = lineOf(peer)
      await (channel === undefined ? saySealed(peer, frame) : channel.send(frame))
    },
    async sayRaw(peer, bytes) {
      const { channel } = lineOf(peer)
      await (channel === undefined ? send(peer, bytes) : channel.send(bytes))
    },
    heard: (peer) => lineOf(peer).heard,
    isHandled: (peer) => isAnswered(peer, mallory.say),
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

/** The second claim, told as a change of the first. */
export const changeOf = (from: Claim, to: Claim): Uint8Array =>
  encodeChange(encodeEntryChange(versionOfClaim(from), versionOfClaim(to)))

const versionOfClaim = (claim: Claim): Version =>
  versionOf({ clientId: clientIdOf(claim.clientId), clock: claim.clock ?? 1, state: stateOf(claim) as JsonObject })

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
