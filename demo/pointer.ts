/** One's own pointer: told while it moves over the page, and told to be gone when it leaves. */
import { find } from './dom.ts'
import type { Point } from './person.ts'

export interface Pointer {
  /** Where it was last over the stage, not over a button that was pressed; the lower middle before it came. */
  placeOnStage(): Point
}

const BEFORE_IT_CAME: Point = { x: 0.4, y: 0.7 }

/** `update` is called for every move: the library makes one send of a burst. */
export function createPointer(update: (cursor: Point | null) => void): Pointer {
  const stage = find('stage', HTMLElement)
  let onStage = BEFORE_IT_CAME
  let isHere = false

  const leave = (): void => {
    if (!isHere) return
    isHere = false
    update(null)
  }
  addEventListener('pointermove', ({ clientX, clientY, target }) => {
    // A Chromium without a mouse says after the first layout that one rests in the corner.
    if (!isHere && clientX === 0 && clientY === 0) return
    const cursor = { x: toShare(clientX, innerWidth), y: toShare(clientY, innerHeight) }
    if (target instanceof Node && stage.contains(target)) onStage = cursor
    isHere = true
    update(cursor)
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
  return { placeOnStage: () => onStage }
}

/** Four digits place a cursor exactly on a window of 10,000 px, and keep the update small. */
function toShare(offset: number, size: number): number {
  return Math.min(1, Math.max(0, Math.round((offset / size) * 10_000) / 10_000))
}
