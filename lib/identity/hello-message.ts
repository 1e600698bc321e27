/**
 * The three messages of a hello as bytes. Knows their shape; what they prove, hello.ts knows.
 *
 *   hello   = hello1 | hello2 | hello3
 *   hello1  = 1 opening                    initiator to responder
 *   hello2  = 2 opening proof              responder to initiator
 *   hello3  = 3 attempt:varUint proof      initiator to responder
 *   opening = version:uint8 attempt:varUint publicKey:byte{32} agreementKey:byte{65} nonce:byte{16}
 *   proof   = signature:byte{64} mac:byte{16}
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { readBytes } from '../wire/fixed-bytes.ts'
import { MAX_COUNT } from '../wire/limits.ts'
import { accept, attempt, type Result, reject } from '../wire/result.ts'
import { AGREEMENT_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './crypto.ts'

export const HELLO_VERSION = 1
/** Bytes of a hello's nonce: no two hellos of one pair share one. */
export const HELLO_NONCE_BYTES = 16
/** Bytes of a proof's mac. */
export const MAC_BYTES = 16

const HELLO_1 = 1
const HELLO_2 = 2
const HELLO_3 = 3

export interface Opening {
  readonly attempt: number
  readonly publicKey: Uint8Array
  readonly agreementKey: Uint8Array
  readonly nonce: Uint8Array
}

export interface Proof {
  readonly signature: Uint8Array
  readonly mac: Uint8Array
}

export type HelloMessage =
  | { readonly kind: 'hello1'; readonly opening: Opening }
  /** `head`: the bytes of the message without its proof. */
  | { readonly kind: 'hello2'; readonly opening: Opening; readonly head: Uint8Array; readonly proof: Proof }
  | { readonly kind: 'hello3'; readonly attempt: number; readonly proof: Proof }

/** Reads one message, whole or not at all; `bad-hello` otherwise. Views of `bytes`. Never throws. */
export function decodeHello(bytes: Uint8Array): Result<HelloMessage> {
  const message = attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const read = readMessage(decoder)
    return decoding.hasContent(decoder) ? reject('bad-hello') : read
  })
  return message.ok ? message : reject('bad-hello')
}

function readMessage(decoder: decoding.Decoder): Result<HelloMessage> {
  switch (decoding.readUint8(decoder)) {
    case HELLO_1:
      return accept({ kind: 'hello1', opening: readOpening(decoder) })
    case HELLO_2: {
      const opening = readOpening(decoder)
      const head = decoder.arr.subarray(0, decoder.pos)
      return accept({ kind: 'hello2', opening, head, proof: readProof(decoder) })
    }
    case HELLO_3: {
      const attempt = readAttempt(decoder)
      return accept({ kind: 'hello3', attempt, proof: readProof(decoder) })
    }
    default:
      return reject('bad-hello')
  }
}

function readOpening(decoder: decoding.Decoder): Opening {
  if (decoding.readUint8(decoder) !== HELLO_VERSION) throw new RangeError('a version that we do not speak')
  const attempt = readAttempt(decoder)
  const publicKey = readBytes(decoder, PUBLIC_KEY_BYTES)
  const agreementKey = readBytes(decoder, AGREEMENT_KEY_BYTES)
  return { attempt, publicKey, agreementKey, nonce: readBytes(decoder, HELLO_NONCE_BYTES) }
}

function readAttempt(decoder: decoding.Decoder): number {
  const attempt = decoding.readVarUint(decoder)
  if (attempt > MAX_COUNT) throw new RangeError('a count over its limit')
  return attempt
}

function readProof(decoder: decoding.Decoder): Proof {
  const signature = readBytes(decoder, SIGNATURE_BYTES)
  return { signature, mac: readBytes(decoder, MAC_BYTES) }
}

/** hello1, or hello2 without its proof. */
export const encodeOpening = (kind: 'hello1' | 'hello2', opening: Opening): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeUint8(encoder, kind === 'hello1' ? HELLO_1 : HELLO_2)
    encoding.writeUint8(encoder, HELLO_VERSION)
    encoding.writeVarUint(encoder, opening.attempt)
    encoding.writeUint8Array(encoder, opening.publicKey)
    encoding.writeUint8Array(encoder, opening.agreementKey)
    encoding.writeUint8Array(encoder, opening.nonce)
  })

export const encodeHello2 = (head: Uint8Array, proof: Proof): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeUint8Array(encoder, head)
    writeProof(encoder, proof)
  })

export const encodeHello3 = (attempt: number, proof: Proof): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeUint8(encoder, HELLO_3)
    encoding.writeVarUint(encoder, attempt)
    writeProof(encoder, proof)
  })

function writeProof(encoder: encoding.Encoder, { signature, mac }: Proof): void {
  encoding.writeUint8Array(encoder, signature)
  encoding.writeUint8Array(encoder, mac)
}
