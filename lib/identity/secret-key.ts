/** From a channel secret to its key. Tells a generated secret from one that a person thought up (threat T16). */
import { utf8 } from '../base/utf8.ts'
import { concatBytes } from './bytes.ts'
import type { Crypto } from './crypto.ts'

const GENERATED_LABEL = 'copresence-secret-1\0'
const HUMAN_LABEL = 'copresence-password-1\0'

/**
 * What `createSecret` makes: 22 URL-safe characters. Both cases must occur, so that a phrase in small letters which happens
 * to be as long is stretched; of the generated ones 1 in 47,000 lacks a case and is stretched for nothing.
 */
const GENERATED = /^(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{22}$/

export const isGeneratedSecret = (secret: string): boolean => GENERATED.test(secret)

export interface SecretKeyNeeds {
  readonly secret: string
  readonly app: string
  readonly crypto: Pick<Crypto, 'sha256' | 'stretch'>
  /** Called once, before the stretching, where the secret is a person's; the text never shows it. */
  readonly warn?: (text: string) => void
}

/** 32 bytes, the same for everybody who has the secret and the app. A person's password takes about a second. */
export async function deriveSecretKey({ secret, app, crypto, warn }: SecretKeyNeeds): Promise<Uint8Array> {
  if (isGeneratedSecret(secret)) return crypto.sha256(concatBytes(utf8(GENERATED_LABEL), utf8(secret)))
  warn?.('copresence: the channel secret was not made by createSecret(). Whoever runs a server can try to guess it.')
  // One password has one form, whichever keyboard composed its accents.
  return crypto.stretch(utf8(secret.normalize('NFC')), utf8(`${HUMAN_LABEL}${app}`))
}
