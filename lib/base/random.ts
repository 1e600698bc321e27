/** Random ids. The source of bytes is an argument, so that a simulator can seed it. */
import type { ConnectionId, ParticipantId } from './ids.ts'

/** Fills and returns `length` random bytes. */
export type RandomBytes = (length: number) => Uint8Array

export const systemRandom: RandomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length))

const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LOWER_ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** `length` characters of `alphabet`, each equally likely; the alphabet has at most 256. */
function randomText(random: RandomBytes, alphabet: string, length: number): string {
  const unbiasedBelow = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random(length - text.length)) if (byte < unbiasedBelow) text += alphabet[byte % alphabet.length]
  }
  return text
}

/** 22 URL-safe characters: 132 random bits, so two connections never share one. */
export const randomConnectionId = (random: RandomBytes): ConnectionId =>
  randomText(random, URL_SAFE, 22) as ConnectionId

/** The id of a participant who was given none: `sv-` and 30 of [a-z0-9], as the documented API hands out. */
export const randomParticipantId = (random: RandomBytes): ParticipantId =>
  `sv-${randomText(random, LOWER_ALPHANUMERIC, 30)}` as ParticipantId

/** 22 URL-safe characters of 132 random bits: more than the 128 that a channel secret needs. */
export const randomSecret = (random: RandomBytes): string => randomText(random, URL_SAFE, 22)
