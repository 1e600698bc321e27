/** AES-256-GCM under a counter: the platform's, or the library's where there is none. */
import { load } from '../base/load.ts'
import type { Seal } from './crypto.ts'
import { asSource } from './platform.ts'

const ALGORITHM = 'AES-GCM'
const NONCE_BYTES = 12
const HIGH = 2 ** 32

export const createAesGcm = (subtle: SubtleCrypto | undefined): ((key: Uint8Array) => Seal) =>
  subtle === undefined ? createByLibrary : (key) => createBy(subtle, key)

/** 4 zero bytes and the counter: 96 bits that come once under one key (NIST SP 800-38D section 8.2.1). */
function nonceOf(counter: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(NONCE_BYTES)
  const view = new DataView(nonce.buffer)
  view.setUint32(4, Math.floor(counter / HIGH))
  view.setUint32(8, counter % HIGH)
  return nonce
}

function createBy(subtle: SubtleCrypto, key: Uint8Array): Seal {
  const raw = key.slice()
  let imported: Promise<CryptoKey> | undefined
  const keyOnce = () => {
    imported ??= subtle.importKey('raw', raw, ALGORITHM, false, ['encrypt', 'decrypt'])
    return imported
  }
  const how = (counter: number, aad: Uint8Array) => ({
    name: ALGORITHM,
    iv: nonceOf(counter),
    additionalData: asSource(aad),
  })
  return {
    async seal(counter, plaintext, aad) {
      return new Uint8Array(await subtle.encrypt(how(counter, aad), await keyOnce(), asSource(plaintext)))
    },
    async open(counter, sealed, aad) {
      const key = await keyOnce()
      try {
        return new Uint8Array(await subtle.decrypt(how(counter, aad), key, asSource(sealed)))
      } catch {
        // The platform tells nothing but that it is not what was sealed.
        return undefined
      }
    },
  }
}

function createByLibrary(key: Uint8Array): Seal {
  const loaded = () => load(() => import('./library-crypto.ts'))
  return {
    seal: async (counter, plaintext, aad) => (await loaded()).seal(key, nonceOf(counter), plaintext, aad),
    open: async (counter, sealed, aad) => (await loaded()).open(key, nonceOf(counter), sealed, aad),
  }
}
