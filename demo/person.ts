/**
 * One member as this page shows it. What others send is theirs to choose, so every field is checked here and nowhere
 * else; a page that shows a `Person` shows nothing unexpected.
 */
import type { Participant } from 'copresence'
import { colorOf, isColor } from './colors.ts'

export const STATUSES = ['online', 'busy', 'away'] as const
export type Status = (typeof STATUSES)[number]

/** A place in the window as shares of its width and height, 0 to 1, so that windows of any size agree. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** What this page sends of its own person. */
export interface PersonData {
  name: string
  color: string
  status: Status
  cursor: Point | null
  isTyping: boolean
}

export interface Person extends Readonly<PersonData> {
  readonly connectionId: string
  readonly isSelf: boolean
  /** Whether the person's own data arrived yet; a member is there a moment before it. */
  readonly isIntroduced: boolean
}

/** Characters of a shown name; the name field allows as many. */
export const MAX_NAME_CHARACTERS = 32
const NAMELESS = 'Somebody'

/** Control characters, and those that turn the direction of the text that follows a name. */
const UNSHOWABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A line that others wrote, in one line and at most `maxCharacters` long. */
export function cleanLine(value: unknown, maxCharacters: number): string {
  if (typeof value !== 'string') return ''
  const line = value.replace(UNSHOWABLE, ' ').replace(/\s+/g, ' ').trim()
  return [...line].slice(0, maxCharacters).join('')
}

export function readPoint(value: unknown): Point | null {
  if (typeof value !== 'object' || value === null || !('x' in value) || !('y' in value)) return null
  const { x, y } = value
  return isShare(x) && isShare(y) ? { x, y } : null
}

export function readPerson(participant: Participant<unknown>, ownConnectionId: string): Person {
  const { connectionId } = participant
  const data: Partial<Record<keyof PersonData, unknown>> = isRecord(participant.data) ? participant.data : {}
  const name = cleanLine(data.name, MAX_NAME_CHARACTERS) || cleanLine(participant.name, MAX_NAME_CHARACTERS)
  return {
    connectionId,
    isSelf: connectionId === ownConnectionId,
    name: name || NAMELESS,
    color: isColor(data.color) ? data.color : colorOf(connectionId),
    status: STATUSES.find((status) => status === data.status) ?? 'online',
    cursor: readPoint(data.cursor),
    isTyping: data.isTyping === true,
    isIntroduced: data.name !== undefined,
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}
