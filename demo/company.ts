/** The middle of the page: alone, or in whose company. */
import { find, setText } from './dom.ts'
import type { Person } from './person.ts'
import type { Reach } from './reach.ts'
import { sayCompany, sayTyping } from './words.ts'

export interface CompanyView {
  show(people: readonly Person[], reachOf: ReadonlyMap<string, Reach>): void
}

export function createCompanyView(): CompanyView {
  const alone = find('alone', HTMLElement)
  const company = find('company', HTMLElement)
  const typingLine = find('typing-line', HTMLElement)
  return {
    show(people, reachOf) {
      const isAlone = people.every((person) => person.isSelf)
      alone.hidden = !isAlone
      company.hidden = isAlone
      setText(company, sayCompany(people))
      // Who is out of reach cannot say that they stopped.
      const reached = people.filter(({ connectionId }) => (reachOf.get(connectionId) ?? 'none') !== 'none')
      setText(typingLine, sayTyping(reached))
    },
  }
}
