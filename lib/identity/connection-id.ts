/** connectionId = hash of a public key: no registry, no clash, and only the key's owner can prove it (threat T4). */
import { toBase64Url } from '../base/base64-url.ts'
import type { ConnectionId } from '../base/ids.ts'
import { utf8 } from '../base/utf8.ts'
import { concatBytes } from './bytes.ts'
import type { Crypto } from './crypto.ts'

const LABEL = 'copresence-id-1'
/** 22 characters hold 132 bits: finding a second key for one id takes 2^132 tries. */
const ID_CHARACTERS = 22

export function connectionIdOf(publicKey: Uint8Array, crypto: Pick<Crypto, 'sha256'>): ConnectionId {
  const digest = crypto.sha256(concatBytes(utf8(LABEL), publicKey))
  return toBase64Url(digest).slice(0, ID_CHARACTERS) as ConnectionId
}
