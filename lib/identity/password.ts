/**
 * Makes a person's password slow to guess: PBKDF2, the platform's, or the library's where there is none. Loaded late: most
 * secrets are generated.
 */
import { pbkdf2Async } from '@noble/hashes/pbkdf2.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Crypto, KEY_BYTES } from './crypto.ts'
import { asSource } from './platform.ts'

/** Rounds of PBKDF2-SHA256: what OWASP's password storage cheat sheet asks for (2023). */
export const STRETCH_ROUNDS = 600_000

export const stretch = (
  subtle: SubtleCrypto | undefined,
  ...words: Parameters<Crypto['stretch']>
): ReturnType<Crypto['stretch']> => (subtle === undefined ? stretchByLibrary(...words) : stretchBy(subtle, ...words))

async function stretchBy(subtle: SubtleCrypto, password: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const key = await subtle.importKey('raw', asSource(password), 'PBKDF2', false, ['deriveBits'])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: asSource(salt), iterations: STRETCH_ROUNDS }
  return new Uint8Array(await subtle.deriveBits(how, key, 8 * KEY_BYTES))
}

/** Gives other tasks their turn every 10 ms. */
const stretchByLibrary: Crypto['stretch'] = (password, salt) =>
  pbkdf2Async(sha256, password, salt, { c: STRETCH_ROUNDS, dkLen: KEY_BYTES })
