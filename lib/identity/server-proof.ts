/**
 * How a socket proves its connectionId to a server: by signing the server's nonce, and the host that it dialled. Both ends
 * of it.
 *
 *   statement = "copresence-server-1" nonce:byte{32} host       host[:port] as a URL has it, without a default port
 *
 * A server that passes another's challenge on gets a signature that names itself.
 */
import type { ConnectionId } from '../base/ids.ts'
import { utf8 } from '../base/utf8.ts'
import { accept, type Result, reject } from '../wire/result.ts'
import { concatBytes } from './bytes.ts'
import { connectionIdOf } from './connection-id.ts'
import type { Crypto } from './crypto.ts'
import type { Identity } from './identity.ts'
import { isOfSmallOrder } from './small-order.ts'

const LABEL = 'copresence-server-1'

export interface Challenge {
  readonly nonce: Uint8Array
  /** By the client's word. */
  readonly host: string
}

/** What is signed; it begins with its own label, so that no server can have a hello signed. */
export const challengeStatement = ({ nonce, host }: Challenge): Uint8Array =>
  concatBytes(utf8(LABEL), nonce, utf8(host))

/** Our signature over a server's nonce, and the host that we dialled. */
export const signChallenge = (identity: Identity, challenge: Challenge): Promise<Uint8Array> =>
  identity.sign(challengeStatement(challenge))

export interface ServerProof extends Challenge {
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** The connectionId that a socket has proved, or `bad-signature`. Whether the host is ours, the server knows. */
export async function checkServerProof(
  { publicKey, signature, ...challenge }: ServerProof,
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
): Promise<Result<ConnectionId>> {
  // Whatever checks the server's signatures: some of them let keys pass that are nobody's.
  const isProved =
    !isOfSmallOrder(publicKey) && (await crypto.verify(publicKey, signature, challengeStatement(challenge)))
  return isProved ? accept(connectionIdOf(publicKey, crypto)) : reject('bad-signature')
}
