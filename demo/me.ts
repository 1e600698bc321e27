/** The controls for oneself: name, colour, status. */
import { find } from './dom.ts'
import { type Identity, saveIdentity } from './identity.ts'
import { cleanLine, MAX_NAME_CHARACTERS, type PersonData, STATUSES } from './person.ts'
import { createSettling } from './settle.ts'

/** A name or colour that rested so long, in ms, is one worth telling. */
const REST_MS = 400

export interface Me {
  /** Changes one's colour as if it had been picked. */
  takeColor(color: string): void
}

/** `update` gets what changed, once it is settled. */
export function createMe(identity: Identity, update: (change: Partial<PersonData>) => void): Me {
  const nameInput = find('name-input', HTMLInputElement)
  const colorInput = find('color-input', HTMLInputElement)
  const statusSelect = find('status-select', HTMLSelectElement)
  let { name, color } = identity
  nameInput.value = name
  colorInput.value = color

  const settleName = createSettling(() => {
    name = cleanLine(nameInput.value, MAX_NAME_CHARACTERS) || name
    saveIdentity({ name, color })
    update({ name })
  }, REST_MS)
  nameInput.addEventListener('input', settleName.touch)
  nameInput.addEventListener('change', () => {
    settleName.flush()
    nameInput.value = name
  })

  const settleColor = createSettling(() => {
    color = colorInput.value
    saveIdentity({ name, color })
    update({ color })
  }, REST_MS)
  colorInput.addEventListener('input', settleColor.touch)
  colorInput.addEventListener('change', settleColor.flush)

  statusSelect.value = 'online'
  statusSelect.addEventListener('change', () => {
    update({ status: STATUSES.find((status) => status === statusSelect.value) ?? 'online' })
  })

  find('me', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    nameInput.blur()
  })

  return {
    takeColor(taken) {
      colorInput.value = taken
      settleColor.touch()
      settleColor.flush()
    },
  }
}
