/** Presence in plain words. Pure: people in, sentences out. */
import type { ConnectionOptions, ConnectionState } from './connection.ts'
import type { Person, Status } from './person.ts'

const STATUS_WORDS: Readonly<Record<Status, string>> = { online: 'around', busy: 'busy', away: 'away' }

export const statusWord = (status: Status): string => STATUS_WORDS[status]

export const sayJoined = (person: Person): string => (person.isSelf ? 'You are here' : `${person.name} is here`)

export const sayLeft = (person: Person): string => `${person.name} left`

/** What changed that is worth a line; a moving cursor, typing and colours are not, they are seen. */
export function sayChanges(before: Person, after: Person): string[] {
  // The first data of somebody who just came is an introduction, not a change.
  if (!before.isIntroduced) return []
  const who = after.isSelf ? 'You' : after.name
  const is = after.isSelf ? 'are' : 'is'
  const lines: string[] = []
  if (before.name !== after.name) lines.push(`${after.isSelf ? 'You' : before.name} ${is} now called ${after.name}`)
  if (before.status !== after.status) lines.push(`${who} ${is} ${statusWord(after.status)}`)
  return lines
}

export function sayTyping(people: readonly Person[]): string {
  const names = people.filter((person) => person.isTyping && !person.isSelf).map((person) => person.name)
  if (names.length === 0) return ''
  if (names.length > 2) return `${names.length} people are typing…`
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`
}

export function sayCompany(people: readonly Person[]): string {
  const names = people.filter((person) => !person.isSelf).map((person) => person.name)
  const [first, second] = names
  if (first === undefined) return ''
  if (second === undefined) return `You and ${first}`
  if (names.length === 2) return `You, ${first} and ${second}`
  return `You, ${first} and ${names.length - 1} others`
}

export interface AloneWords {
  readonly title: string
  readonly text: string
}

/** What is said to whoever is alone: no promise that the state of the way to the server does not keep. */
export function sayAlone(
  state: ConnectionState,
  hasHadCompany: boolean,
  { hasServers }: ConnectionOptions,
  isLinkCut = false,
): AloneWords {
  if (isLinkCut)
    return {
      title: 'This link is not whole.',
      text: 'It has lost its secret, or a part of it, so it leads to nobody: ask for the link again.',
    }
  const title = hasHadCompany ? 'Nobody else is here now.' : 'Nobody else is here yet.'
  if (!hasServers) return { title, text: 'Open this room in another tab of this browser.' }
  if (state === 'connecting')
    return { title: 'Looking who is here…', text: 'Whoever is in this room shows up in a moment.' }
  if (state === 'offline')
    return { title: 'Nobody else is in reach.', text: 'The link works again when the server is back.' }
  return { title, text: 'Share this link. Whoever opens it is here with you.' }
}
