/**
 * Ed25519 signatures. Key pairs are made synchronously, which the platform cannot; signing and verifying are the
 * platform's where it does them right, and otherwise the library's that made the keys.
 */
import * as noble from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from './bytes.ts'
import { type Crypto, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer } from './crypto.ts'
import { asSource } from './platform.ts'
import { isOfSmallOrder } from './small-order.ts'

const SEED_BYTES = 32
const ALGORITHM = 'Ed25519'
/** What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410 section 7). */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

export function createEd25519(
  subtle: SubtleCrypto | undefined,
  randomBytes: Crypto['randomBytes'],
): Pick<Crypto, 'createSigner' | 'verify'> {
  noble.hashes.sha512 = sha512
  let tested: Promise<SubtleCrypto | undefined> | undefined
  const platform = (): Promise<SubtleCrypto | undefined> => {
    tested ??= subtle === undefined ? Promise.resolve(undefined) : test(subtle)
    return tested
  }
  return {
    createSigner() {
      const seed = randomBytes(SEED_BYTES)
      const publicKey = noble.getPublicKey(seed)
      return { publicKey, sign: createSign(seed, platform) }
    },
    async verify(publicKey, signature, message) {
      if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
      if (isOfSmallOrder(publicKey)) return false
      const works = await platform()
      return works === undefined
        ? verifyByLibrary(publicKey, signature, message)
        : verifyBy(works, publicKey, signature, message)
    },
  }
}

function createSign(seed: Uint8Array, platform: () => Promise<SubtleCrypto | undefined>): Signer['sign'] {
  let key: Promise<CryptoKey> | undefined
  return async (message) => {
    const works = await platform()
    if (works === undefined) return noble.sign(message, seed)
    key ??= importPrivate(works, seed)
    return new Uint8Array(await works.sign(ALGORITHM, await key, asSource(message)))
  }
}

const importPrivate = (subtle: SubtleCrypto, seed: Uint8Array): Promise<CryptoKey> =>
  subtle.importKey('pkcs8', asSource(concatBytes(PKCS8_HEAD, seed)), ALGORITHM, false, ['sign'])

async function verifyBy(
  subtle: SubtleCrypto,
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  try {
    const key = await subtle.importKey('raw', asSource(publicKey), ALGORITHM, false, ['verify'])
    return await subtle.verify(ALGORITHM, key, asSource(signature), asSource(message))
  } catch {
    // Some platforms refuse a key that is no point when it is imported: nobody can have signed with it.
    return false
  }
}

function verifyByLibrary(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    // The strict rules of RFC 8032, which are the platforms' too.
    return noble.verify(signature, message, publicKey, { zip215: false })
  } catch {
    // Bytes that are no point or no scalar: nobody can have signed so.
    return false
  }
}

/** The platform where the library verifies what it signs, and it does so too, and not for something else. */
async function test(subtle: SubtleCrypto): Promise<SubtleCrypto | undefined> {
  const seed = new Uint8Array(SEED_BYTES)
  const message = Uint8Array.of(1)
  const publicKey = noble.getPublicKey(seed)
  try {
    const signed = new Uint8Array(await subtle.sign(ALGORITHM, await importPrivate(subtle, seed), asSource(message)))
    if (!verifyByLibrary(publicKey, signed, message)) return undefined
    if (!(await verifyBy(subtle, publicKey, signed, message))) return undefined
    return (await verifyBy(subtle, publicKey, signed, Uint8Array.of(0))) ? undefined : subtle
  } catch {
    // It does not know Ed25519: the library does.
    return undefined
  }
}
