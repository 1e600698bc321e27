/** One's own pointer: told while it moves over the page, and told to be gone when it leaves. */
import type { Point } from './person.ts'

export interface Pointer {
  /** Where it is or was last; the lower middle of the page before it came. */
  place(): Point
}

const BEFORE_IT_CAME: Point = { x: 0.5, y: 0.7 }

/** `update` is called for every move: the library makes one send of a burst. */
export function createPointer(update: (cursor: Point | null) => void): Pointer {
  let last = BEFORE_IT_CAME
  let isHere = false

  const leave = (): void => {
    if (!isHere) return
    isHere = false
    update(null)
  }
  addEventListener('pointermove', ({ clientX, clientY }) => {
    last = { x: toShare(clientX, innerWidth), y: toShare(clientY, innerHeight) }
    isHere = true
    update(last)
  })
  document.documentElement.addEventListener('pointerleave', leave)
  // A finger that is lifted is nowhere.
  addEventListener('pointerup', ({ pointerType }) => {
    if (pointerType !== 'mouse') leave()
  })
  addEventListener('pointercancel', leave)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) leave()
  })
  return { place: () => last }
}

/** Four digits place a cursor exactly on a window of 10,000 px, and keep the update small. */
function toShare(offset: number, size: number): number {
  return Math.min(1, Math.max(0, Math.round((offset / size) * 10_000) / 10_000))
}
