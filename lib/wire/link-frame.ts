/**
 * The frames inside a link: what one member says to another, once the hello is proved.
 *
 *   frame    = entry | goodbye | message | ping | pong | signal | document | via | lease | peers | find | passed | ask
 *            | castKey | castAck | change
 *   entry    = 1 update:varUint8Array                     the sender's own entry: an awareness update of one client
 *   goodbye  = 2                                          the sender leaves the channel: its last word on this link
 *   message  = 3 clientId:varUint seq:varUint body:varString
 *   ping     = 4 token:varUint                            pong = 5 token:varUint
 *   signal   = 6 kind:varUint json:varString              kind 0 = description, 1 = candidates, 2 = restart, 3 = full, 4 = vacant
 *   document = 7 step:varUint payload:varUint8Array       step 0 = state vector, 1 = answer, 2 = update
 *   via      = 8 far:connectionId sealed:varUint8Array    to a neighbour: pass it on to `far`
 *   lease    = 9 ms:varUint                               "I may be silent for so long": a hidden or frozen tab
 *   peers    = 10 count:varUint connectionId{count}       whom the sender is linked to
 *   find     = 11 count:varUint connectionId{count}       "which of these are you linked to?"
 *   passed   = 12 far:connectionId sealed:varUint8Array   from a neighbour: `far` asked it to pass this on
 *   ask      = 13                                         "say your entry again: words of yours may be lost"
 *   castKey  = 14 number:varUint first:varUint slot:varUint key:byte{32} tagKey:byte{32}
 *                                                         what the sender casts from count `first` on is under this key
 *   castAck  = 15 number:varUint slot:varUint             "I have that key and slot"
 *   change   = 16 change                                  the sender's own entry, told as a change (entry-change.ts)
 *
 * A connectionId is 22 ASCII bytes. Knows shapes and sizes; not who may say what, nor what is in a JSON.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import { textOf } from '../base/utf8.ts'
import { decodeEntryChange, type EntryChange } from './entry-change.ts'
import {
  readBlock,
  readBytes,
  readConnectionId,
  readConnectionIds,
  writeConnectionId,
  writeConnectionIds,
} from './fixed-bytes.ts'
import type { MessageFrame, SyncStep } from './frame.ts'
import {
  MAX_CAST_SLOTS,
  MAX_CLIENT_ID,
  MAX_COUNT,
  MAX_DESCRIPTION_BYTES,
  MAX_DOCUMENT_UPDATE_BYTES,
  MAX_FRAME_BYTES,
  MAX_LEASE_MS,
  MAX_MEMBERS,
} from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

const ENTRY = 1
const GOODBYE = 2
const MESSAGE = 3
const PING = 4
const PONG = 5
const SIGNAL = 6
const DOCUMENT = 7
const VIA = 8
const LEASE = 9
const PEERS = 10
const FIND = 11
const PASSED = 12
const ASK = 13
const CAST_KEY = 14
const CAST_ACK = 15
const CHANGE = 16
const KEY_BYTES = 32

/** The kinds by their number on the wire. */
const KINDS: Readonly<Record<number, LinkFrame['kind']>> = {
  ...{ [ENTRY]: 'entry', [GOODBYE]: 'goodbye', [MESSAGE]: 'message', [PING]: 'ping', [PONG]: 'pong' },
  ...{ [SIGNAL]: 'signal', [DOCUMENT]: 'document', [VIA]: 'via', [LEASE]: 'lease', [PEERS]: 'peers', [FIND]: 'find' },
  ...{ [PASSED]: 'passed', [ASK]: 'ask', [CAST_KEY]: 'castKey', [CAST_ACK]: 'castAck', [CHANGE]: 'change' },
}

const SIGNALS = ['description', 'candidates', 'restart', 'full', 'vacant'] as const
export type SignalKind = (typeof SIGNALS)[number]
/** Those that have something to say; the others are words by themselves. */
const LONG_SIGNALS: readonly SignalKind[] = ['description', 'candidates']

export type LinkFrame =
  | { readonly kind: 'entry'; readonly update: Uint8Array }
  | { readonly kind: 'change'; readonly change: EntryChange }
  | { readonly kind: 'goodbye' | 'ask' }
  | ({ readonly kind: 'message' } & MessageFrame)
  | { readonly kind: 'ping'; readonly token: number }
  | { readonly kind: 'pong'; readonly token: number }
  /** `json` is text that nobody has parsed yet. `restart`: the far end asks for a fresh offer. `full`: it has no place for a
   * data channel; `vacant`: it has one again. */
  | { readonly kind: 'signal'; readonly signal: SignalKind; readonly json: string }
  | { readonly kind: 'document'; readonly step: SyncStep; readonly payload: Uint8Array }
  | { readonly kind: 'via' | 'passed'; readonly far: ConnectionId; readonly sealed: Uint8Array }
  | { readonly kind: 'lease'; readonly ms: number }
  | { readonly kind: 'peers' | 'find'; readonly peers: readonly ConnectionId[] }
  | ({ readonly kind: 'castKey' } & CastKeyFrame)
  | ({ readonly kind: 'castAck' } & CastAckFrame)

export interface CastKeyFrame extends CastAckFrame {
  readonly first: number
  readonly key: Uint8Array
  readonly tagKey: Uint8Array
}

export interface CastAckFrame {
  readonly number: number
  readonly slot: number
}

/** What a frame that was encoded here says. Undefined for other bytes, mostly: nothing but the first of them is looked at. */
export const kindOfFrame = (frame: Uint8Array): LinkFrame['kind'] | undefined => KINDS[frame[0] ?? 0]

/** Reads one frame, whole or not at all. Payloads are views of `bytes`, not copies. Never throws. */
export function decodeLinkFrame(bytes: Uint8Array): Result<LinkFrame> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const frame = readFrame(decoder)
    return frame.ok && decoding.hasContent(decoder) ? reject('malformed') : frame
  })
}

function readFrame(decoder: decoding.Decoder): Result<LinkFrame> {
  const type = decoding.readVarUint(decoder)
  switch (type) {
    case ENTRY: {
      const update = readBlock(decoder, MAX_FRAME_BYTES)
      return update === undefined ? reject('too-large') : accept({ kind: 'entry', update })
    }
    case GOODBYE:
      return accept({ kind: 'goodbye' })
    case ASK:
      return accept({ kind: 'ask' })
    case MESSAGE: {
      const clientId = readClientId(decoder)
      return accept({ kind: 'message', clientId, seq: readCount(decoder, MAX_COUNT), body: readText(decoder) })
    }
    case PING:
    case PONG:
      return accept({ kind: type === PING ? 'ping' : 'pong', token: readCount(decoder, MAX_COUNT) })
    case SIGNAL:
      return readSignal(decoder)
    case DOCUMENT: {
      const step = decoding.readVarUint(decoder)
      if (step !== 0 && step !== 1 && step !== 2) return reject('malformed')
      const payload = readBlock(decoder, MAX_DOCUMENT_UPDATE_BYTES)
      return payload === undefined ? reject('too-large') : accept({ kind: 'document', step, payload })
    }
    case VIA:
    case PASSED: {
      const far = readConnectionId(decoder)
      const sealed = readBlock(decoder, MAX_FRAME_BYTES)
      return sealed === undefined ? reject('too-large') : accept({ kind: type === VIA ? 'via' : 'passed', far, sealed })
    }
    case LEASE:
      return accept({ kind: 'lease', ms: readCount(decoder, MAX_LEASE_MS) })
    case PEERS:
    case FIND: {
      const peers = readConnectionIds(decoder, MAX_MEMBERS)
      return peers === undefined ? reject('too-large') : accept({ kind: type === PEERS ? 'peers' : 'find', peers })
    }
    case CAST_KEY: {
      const counts = { number: readCount(decoder, MAX_COUNT), first: readCount(decoder, MAX_COUNT) }
      const slot = readCount(decoder, MAX_CAST_SLOTS - 1)
      const keys = { key: readBytes(decoder, KEY_BYTES), tagKey: readBytes(decoder, KEY_BYTES) }
      return accept({ kind: 'castKey', ...counts, slot, ...keys })
    }
    case CAST_ACK: {
      const number = readCount(decoder, MAX_COUNT)
      return accept({ kind: 'castAck', number, slot: readCount(decoder, MAX_CAST_SLOTS - 1) })
    }
    case CHANGE: {
      const change = decodeEntryChange(decoding.readTailAsUint8Array(decoder))
      return change.ok ? accept({ kind: 'change', change: change.value }) : change
    }
    default:
      return reject('unknown-frame')
  }
}

function readSignal(decoder: decoding.Decoder): Result<LinkFrame> {
  const signal = SIGNALS[decoding.readVarUint(decoder)]
  if (signal === undefined) return reject('malformed')
  const json = readBlock(decoder, LONG_SIGNALS.includes(signal) ? MAX_DESCRIPTION_BYTES : 0)
  return json === undefined ? reject('too-large') : accept({ kind: 'signal', signal, json: textOf(json) })
}

const readClientId = (decoder: decoding.Decoder): ClientId => readCount(decoder, MAX_CLIENT_ID) as ClientId

function readCount(decoder: decoding.Decoder, most: number): number {
  const count = decoding.readVarUint(decoder)
  if (count > most) throw new RangeError('a count over its limit')
  return count
}

function readText(decoder: decoding.Decoder): string {
  const text = readBlock(decoder, MAX_FRAME_BYTES)
  if (text === undefined) throw new RangeError('a text over the limit of a frame')
  return textOf(text)
}

/** An awareness update of exactly one client, the sender's own. */
export const encodeEntry = (update: Uint8Array): Uint8Array =>
  encode(ENTRY, (encoder) => encoding.writeVarUint8Array(encoder, update))

/** The sender's own entry as `encodeEntryChange` tells it. */
export const encodeChange = (change: Uint8Array): Uint8Array =>
  encode(CHANGE, (encoder) => encoding.writeUint8Array(encoder, change))

export const GOODBYE_FRAME: Uint8Array = Uint8Array.of(GOODBYE)

export const ASK_FRAME: Uint8Array = Uint8Array.of(ASK)

export const encodeMessage = ({ clientId, seq, body }: MessageFrame): Uint8Array =>
  encode(MESSAGE, (encoder) => {
    encoding.writeVarUint(encoder, clientId)
    encoding.writeVarUint(encoder, seq)
    encoding.writeVarString(encoder, body)
  })

export const encodePing = (token: number): Uint8Array =>
  encode(PING, (encoder) => encoding.writeVarUint(encoder, token))

export const encodePong = (token: number): Uint8Array =>
  encode(PONG, (encoder) => encoding.writeVarUint(encoder, token))

export const encodeSignal = (signal: SignalKind, json: string): Uint8Array =>
  encode(SIGNAL, (encoder) => {
    encoding.writeVarUint(encoder, SIGNALS.indexOf(signal))
    encoding.writeVarString(encoder, json)
  })

export const encodeDocument = (step: SyncStep, payload: Uint8Array): Uint8Array =>
  encode(DOCUMENT, (encoder) => {
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, payload)
  })

/** What a neighbour is asked to pass on, or passes on. */
export const encodeVia = (far: ConnectionId, sealed: Uint8Array, kind: 'via' | 'passed' = 'via'): Uint8Array =>
  encode(kind === 'via' ? VIA : PASSED, (encoder) => {
    writeConnectionId(encoder, far)
    encoding.writeVarUint8Array(encoder, sealed)
  })

export const encodeLease = (ms: number): Uint8Array => encode(LEASE, (encoder) => encoding.writeVarUint(encoder, ms))

export const encodePeers = (peers: readonly ConnectionId[]): Uint8Array =>
  encode(PEERS, (encoder) => writeConnectionIds(encoder, peers))

export const encodeFind = (peers: readonly ConnectionId[]): Uint8Array =>
  encode(FIND, (encoder) => writeConnectionIds(encoder, peers))

export const encodeCastKey = ({ number, first, slot, key, tagKey }: CastKeyFrame): Uint8Array =>
  encode(CAST_KEY, (encoder) => {
    for (const count of [number, first, slot]) encoding.writeVarUint(encoder, count)
    for (const bytes of [key, tagKey]) encoding.writeUint8Array(encoder, bytes)
  })

export const encodeCastAck = ({ number, slot }: CastAckFrame): Uint8Array =>
  encode(CAST_ACK, (encoder) => {
    encoding.writeVarUint(encoder, number)
    encoding.writeVarUint(encoder, slot)
  })

const encode = (type: number, write: (encoder: encoding.Encoder) => void): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, type)
    write(encoder)
  })
