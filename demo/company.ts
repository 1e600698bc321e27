/** The middle of the page: alone, or in whose company. */
import { find, setText } from './dom.ts'
import type { Person } from './person.ts'
import { sayCompany, sayTyping } from './words.ts'

export interface CompanyView {
  show(people: readonly Person[]): void
}

export function createCompanyView(): CompanyView {
  const alone = find('alone', HTMLElement)
  const company = find('company', HTMLElement)
  const typingLine = find('typing-line', HTMLElement)
  return {
    show(people) {
      const isAlone = people.every((person) => person.isSelf)
      alone.hidden = !isAlone
      company.hidden = isAlone
      setText(company, sayCompany(people))
      setText(typingLine, sayTyping(people))
    },
  }
}
