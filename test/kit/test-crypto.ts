/**
 * Cryptography for simulation: seeded, fast, and all of it settles in microtasks. It is no cryptography, but whoever is
 * not handed the key cannot forge here either, so protocols that lean on it break here as they would in earnest.
 *
 * One instance is one world: everybody who is to meet shares it, since it knows whose public key belongs to whom.
 */
import {
  AGREEMENT_KEY_BYTES,
  type Crypto,
  KEY_BYTES,
  PUBLIC_KEY_BYTES,
  SEAL_OVERHEAD_BYTES,
  SIGNATURE_BYTES,
} from '../../lib/identity/crypto.ts'

const textEncoder = new TextEncoder()

export function createTestCrypto(seed: number): Crypto {
  const signingKeys = new Map<string, Uint8Array>()
  const agreementKeys = new Map<string, Uint8Array>()
  const key = textEncoder.encode(`seed ${seed}`)
  let drawn = 0

  const randomBytes = (length: number): Uint8Array => digest(length, key, numberBytes(drawn++))
  const createPair = (keys: Map<string, Uint8Array>, label: string, length: number) => {
    const secret = randomBytes(KEY_BYTES)
    const publicKey = label === 'agree' ? pointOf(secret, length) : digest(length, textEncoder.encode(label), secret)
    keys.set(String(publicKey), secret)
    return { secret, publicKey }
  }
  return {
    createSigner() {
      const { secret, publicKey } = createPair(signingKeys, 'sign', PUBLIC_KEY_BYTES)
      return { publicKey, sign: async (message) => digest(SIGNATURE_BYTES, secret, message) }
    },
    async verify(publicKey, signature, message) {
      const secret = signingKeys.get(String(publicKey))
      return secret !== undefined && isSame(signature, digest(SIGNATURE_BYTES, secret, message))
    },
    async createAgreement() {
      const { secret, publicKey } = createPair(agreementKeys, 'agree', AGREEMENT_KEY_BYTES)
      return {
        publicKey,
        async agree(theirs) {
          const their = agreementKeys.get(String(theirs))
          return their === undefined ? undefined : digest(KEY_BYTES, xor(secret, their))
        },
      }
    },
    sha256: (bytes) => digest(KEY_BYTES, bytes),
    hmac: (key, bytes) => digest(KEY_BYTES, key, bytes),
    hkdf: (input, salt, info, length) => digest(length, input, salt, info),
    createSeal: createTestSeal,
    stretch: async (password, salt) => digest(KEY_BYTES, password, salt),
    randomBytes,
  }
}

/** 65 bytes that begin as a point which is not compressed does. */
function pointOf(secret: Uint8Array, length: number): Uint8Array {
  const point = digest(length, textEncoder.encode('agree'), secret)
  point[0] = 4
  return point
}

const createTestSeal: Crypto['createSeal'] = (key) => {
  const tagOf = (counter: number, hidden: Uint8Array, aad: Uint8Array) =>
    digest(SEAL_OVERHEAD_BYTES, key, numberBytes(counter), aad, hidden)
  const hide = (counter: number, bytes: Uint8Array) =>
    xor(bytes, digest(bytes.length, key, numberBytes(counter), textEncoder.encode('hide')))
  return {
    async seal(counter, plaintext, aad) {
      const hidden = hide(counter, plaintext)
      const sealed = new Uint8Array(hidden.length + SEAL_OVERHEAD_BYTES)
      sealed.set(hidden)
      sealed.set(tagOf(counter, hidden, aad), hidden.length)
      return sealed
    },
    async open(counter, sealed, aad) {
      if (sealed.length < SEAL_OVERHEAD_BYTES) return undefined
      const hidden = sealed.subarray(0, -SEAL_OVERHEAD_BYTES)
      const isTrue = isSame(sealed.subarray(-SEAL_OVERHEAD_BYTES), tagOf(counter, hidden, aad))
      return isTrue ? hide(counter, hidden) : undefined
    },
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

const xor = (one: Uint8Array, other: Uint8Array): Uint8Array => one.map((byte, index) => byte ^ (other[index] ?? 0))

function numberBytes(number: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, number)
  return bytes
}

/** `length` bytes that depend on every byte of every part and on where the parts end: 128 bits of state, mixed well. */
function digest(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = new Uint32Array([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344])
  for (const part of parts) {
    absorb(state, part.length)
    for (let index = 0; index < part.length; index += 4) {
      absorb(state, wordAt(part, index))
    }
  }
  const output = new Uint8Array(length)
  for (let index = 0; index < length; index++) {
    if (index % 4 === 0) absorb(state, index)
    output[index] = (state[3] ?? 0) >>> (8 * (index % 4))
  }
  return output
}

const wordAt = (bytes: Uint8Array, index: number): number =>
  (bytes[index] ?? 0) |
  ((bytes[index + 1] ?? 0) << 8) |
  ((bytes[index + 2] ?? 0) << 16) |
  ((bytes[index + 3] ?? 0) << 24)

/** One round: every word of the state takes part in every other within two rounds. */
function absorb(state: Uint32Array, word: number): void {
  let [a = 0, b = 0, c = 0, d = 0] = state
  a = scramble(a ^ word ^ d)
  b = scramble(b ^ a)
  c = scramble(c ^ b)
  d = scramble(d ^ c)
  state.set([a, b, c, d])
}

/** The finalizer of MurmurHash3, 32 bits. */
function scramble(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
