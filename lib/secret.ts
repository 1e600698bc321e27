/** Channel secrets. */
import { randomSecret, systemRandom } from './base/random.ts'

/** A fresh channel secret: 22 URL-safe characters of 132 random bits. Share it as you would share a key. */
export const createSecret = (): string => randomSecret(systemRandom)
