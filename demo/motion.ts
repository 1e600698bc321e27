/** How a cursor glides from where it is shown to where it was last seen. Pure. */
import type { Point } from './person.ts'

/** Time constant of the glide, in ms: long enough to hide the gaps between updates, short enough to feel live. */
const GLIDE_MS = 55
/** A distance nobody sees, as a share of the window: half a pixel of 2,000. */
const AT_REST = 0.000_25

/** Where the cursor is after `elapsedMs` more; `to` itself once it is as good as there. */
export function glide(from: Point, to: Point, elapsedMs: number): Point {
  const share = 1 - Math.exp(-elapsedMs / GLIDE_MS)
  const next = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share }
  return Math.hypot(to.x - next.x, to.y - next.y) < AT_REST ? to : next
}
