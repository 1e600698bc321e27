/** What the address of the page says: which room, its secret, and which ways to reach others are switched off. Pure. */
import { createSecret } from 'copresence'
import { pick, randomLetters } from './random.ts'

/** Where everybody meets who opens the page without a room in its address. */
export const LOBBY = 'lobby'

export interface Room {
  readonly room: string
  /** Of a private room, `?private=`: `#secret=`, the part of an address that a browser sends to no server. */
  readonly secret?: string
}

export interface RoomAddress extends Room {
  /** `?webrtc=off`: relay and tabs only. */
  readonly hasWebrtc: boolean
  /** `?servers=off`: tabs of this browser only. */
  readonly hasServers: boolean
}

/** More than the library takes of a secret; a link so long was damaged, and leads to a room where nobody is. */
const MAX_SECRET_LENGTH = 1_024
/** In place of the secret of a private link that has lost it whole: nobody is there but others who have lost theirs. */
const LOST = 'lost'

export function readAddress(href: string): RoomAddress {
  const { searchParams, hash } = new URL(href)
  const said = new URLSearchParams(hash.slice(1)).get('secret')?.slice(0, MAX_SECRET_LENGTH)
  const secret = said || (searchParams.has('private') ? LOST : undefined)
  return {
    room: searchParams.get('room') || LOBBY,
    ...(secret === undefined ? {} : { secret }),
    hasWebrtc: searchParams.get('webrtc') !== 'off',
    hasServers: searchParams.get('servers') !== 'off',
  }
}

/** The same page in another room. A shared link carries the room and its secret, and nothing of how its sender connects. */
export function linkToRoom(href: string, room: Room): string {
  const link = new URL(href)
  link.search = ''
  return moveToRoom(link.href, room)
}

/**
 * The same page and switches in another room, for oneself. A private room is marked, since mail and messengers may cut a link
 * at its fragment: the open room of that name is another one, and would look well.
 */
export function moveToRoom(href: string, { room, secret }: Room): string {
  const link = new URL(href)
  link.searchParams.set('room', room)
  link.searchParams.delete('private')
  if (secret !== undefined) link.searchParams.set('private', '')
  link.hash = secret === undefined ? '' : new URLSearchParams({ secret }).toString()
  return link.href
}

/** A link that lost its secret or a part of it on the way leads to a room of its own, where nobody is who has the whole one. */
export const isCut = ({ secret }: Room): boolean => secret !== undefined && !/^[\w-]{22}$/.test(secret)

/** Whether a link to this page leads anywhere on another machine. */
export const isThisMachineOnly = (href: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(href).hostname)

const ROOM_WORDS = ['attic', 'garden', 'harbour', 'kitchen', 'library', 'meadow', 'studio', 'veranda'] as const

/** A name to call it by, and a secret without which nobody meets anybody there. */
export const newPrivateRoom = (): Room => ({ room: `${pick(ROOM_WORDS)}-${randomLetters(4)}`, secret: createSecret() })
