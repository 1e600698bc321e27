/** The real cryptography: WebCrypto wherever it does the work, and noble, loaded where it is needed, wherever not. */
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { load } from '../base/load.ts'
import { systemRandom } from '../base/random.ts'
import { createAesGcm } from './aes-gcm.ts'
import type { Crypto } from './crypto.ts'
import { createEd25519 } from './ed25519.ts'
import { createP256 } from './p256.ts'
import { systemSubtle } from './platform.ts'

/** `subtle`: WebCrypto, or undefined as on a page that lacks it; the platform's own where it is left out. */
export function createSystemCrypto(
  options: { readonly subtle: SubtleCrypto | undefined } = { subtle: systemSubtle() },
): Crypto {
  const { subtle } = options
  return {
    ...createEd25519(subtle, systemRandom),
    createAgreement: createP256(subtle),
    sha256,
    hmac: (key, bytes) => hmac(sha256, key, bytes),
    hkdf: (input, salt, info, length) => hkdf(sha256, input, salt, info, length),
    createSeal: createAesGcm(subtle),
    stretch: async (password, salt) => (await load(() => import('./password.ts'))).stretch(subtle, password, salt),
    randomBytes: systemRandom,
  }
}
