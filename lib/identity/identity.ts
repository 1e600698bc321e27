/** Who we are: a fresh key pair for each Realtime, and the id that it gives. Knows nothing of links and servers. */
import type { ConnectionId } from '../base/ids.ts'
import { connectionIdOf } from './connection-id.ts'
import type { Crypto } from './crypto.ts'

export interface Identity {
  readonly connectionId: ConnectionId
  /** 32 bytes; nobody changes them. */
  readonly publicKey: Uint8Array
  /** 64 bytes over `message`. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

export function createIdentity(crypto: Crypto): Identity {
  const signer = crypto.createSigner()
  return {
    connectionId: connectionIdOf(signer.publicKey, crypto),
    publicKey: signer.publicKey,
    sign: (message) => signer.sign(message),
  }
}
