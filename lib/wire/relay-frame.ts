/**
 * The server's own protocol (subprotocol `copresence.1`): blind, so topics are random bytes and payloads are sealed.
 *
 *   server to client
 *   challenge = 1 nonce:byte{32}
 *   welcome   = 3
 *   members   = 6 topic count:varUint connectionId{count}   after a join: the others
 *   joined    = 7 topic connectionId
 *   left      = 8 topic connectionId silentMs:varUint       it left or its socket ended (0), or it was cut off after so
 *                                                           long a silence
 *   from      = 11 topic connectionId payload:varUint8Array
 *   pong      = 13                                          also unasked, to whose WebSocket answers: see `QUIET_MS`
 *
 *   client to server
 *   prove     = 2 publicKey:byte{32} signature:byte{64} host:varString   the host[:port] that the client dialled
 *   join      = 4 topic                                     leave = 5 topic
 *   send      = 9 topic connectionId payload:varUint8Array  to one of the topic
 *   cast      = 10 topic payload:varUint8Array              to all others of the topic
 *   ping      = 12
 *
 * A topic is 32 bytes, a connectionId 22 of ASCII. Knows shapes and sizes; not who is on a topic.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ConnectionId } from '../base/ids.ts'
import { textOf } from '../base/utf8.ts'
import {
  readBlock,
  readBytes,
  readConnectionId,
  readConnectionIds,
  TOPIC_BYTES,
  writeConnectionId,
  writeConnectionIds,
} from './fixed-bytes.ts'
import { MAX_COUNT, MAX_FRAME_BYTES, MAX_LISTED_MEMBERS } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

/** The WebSocket subprotocol by which a client asks for this protocol. */
export const RELAY_SUBPROTOCOL = 'copresence.1'
/**
 * A server from which nothing was heard for so long is asked; one that heard its client says so before it, so that it need not
 * be. As soon as members are asked (`PING_AFTER_MS` of links): a server stands for them, and its silence is theirs.
 */
export const QUIET_MS = 3_000
/** Whether a client hears from its server now, to which nothing was sent for `quietMs`: the next chance, a little late, would be too late. */
export const isAnswerDue = (quietMs: number, nextMs: number): boolean => quietMs + 1.1 * nextMs > QUIET_MS
/** Bytes of a server's nonce. */
export const NONCE_BYTES = 32
const PUBLIC_KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** A name of 253 (RFC 1035 section 2.3.4) and a port. */
const MAX_HOST_BYTES = 259

const CHALLENGE = 1
const PROVE = 2
const WELCOME = 3
const JOIN = 4
const LEAVE = 5
const MEMBERS = 6
const JOINED = 7
const LEFT = 8
const SEND = 9
const CAST = 10
const FROM = 11
const PING = 12
const PONG = 13

/** What a server says. */
export type ServerFrame =
  | { readonly kind: 'challenge'; readonly nonce: Uint8Array }
  | { readonly kind: 'welcome' }
  | { readonly kind: 'members'; readonly topic: Uint8Array; readonly members: readonly ConnectionId[] }
  | { readonly kind: 'joined'; readonly topic: Uint8Array; readonly connectionId: ConnectionId }
  | {
      readonly kind: 'left'
      readonly topic: Uint8Array
      readonly connectionId: ConnectionId
      readonly silentMs: number
    }
  | { readonly kind: 'from'; readonly topic: Uint8Array; readonly from: ConnectionId; readonly payload: Uint8Array }
  | { readonly kind: 'pong' }

/** What a client says. */
export type ClientFrame =
  | {
      readonly kind: 'prove'
      readonly publicKey: Uint8Array
      readonly signature: Uint8Array
      readonly host: string
    }
  | { readonly kind: 'join'; readonly topic: Uint8Array }
  | { readonly kind: 'leave'; readonly topic: Uint8Array }
  | { readonly kind: 'send'; readonly topic: Uint8Array; readonly to: ConnectionId; readonly payload: Uint8Array }
  | { readonly kind: 'cast'; readonly topic: Uint8Array; readonly payload: Uint8Array }
  | { readonly kind: 'ping' }

/** Reads what a client got from its server, whole or not at all. Bytes are views of `bytes`. Never throws. */
export const decodeServerFrame = (bytes: Uint8Array): Result<ServerFrame> => decode(bytes, readServerFrame)

/** Reads what a server got from a client, whole or not at all. Bytes are views of `bytes`. Never throws. */
export const decodeClientFrame = (bytes: Uint8Array): Result<ClientFrame> => decode(bytes, readClientFrame)

function decode<Frame>(bytes: Uint8Array, read: (decoder: decoding.Decoder) => Result<Frame>): Result<Frame> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const frame = read(decoder)
    return frame.ok && decoding.hasContent(decoder) ? reject('malformed') : frame
  })
}

function readServerFrame(decoder: decoding.Decoder): Result<ServerFrame> {
  switch (decoding.readVarUint(decoder)) {
    case CHALLENGE:
      return accept({ kind: 'challenge', nonce: readBytes(decoder, NONCE_BYTES) })
    case WELCOME:
      return accept({ kind: 'welcome' })
    case MEMBERS: {
      const topic = readTopic(decoder)
      const members = readConnectionIds(decoder, MAX_LISTED_MEMBERS)
      return members === undefined ? reject('too-large') : accept({ kind: 'members', topic, members })
    }
    case JOINED:
      return accept({ kind: 'joined', topic: readTopic(decoder), connectionId: readConnectionId(decoder) })
    case LEFT: {
      const left = { topic: readTopic(decoder), connectionId: readConnectionId(decoder) }
      const silentMs = decoding.readVarUint(decoder)
      return silentMs > MAX_COUNT ? reject('malformed') : accept({ kind: 'left', ...left, silentMs })
    }
    case FROM: {
      const sent = { topic: readTopic(decoder), from: readConnectionId(decoder) }
      return accept({ kind: 'from', ...sent, payload: readPayload(decoder) })
    }
    case PONG:
      return accept({ kind: 'pong' })
    default:
      return reject('unknown-frame')
  }
}

function readClientFrame(decoder: decoding.Decoder): Result<ClientFrame> {
  switch (decoding.readVarUint(decoder)) {
    case PROVE: {
      const publicKey = readBytes(decoder, PUBLIC_KEY_BYTES)
      const signature = readBytes(decoder, SIGNATURE_BYTES)
      const host = readBlock(decoder, MAX_HOST_BYTES)
      if (host === undefined) return reject('too-large')
      return accept({ kind: 'prove', publicKey, signature, host: textOf(host) })
    }
    case JOIN:
      return accept({ kind: 'join', topic: readTopic(decoder) })
    case LEAVE:
      return accept({ kind: 'leave', topic: readTopic(decoder) })
    case SEND: {
      const sent = { topic: readTopic(decoder), to: readConnectionId(decoder) }
      return accept({ kind: 'send', ...sent, payload: readPayload(decoder) })
    }
    case CAST: {
      const topic = readTopic(decoder)
      return accept({ kind: 'cast', topic, payload: readPayload(decoder) })
    }
    case PING:
      return accept({ kind: 'ping' })
    default:
      return reject('unknown-frame')
  }
}

const readTopic = (decoder: decoding.Decoder): Uint8Array => readBytes(decoder, TOPIC_BYTES)

function readPayload(decoder: decoding.Decoder): Uint8Array {
  const payload = readBlock(decoder, MAX_FRAME_BYTES)
  if (payload === undefined) throw new RangeError('a payload over the limit of a frame')
  return payload
}

export const encodeServerFrame = (frame: ServerFrame): Uint8Array =>
  encoding.encode((encoder) => {
    switch (frame.kind) {
      case 'challenge':
        encoding.writeVarUint(encoder, CHALLENGE)
        return writeFixed(encoder, frame.nonce, NONCE_BYTES)
      case 'welcome':
        return encoding.writeVarUint(encoder, WELCOME)
      case 'members':
        writeHead(encoder, MEMBERS, frame.topic)
        return writeConnectionIds(encoder, frame.members)
      case 'joined':
        writeHead(encoder, JOINED, frame.topic)
        return writeConnectionId(encoder, frame.connectionId)
      case 'left':
        writeHead(encoder, LEFT, frame.topic)
        writeConnectionId(encoder, frame.connectionId)
        return encoding.writeVarUint(encoder, frame.silentMs)
      case 'from':
        writeHead(encoder, FROM, frame.topic)
        writeConnectionId(encoder, frame.from)
        return encoding.writeVarUint8Array(encoder, frame.payload)
      case 'pong':
        return encoding.writeVarUint(encoder, PONG)
    }
  })

export const encodeClientFrame = (frame: ClientFrame): Uint8Array =>
  encoding.encode((encoder) => {
    switch (frame.kind) {
      case 'prove':
        encoding.writeVarUint(encoder, PROVE)
        writeFixed(encoder, frame.publicKey, PUBLIC_KEY_BYTES)
        writeFixed(encoder, frame.signature, SIGNATURE_BYTES)
        return encoding.writeVarString(encoder, frame.host)
      case 'join':
        return writeHead(encoder, JOIN, frame.topic)
      case 'leave':
        return writeHead(encoder, LEAVE, frame.topic)
      case 'send':
        writeHead(encoder, SEND, frame.topic)
        writeConnectionId(encoder, frame.to)
        return encoding.writeVarUint8Array(encoder, frame.payload)
      case 'cast':
        writeHead(encoder, CAST, frame.topic)
        return encoding.writeVarUint8Array(encoder, frame.payload)
      case 'ping':
        return encoding.writeVarUint(encoder, PING)
    }
  })

function writeHead(encoder: encoding.Encoder, type: number, topic: Uint8Array): void {
  encoding.writeVarUint(encoder, type)
  writeFixed(encoder, topic, TOPIC_BYTES)
}

/** Throws over a length that the reader would not believe: what a caller made itself. */
function writeFixed(encoder: encoding.Encoder, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} are needed`)
  encoding.writeUint8Array(encoder, bytes)
}
