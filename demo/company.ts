/** The middle of the page: alone, or in whose company. */
import type { ConnectionState } from './connection.ts'
import { find, setData, setText } from './dom.ts'
import type { Person } from './person.ts'
import type { Reach } from './reach.ts'
import { isCut, type RoomAddress } from './room.ts'
import { sayAlone, sayCompany, sayTyping } from './words.ts'

export interface CompanyView {
  show(people: readonly Person[], reachOf: ReadonlyMap<string, Reach>, state: ConnectionState): void
}

export function createCompanyView(options: RoomAddress): CompanyView {
  const alone = find('alone', HTMLElement)
  const company = find('company', HTMLElement)
  const aloneTitle = find('alone-title', HTMLElement)
  const aloneText = find('alone-text', HTMLElement)
  const typingLine = find('typing-line', HTMLElement)
  let hasHadCompany = false
  return {
    show(people, reachOf, state) {
      const isAlone = people.every((person) => person.isSelf)
      hasHadCompany ||= !isAlone
      alone.hidden = !isAlone
      const { title, text } = sayAlone(state, hasHadCompany, options, isCut(options))
      setText(aloneTitle, title)
      setText(aloneText, text)
      setData(alone, { state })
      company.hidden = isAlone
      setText(company, sayCompany(people))
      // Who is out of reach cannot say that they stopped.
      const reached = people.filter(({ connectionId }) => (reachOf.get(connectionId) ?? 'none') !== 'none')
      setText(typingLine, sayTyping(reached))
    },
  }
}
