/** The avatar bar: everybody who is here, oneself first, each with the way they are reached. */
import { inkOn } from './colors.ts'
import { create, find, setData, setText, setVariable } from './dom.ts'
import type { Person } from './person.ts'
import { REACH_WORDS, type Reach } from './reach.ts'
import { statusWord } from './words.ts'

export interface AvatarsView {
  show(people: readonly Person[], reachOf: ReadonlyMap<string, Reach>): void
}

interface Avatar {
  readonly item: HTMLLIElement
  show(person: Person, reach: Reach): void
}

export function createAvatarsView(): AvatarsView {
  const list = find('avatars', HTMLUListElement)
  const avatars = new Map<string, Avatar>()
  return {
    show(people, reachOf) {
      const present = new Set(people.map((person) => person.connectionId))
      for (const [connectionId, { item }] of avatars) {
        if (present.has(connectionId)) continue
        avatars.delete(connectionId)
        item.remove()
      }
      const ordered = [...people].sort((a, b) => Number(b.isSelf) - Number(a.isSelf))
      for (const [index, person] of ordered.entries()) {
        const avatar = avatars.get(person.connectionId) ?? createAvatar(person.connectionId)
        avatars.set(person.connectionId, avatar)
        avatar.show(person, person.isSelf ? 'self' : (reachOf.get(person.connectionId) ?? 'none'))
        const inPlace = list.children[index]
        if (inPlace !== avatar.item) list.insertBefore(avatar.item, inPlace ?? null)
      }
    },
  }
}

function createAvatar(connectionId: string): Avatar {
  const item = create('li', 'avatar')
  const face = create('span', 'face')
  const initials = create('span', 'initials')
  const name = create('span', 'avatar-name')
  const status = create('span', 'visually-hidden')
  const badge = create('span', 'badge')
  const text = create('span', 'avatar-text')
  face.setAttribute('aria-hidden', 'true')
  face.append(initials, create('span', 'status-dot'))
  text.append(name, status, badge)
  item.append(face, text)
  setData(item, { testid: 'avatar', connectionId })
  return {
    item,
    show(person, reach) {
      setData(item, { reach, name: person.name, status: person.status })
      setVariable(item, '--color', person.color)
      setVariable(item, '--ink', inkOn(person.color))
      setText(initials, initialsOf(person.name))
      setText(name, person.name)
      setText(status, `, ${statusWord(person.status)}, `)
      setText(badge, REACH_WORDS[reach].label)
      const title = `${person.name}, ${statusWord(person.status)}. ${REACH_WORDS[reach].meaning}.`
      if (item.title !== title) item.title = title
    },
  }
}

/** The first letters of the first and the last word that begins with one. */
function initialsOf(name: string): string {
  const readable = name.split(' ').filter((word) => /^[\p{L}\p{N}]/u.test(word))
  const words = readable.length > 0 ? readable : [name]
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words
  return picked.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('')
}
