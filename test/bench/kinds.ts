/**
 * What one message is, told by its own bytes: of links by the decoders of the library, of the Yjs providers by the first
 * byte. A sealed message is told by its plaintext, where that is known; see seals.ts.
 */
import { decodeEnvelope, type Envelope } from '../../lib/wire/envelope.ts'
import { decodeLinkFrame } from '../../lib/wire/link-frame.ts'
import { decodeClientFrame, decodeServerFrame } from '../../lib/wire/relay-frame.ts'
import type { Result } from '../../lib/wire/result.ts'

/** `entry`, a castable frame behind `cast:`, `hello`, `server:join`, …; see `INTRODUCING` and `ENTRIES`. */
export type Kind = string

/** A sealed message that was not opened here: its key was not ours, or it was nobody's any more. */
export const UNOPENED = 'unopened'

const isOfServer = (kind: Kind): boolean => kind.startsWith('server:')
export const isSignal = (kind: Kind): boolean => kind.startsWith('signal:')
const INTRODUCING: readonly Kind[] = ['hello', 'restart', 'signaling', 'peers', 'find']
/** Whether it serves to meet: what a server says of itself and its topics, hellos, offers, answers and candidates. */
export const isIntroducing = (kind: Kind): boolean => isOfServer(kind) || isSignal(kind) || INTRODUCING.includes(kind)

const ENTRIES: readonly Kind[] = ['entry', 'change', 'cast:entry', 'cast:change', 'awareness']
/** Whether it carries the entries of members. */
export const isEntry = (kind: Kind): boolean => ENTRIES.includes(kind)

/** One message to or from a server of links. `payload`: what the server passes on, an envelope of the link. */
export interface ServerMessage {
  readonly kind: Kind
  readonly payload?: Uint8Array
}

export const readSent = (bytes: Uint8Array): ServerMessage => readServerMessage(decodeClientFrame(bytes))

export const readDelivered = (bytes: Uint8Array): ServerMessage => readServerMessage(decodeServerFrame(bytes))

function readServerMessage(frame: Result<{ readonly kind: string; readonly payload?: Uint8Array }>): ServerMessage {
  if (!frame.ok) throw new Error(`Not of our server's protocol: ${frame.reason}`)
  const { kind, payload } = frame.value
  return { kind: `server:${kind}`, ...(payload !== undefined && { payload }) }
}

/** `plaintext`: what it was before it was sealed, where it was sealed. */
export function kindOfEnvelope(payload: Uint8Array, plaintext: Uint8Array | undefined): Kind {
  const envelope = decodeEnvelope(payload)
  if (!envelope.ok) throw new Error(`Not an envelope: ${envelope.reason}`)
  return kindOf(envelope.value, plaintext)
}

function kindOf({ kind }: Envelope, plaintext: Uint8Array | undefined): Kind {
  if (kind === 'hello' || kind === 'restart') return kind
  if (plaintext === undefined) return UNOPENED
  return `${kind === 'cast' ? 'cast:' : ''}${kindOfFrame(plaintext)}`
}

export function kindOfFrame(bytes: Uint8Array): Kind {
  const frame = decodeLinkFrame(bytes)
  if (!frame.ok) throw new Error(`Not a frame of a link: ${frame.reason}`)
  return frame.value.kind === 'signal' ? `signal:${frame.value.signal}` : frame.value.kind
}

/** First bytes of the frames of the Yjs providers; the others are rare. */
const OF_YJS = ['sync', 'awareness', 'auth', 'query']

export const kindOfYjs = (bytes: Uint8Array): Kind => OF_YJS[bytes[0] ?? -1] ?? 'other'
