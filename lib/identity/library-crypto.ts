/** Key agreement and sealing where the platform has no WebCrypto. Loaded late: hardly any page lacks it. */
import { gcm } from '@noble/ciphers/aes.js'
import { p256 } from '@noble/curves/nist.js'
import { type Agreement, KEY_BYTES } from './crypto.ts'

/** `isPossible`: whether bytes have the form of a key. */
export function createAgreement(isPossible: (theirs: Uint8Array) => boolean): Agreement {
  const { secretKey } = p256.keygen()
  return {
    publicKey: p256.getPublicKey(secretKey, false),
    async agree(theirs) {
      if (!isPossible(theirs)) return undefined
      try {
        // The point's first coordinate, as the platform's bits are.
        return p256.getSharedSecret(secretKey, theirs, false).slice(1, 1 + KEY_BYTES)
      } catch {
        // The bytes are no point of the curve.
        return undefined
      }
    },
  }
}

export const seal = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array =>
  gcm(key, nonce, aad).encrypt(plaintext)

export function open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
  try {
    return gcm(key, nonce, aad).decrypt(sealed)
  } catch {
    // Too short, or not what was sealed.
    return undefined
  }
}
