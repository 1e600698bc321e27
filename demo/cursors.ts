/** The cursors of the others: each glides to where it was last seen, fades when it rests, and goes with its owner. */
import { inkOn } from './colors.ts'
import { create, find, setData, setText, setVariable } from './dom.ts'
import { glide } from './motion.ts'
import type { Person, Point } from './person.ts'

export interface CursorsView {
  show(person: Person): void
  remove(connectionId: string): void
}

/** A cursor that did not move for so long, in ms, is not pointing at anything. */
const IDLE_AFTER_MS = 4_000
/** After a pause of frames (a hidden tab) the glide goes on as if one frame had passed. */
const LONGEST_FRAME_MS = 100

interface Cursor {
  readonly element: HTMLElement
  readonly label: HTMLElement
  shownAt: Point
  target: Point
  idleTimer: number
}

export function createCursorsView(): CursorsView {
  const layer = find('cursors', HTMLElement)
  const cursors = new Map<string, Cursor>()
  const wantsLessMotion = matchMedia('(prefers-reduced-motion: reduce)')
  let lastFrameAt: number | undefined

  const step = (now: number): void => {
    const elapsedMs = Math.min(LONGEST_FRAME_MS, lastFrameAt === undefined ? 16 : now - lastFrameAt)
    let isMoving = false
    for (const cursor of cursors.values()) {
      if (cursor.shownAt === cursor.target) continue
      place(cursor, wantsLessMotion.matches ? cursor.target : glide(cursor.shownAt, cursor.target, elapsedMs))
      if (cursor.shownAt !== cursor.target) isMoving = true
    }
    lastFrameAt = isMoving ? now : undefined
    if (isMoving) requestAnimationFrame(step)
  }

  const remove = (connectionId: string): void => {
    const cursor = cursors.get(connectionId)
    if (cursor === undefined) return
    clearTimeout(cursor.idleTimer)
    cursor.element.remove()
    cursors.delete(connectionId)
  }

  return {
    remove,
    show(person) {
      const { connectionId, cursor: target } = person
      if (person.isSelf || target === null) return remove(connectionId)
      const known = cursors.get(connectionId)
      const cursor = known ?? createCursor(person, target)
      if (known === undefined) {
        cursors.set(connectionId, cursor)
        layer.append(cursor.element)
        place(cursor, target)
        restAfterWhile(cursor)
      }
      dress(cursor, person)
      if (cursor.target.x === target.x && cursor.target.y === target.y) return
      cursor.target = target
      restAfterWhile(cursor)
      if (lastFrameAt === undefined) {
        lastFrameAt = performance.now()
        requestAnimationFrame(step)
      }
    },
  }
}

function place(cursor: Cursor, at: Point): void {
  cursor.shownAt = at
  setVariable(cursor.element, '--x', at.x.toFixed(5))
  setVariable(cursor.element, '--y', at.y.toFixed(5))
}

function restAfterWhile(cursor: Cursor): void {
  clearTimeout(cursor.idleTimer)
  cursor.element.classList.remove('is-idle')
  cursor.idleTimer = window.setTimeout(() => cursor.element.classList.add('is-idle'), IDLE_AFTER_MS)
}

function dress({ element, label }: Cursor, person: Person): void {
  setText(label, person.name)
  setData(element, { name: person.name })
  setVariable(element, '--color', person.color)
  setVariable(element, '--ink', inkOn(person.color))
}

function createCursor({ connectionId }: Person, at: Point): Cursor {
  const element = create('div', 'cursor')
  const label = create('span', 'cursor-label')
  element.append(createArrow(), label)
  setData(element, { testid: 'cursor', connectionId })
  return { element, label, shownAt: at, target: at, idleTimer: 0 }
}

function createArrow(): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 20 22')
  svg.setAttribute('class', 'cursor-arrow')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', 'M1.5 1.2 18 9.4c.9.4.8 1.7-.1 2l-6.6 2-3.3 6.2c-.5.9-1.8.7-2-.3L.3 2.4C.1 1.5.8.9 1.5 1.2Z')
  svg.append(path)
  return svg
}
