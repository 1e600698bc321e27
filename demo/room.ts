/** What the address of the page says: which room, and which ways to reach others are switched off. Pure. */
import { pick, randomLetters } from './random.ts'

/** Where everybody meets who opens the page without a room in its address. */
export const LOBBY = 'lobby'

export interface RoomAddress {
  readonly room: string
  /** `?webrtc=off`: relay and tabs only. */
  readonly hasWebrtc: boolean
  /** `?servers=off`: tabs of this browser only. */
  readonly hasServers: boolean
}

export function readAddress(href: string): RoomAddress {
  const { searchParams } = new URL(href)
  return {
    room: searchParams.get('room') || LOBBY,
    hasWebrtc: searchParams.get('webrtc') !== 'off',
    hasServers: searchParams.get('servers') !== 'off',
  }
}

/** The same page in another room. A shared link carries the room and nothing of how its sender connects. */
export function linkToRoom(href: string, room: string): string {
  const link = new URL(href)
  link.search = new URLSearchParams({ room }).toString()
  link.hash = ''
  return link.href
}

/** The same page and switches in another room, for oneself. */
export function moveToRoom(href: string, room: string): string {
  const link = new URL(href)
  link.searchParams.set('room', room)
  return link.href
}

/** Whether a link to this page leads anywhere on another machine. */
export const isThisMachineOnly = (href: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(href).hostname)

const ROOM_WORDS = ['attic', 'garden', 'harbour', 'kitchen', 'library', 'meadow', 'studio', 'veranda'] as const

/** A room nobody finds by guessing: 80 random bits after a word to call it by. */
export const newPrivateRoom = (): string => `${pick(ROOM_WORDS)}-${randomLetters(16)}`
