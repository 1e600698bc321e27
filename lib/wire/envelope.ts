/**
 * What travels on a carrier that others can read or touch: the relay, a tab, a neighbour. On a data channel, which is
 * encrypted by itself and whose keys were vouched for inside the link, the frames of the link travel bare.
 *
 *   envelope = 0 hello                    a message of the hello
 *            | 1 sealed                   a frame of the link under its keys
 *            | 2                          "I have no keys for what you sent: say hello again"
 *            | 3 cast                     a frame of the link for several, under a key of the sender's (cast.ts)
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { MAX_FRAME_BYTES } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

const HELLO = 0
const SEALED = 1
const RESTART = 2
const CAST = 3

export type Envelope =
  | { readonly kind: 'hello' | 'sealed' | 'cast'; readonly bytes: Uint8Array }
  | { readonly kind: 'restart' }

export function decodeEnvelope(bytes: Uint8Array): Result<Envelope> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt<Envelope>(() => {
    const decoder = decoding.createDecoder(bytes)
    switch (decoding.readVarUint(decoder)) {
      case HELLO:
        return accept({ kind: 'hello', bytes: decoding.readTailAsUint8Array(decoder) })
      case SEALED:
        return accept({ kind: 'sealed', bytes: decoding.readTailAsUint8Array(decoder) })
      case RESTART:
        return decoding.hasContent(decoder) ? reject('malformed') : accept({ kind: 'restart' })
      case CAST:
        return accept({ kind: 'cast', bytes: decoding.readTailAsUint8Array(decoder) })
      default:
        return reject('unknown-frame')
    }
  })
}

/** Whether it is a cast, as far as its first byte tells: whoever says that alone need not be met. */
export const isCastEnvelope = (bytes: Uint8Array): boolean => bytes[0] === CAST

export const encodeHelloEnvelope = (hello: Uint8Array): Uint8Array => encode(HELLO, hello)

export const encodeSealedEnvelope = (sealed: Uint8Array): Uint8Array => encode(SEALED, sealed)

export const encodeCastEnvelope = (cast: Uint8Array): Uint8Array => encode(CAST, cast)

export const RESTART_ENVELOPE: Uint8Array = Uint8Array.of(RESTART)

function encode(type: number, bytes: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, type)
    encoding.writeUint8Array(encoder, bytes)
  })
}
