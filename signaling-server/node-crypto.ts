/** The part of cryptography that a server needs, by Node alone: it checks signatures, on another thread, and makes none. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type Crypto, PUBLIC_KEY_BYTES } from '../lib/identity/crypto.ts'

/** What precedes the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export const nodeCrypto: Pick<Crypto, 'sha256' | 'verify'> = {
  sha256: (bytes) => Uint8Array.from(createHash('sha256').update(bytes).digest()),
  async verify(publicKey, signature, message) {
    const key = readKey(publicKey)
    if (key === undefined) return false
    return await new Promise((resolve) => {
      verify(null, message, key, signature, (error, isGood) => resolve(error === null && isGood))
    })
  },
}

function readKey(publicKey: Uint8Array): KeyObject | undefined {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return undefined
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
  } catch {
    // No such key; the proof counts as a bad one.
    return undefined
  }
}
