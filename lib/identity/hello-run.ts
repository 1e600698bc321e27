/**
 * One run of a hello: what both ends have said so far, the keys that follow from it, and the proofs over it.
 *
 *   T    = sha256( "copresence-hello-1" topic initiatorId responderId hello1 head2 )
 *   keys = hkdf( input = agreed value, salt = secretKey or zeros, info = T ) = macR macI sealIR sealRI, 32 bytes each
 *   a proof of role X (`R` or `I`) = signature over X T by its key, and hmac(macX, X T) cut to 16 bytes
 *
 * The signature proves who, the mac proves that the far end has our secret and the same keys (threats T4, T14, T15).
 */
import type { ConnectionId } from '../base/ids.ts'
import { utf8 } from '../base/utf8.ts'
import type { RejectReason } from '../wire/result.ts'
import { concatBytes, isEqualBytes } from './bytes.ts'
import { type Agreement, type Crypto, KEY_BYTES } from './crypto.ts'
import { MAC_BYTES, type Proof } from './hello-message.ts'
import type { Identity } from './identity.ts'
import type { LinkKeys } from './seal.ts'

const LABEL = 'copresence-hello-1'
const NO_SECRET = new Uint8Array(KEY_BYTES)

export type Role = 'I' | 'R'

export interface RunNeeds {
  readonly crypto: Crypto
  readonly topic: Uint8Array
  readonly secretKey?: Uint8Array | undefined
  readonly initiatorId: ConnectionId
  readonly responderId: ConnectionId
  readonly agreement: Agreement
  readonly theirAgreementKey: Uint8Array
  readonly hello1: Uint8Array
  /** hello2 without its proof. */
  readonly head2: Uint8Array
}

export interface Run {
  prove(role: Role, identity: Identity): Promise<Proof>
  /** What is wrong with the far end's proof; undefined: nothing. */
  check(role: Role, publicKey: Uint8Array, proof: Proof): Promise<RejectReason | undefined>
  linkKeys(own: Role): LinkKeys
}

/** Undefined where the far end's agreement key is none. */
export async function createRun(needs: RunNeeds): Promise<Run | undefined> {
  const { crypto, topic, secretKey, initiatorId, responderId, agreement, hello1, head2 } = needs
  const agreed = await agreement.agree(needs.theirAgreementKey)
  if (agreed === undefined) return undefined
  const said = concatBytes(utf8(LABEL), topic, utf8(initiatorId), utf8(responderId), hello1, head2)
  const transcript = crypto.sha256(said)
  const keys = crypto.hkdf(agreed, secretKey ?? NO_SECRET, transcript, 4 * KEY_BYTES)
  const key = (index: number): Uint8Array => keys.slice(index * KEY_BYTES, (index + 1) * KEY_BYTES)
  const sealIR = key(2)
  const sealRI = key(3)

  const statement = (role: Role): Uint8Array => concatBytes(utf8(role), transcript)
  const mac = (role: Role): Uint8Array => crypto.hmac(key(role === 'R' ? 0 : 1), statement(role)).slice(0, MAC_BYTES)
  return {
    prove: async (role, identity) => ({ signature: await identity.sign(statement(role)), mac: mac(role) }),
    async check(role, publicKey, proof) {
      if (!(await crypto.verify(publicKey, proof.signature, statement(role)))) return 'bad-signature'
      return isEqualBytes(proof.mac, mac(role)) ? undefined : 'wrong-secret'
    },
    linkKeys: (own) =>
      own === 'I'
        ? { isInitiator: true, send: sealIR, receive: sealRI }
        : { isInitiator: false, send: sealRI, receive: sealIR },
  }
}
