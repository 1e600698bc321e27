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
} from '../identity/crypto.ts'

const textEncoder = new TextEncoder()
/** Halves of agreements that are remembered, the newest: each is of one hello, and needed as long as that takes. */
const MAX_AGREEMENTS = 16_384

export function createTestCrypto(seed: number): Crypto {
  const signingKeys = new Map<string, Uint8Array>()
  const agreementKeys = new Map<string, Uint8Array>()
  const key = textEncoder.encode(`seed ${seed}`)
  let drawn = 0

  const randomBytes = (length: number): Uint8Array => digest(length, key, numberBytes(drawn++))
  const createPair = (keys: Map<string, Uint8Array>, label: string, length: number) => {
    const secret = randomBytes(KEY_BYTES)
    const publicKey = label === 'agree' ? pointOf(secret, length) : digest(length, textEncoder.encode(label), secret)
    keys.set(nameOf(publicKey), secret)
    return { secret, publicKey }
  }
  return {
    createSigner() {
      const { secret, publicKey } = createPair(signingKeys, 'sign', PUBLIC_KEY_BYTES)
      return { publicKey, sign: async (message) => digest(SIGNATURE_BYTES, secret, message) }
    },
    async verify(publicKey, signature, message) {
      const secret = signingKeys.get(nameOf(publicKey))
      return secret !== undefined && isSame(signature, digest(SIGNATURE_BYTES, secret, message))
    },
    async createAgreement() {
      const { secret, publicKey } = createPair(agreementKeys, 'agree', AGREEMENT_KEY_BYTES)
      const [oldest] = agreementKeys.keys()
      if (agreementKeys.size > MAX_AGREEMENTS && oldest !== undefined) agreementKeys.delete(oldest)
      return {
        publicKey,
        async agree(theirs) {
          const their = agreementKeys.get(nameOf(theirs))
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

const nameOf = (publicKey: Uint8Array): string => String.fromCharCode(...publicKey)

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

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  const mixed = new Uint8Array(one.length)
  for (let index = 0; index < mixed.length; index++) mixed[index] = (one[index] ?? 0) ^ (other[index] ?? 0)
  return mixed
}

function numberBytes(number: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, number)
  return bytes
}

/** `length` bytes that depend on every byte of every part and on where the parts end. */
function digest(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const sponge = new Sponge()
  for (const part of parts) sponge.takeBytes(part)
  return sponge.give(length)
}

/** 128 bits of state, mixed well. Words are signed 32-bit integers, which engines add fastest. */
class Sponge {
  private a = 0x243f6a88
  private b = 0x05a308d3
  private c = 0x13198a2e
  private d = 0x03707344

  takeBytes(bytes: Uint8Array): void {
    this.takeWord(bytes.length)
    const whole = bytes.length - (bytes.length % 4)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let index = 0; index < whole; index += 4) this.takeWord(view.getInt32(index, true))
    for (let index = whole; index < bytes.length; index++) this.takeWord(view.getUint8(index))
  }

  give(length: number): Uint8Array {
    const words = new Int32Array(Math.ceil(length / 4))
    for (let index = 0; index < words.length; index++) {
      this.takeWord(index)
      words[index] = this.d
    }
    return new Uint8Array(words.buffer, 0, length).slice()
  }

  /** Every word of the state takes part in every other within two rounds. */
  private takeWord(word: number): void {
    this.a = scramble(this.a ^ word ^ this.d)
    this.b = scramble(this.b ^ this.a)
    this.c = scramble(this.c ^ this.b)
    this.d = scramble(this.d ^ this.c)
  }
}

/** The finalizer of MurmurHash3, 32 bits. */
function scramble(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const mixed = Math.imul(half ^ (half >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
