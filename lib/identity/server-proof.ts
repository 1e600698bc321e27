/** How a socket proves its connectionId to a server: by signing the server's nonce. Both ends of it. */
import type { ConnectionId } from '../base/ids.ts'
import { accept, type Result, reject } from '../wire/result.ts'
import { concatBytes, utf8 } from './bytes.ts'
import { connectionIdOf } from './connection-id.ts'
import type { Crypto } from './crypto.ts'
import type { Identity } from './identity.ts'
import { isOfSmallOrder } from './small-order.ts'

const LABEL = 'copresence-server-1'

/** What is signed; it begins with its own label, so that no server can have a hello signed. */
export const challengeStatement = (nonce: Uint8Array): Uint8Array => concatBytes(utf8(LABEL), nonce)

/** Our signature over a server's nonce. */
export const signChallenge = (identity: Identity, nonce: Uint8Array): Promise<Uint8Array> =>
  identity.sign(challengeStatement(nonce))

export interface ServerProof {
  readonly nonce: Uint8Array
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** The connectionId that a socket has proved, or `bad-signature`. */
export async function checkServerProof(
  { nonce, publicKey, signature }: ServerProof,
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
): Promise<Result<ConnectionId>> {
  // Whatever checks the server's signatures: some of them let keys pass that are nobody's.
  const isProved = !isOfSmallOrder(publicKey) && (await crypto.verify(publicKey, signature, challengeStatement(nonce)))
  return isProved ? accept(connectionIdOf(publicKey, crypto)) : reject('bad-signature')
}
