/** Cryptography that takes time of its own, as threads do: what is handed in may settle after later messages came. */
import type { Crypto } from '../../lib/identity/crypto.ts'
import type { Dice } from '../../lib/testing/dice.ts'
import type { Host } from '../../lib/testing/host.ts'
import type { Scheduler } from '../../lib/testing/scheduler.ts'

/** The longest that one operation takes, in ms. */
const SLOWEST_MS = 6

export function slowCrypto(crypto: Crypto, host: Host, scheduler: Scheduler, dice: Dice): Crypto {
  const later = async <Value>(work: Promise<Value>): Promise<Value> => {
    const value = await work
    return new Promise((resolve) => {
      scheduler.after(dice.between(0, SLOWEST_MS), () => host.run(() => resolve(value)))
    })
  }
  return {
    ...crypto,
    createSigner() {
      const signer = crypto.createSigner()
      return { publicKey: signer.publicKey, sign: (message) => later(signer.sign(message)) }
    },
    verify: (publicKey, signature, message) => later(crypto.verify(publicKey, signature, message)),
    async createAgreement() {
      const agreement = await later(crypto.createAgreement())
      return { publicKey: agreement.publicKey, agree: (theirs) => later(agreement.agree(theirs)) }
    },
    createSeal(key) {
      const seal = crypto.createSeal(key)
      return {
        seal: (counter, plaintext, aad) => later(seal.seal(counter, plaintext, aad)),
        open: (counter, sealed, aad) => later(seal.open(counter, sealed, aad)),
      }
    },
  }
}
