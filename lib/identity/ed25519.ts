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
const PKCS8_HEAD = bytesOf('302e020100300506032b657004220420')

/** RFC 8032 section 7.1, test 2, whose public key is the seed's: a platform that fails it does not do Ed25519. */
const KNOWN = {
  seed: bytesOf('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
  message: bytesOf('72'),
  signature: bytesOf(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ),
}

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

/** The platform where it signs and verifies what is known, and refuses what is not so. */
async function test(subtle: SubtleCrypto): Promise<SubtleCrypto | undefined> {
  const { seed, message, signature } = KNOWN
  const publicKey = noble.getPublicKey(seed)
  try {
    const signed = new Uint8Array(await subtle.sign(ALGORITHM, await importPrivate(subtle, seed), asSource(message)))
    if (signed.some((byte, index) => byte !== signature[index])) return undefined
    if (!(await verifyBy(subtle, publicKey, signature, message))) return undefined
    return (await verifyBy(subtle, publicKey, signature, Uint8Array.of(0))) ? undefined : subtle
  } catch {
    // It does not know Ed25519: the library does.
    return undefined
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  )
}
