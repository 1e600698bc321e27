/** What floats up and fades: reactions, and what somebody just said. */
import { inkOn } from './colors.ts'
import { create, find, setVariable } from './dom.ts'
import type { Person, Point } from './person.ts'

export interface FloatsView {
  reaction(emoji: string, at: Point, from: Person): void
  saying(text: string, at: Point, from: Person): void
}

/** So many at once are a lively room; the oldest makes place, so that a flood fills no page. */
const MAX_FLOATS = 40
/** How long each is to be seen, in ms; the animations in motion.css take as long. */
const REACTION_MS = 2_600
const SAYING_MS = 6_000

export function createFloatsView(): FloatsView {
  const layer = find('floats', HTMLElement)

  const launch = (element: HTMLElement, at: Point, from: Person, lastsMs: number): void => {
    setVariable(element, '--x', at.x.toFixed(4))
    setVariable(element, '--y', at.y.toFixed(4))
    setVariable(element, '--color', from.color)
    setVariable(element, '--ink', inkOn(from.color))
    while (layer.childElementCount >= MAX_FLOATS) layer.firstElementChild?.remove()
    layer.append(element)
    setTimeout(() => element.remove(), lastsMs)
  }

  return {
    reaction(emoji, at, from) {
      const element = create('div', 'float is-reaction', emoji)
      element.dataset.testid = 'reaction'
      setVariable(element, '--sway', `${Math.round(Math.random() * 60 - 30)}px`)
      launch(element, at, from, REACTION_MS)
    },
    saying(text, at, from) {
      const element = create('div', 'float is-saying')
      element.append(create('b', 'saying-name', from.name), create('span', 'saying-text', text))
      element.dataset.testid = 'saying'
      launch(element, at, from, SAYING_MS)
    },
  }
}
