/** ECDH over P-256: the platform's, or the library's where there is none. A key is used for one hello. */
import { load } from '../base/load.ts'
import { AGREEMENT_KEY_BYTES, type Agreement, KEY_BYTES } from './crypto.ts'
import { asSource } from './platform.ts'

const ALGORITHM = { name: 'ECDH', namedCurve: 'P-256' }
/** The first byte of a point that is not compressed (SEC 1 section 2.3.3). */
const UNCOMPRESSED = 4

export const createP256 = (subtle: SubtleCrypto | undefined): (() => Promise<Agreement>) =>
  subtle === undefined
    ? async () => (await load(() => import('./library-crypto.ts'))).createAgreement(isPossible)
    : () => createBy(subtle)

const isPossible = (theirs: Uint8Array): boolean => theirs.length === AGREEMENT_KEY_BYTES && theirs[0] === UNCOMPRESSED

async function createBy(subtle: SubtleCrypto): Promise<Agreement> {
  const pair = await subtle.generateKey(ALGORITHM, false, ['deriveBits'])
  return {
    publicKey: new Uint8Array(await subtle.exportKey('raw', pair.publicKey)),
    async agree(theirs) {
      if (!isPossible(theirs)) return undefined
      try {
        const key = await subtle.importKey('raw', asSource(theirs), ALGORITHM, false, [])
        const bits = await subtle.deriveBits({ name: 'ECDH', public: key }, pair.privateKey, 8 * KEY_BYTES)
        return new Uint8Array(bits)
      } catch {
        // The bytes are no point of the curve, and that is all the platform can tell.
        return undefined
      }
    },
  }
}
