/**
 * What a room is called on the relay and between tabs. With a secret the name carries a tag of it, so that whoever lacks
 * the secret meets nobody; the tag proves knowledge to no one, it only keeps strangers apart.
 */
import { digest } from 'lib0/hash/sha256'
import { toBase64Url } from '../base/base64-url.ts'
import { utf8 } from '../base/utf8.ts'

/** `room`, or `room~tag` with tag = base64url(sha256(secret NUL room)): synchronous, and the same on plain-http pages. */
export function taggedRoom(room: string, secret: string | undefined): string {
  if (secret === undefined) return room
  const hash = digest(utf8(`${secret}\0${room}`))
  return `${room}~${toBase64Url(hash)}`
}
