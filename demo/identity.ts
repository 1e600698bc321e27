/** Who you are on this page: kept for this tab only, so that two tabs of one browser are two people. */
import { isColor, PALETTE } from './colors.ts'
import { cleanLine, MAX_NAME_CHARACTERS } from './person.ts'
import { pick, randomLetters } from './random.ts'

export interface Identity {
  readonly id: string
  readonly name: string
  readonly color: string
}

const MOODS = ['Calm', 'Brave', 'Curious', 'Gentle', 'Merry', 'Quick', 'Sunny', 'Witty', 'Bright', 'Patient'] as const
const CREATURES = ['Otter', 'Heron', 'Fox', 'Lynx', 'Robin', 'Badger', 'Whale', 'Hare', 'Finch', 'Seal'] as const

/** A stranger with a friendly name. */
export const newIdentity = (): Identity => ({
  id: `guest-${randomLetters(12)}`,
  name: `${pick(MOODS)} ${pick(CREATURES)}`,
  color: pick(PALETTE),
})

const STORAGE_KEY = 'copresence-demo-identity'

/** The identity this tab had before a reload, or a new one. */
export function loadIdentity(): Identity {
  const fresh = newIdentity()
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '{}')
    const { name, color }: { name?: unknown; color?: unknown } =
      typeof stored === 'object' && stored !== null ? stored : {}
    return {
      id: fresh.id,
      name: cleanLine(name, MAX_NAME_CHARACTERS) || fresh.name,
      color: isColor(color) ? color : fresh.color,
    }
  } catch {
    // Storage is blocked, or holds something else: a new identity is as good.
    return fresh
  }
}

export function saveIdentity({ name, color }: Pick<Identity, 'name' | 'color'>): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ name, color }))
  } catch {
    // Storage is blocked: the name lasts until the page is left.
  }
}
