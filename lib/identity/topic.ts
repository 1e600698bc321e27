/** What a channel is called on the wire: 32 bytes that look random to whoever lacks the secret (threat T17). */
import { utf8 } from '../base/utf8.ts'
import type { Crypto } from './crypto.ts'

/** The key where there is no secret: the topic then hides the names from nobody who guesses them, and says so. */
const OPEN_KEY = 'copresence-open-1'
const LABEL = 'copresence-topic-1'

export interface TopicNeeds {
  readonly crypto: Pick<Crypto, 'hmac'>
  readonly app: string
  readonly channel: string
  /** 32 bytes of `deriveSecretKey`, where the channel has a secret. */
  readonly secretKey?: Uint8Array | undefined
}

export function topicOf({ crypto, app, channel, secretKey }: TopicNeeds): Uint8Array {
  // No app and no channel name holds a NUL, so no two pairs give the same text.
  return crypto.hmac(secretKey ?? utf8(OPEN_KEY), utf8(`${LABEL}\0${app}\0${channel}`))
}
