/** The glide of a cursor. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { glide } from '../../demo/motion.ts'

const point = fc.record({
  x: fc.double({ min: 0, max: 1, noNaN: true }),
  y: fc.double({ min: 0, max: 1, noNaN: true }),
})

it('[D11] every step comes closer on the straight way, never past the target', () => {
  fc.assert(
    fc.property(point, point, fc.integer({ min: 1, max: 100 }), (from, to, elapsedMs) => {
      const next = glide(from, to, elapsedMs)
      const before = Math.hypot(to.x - from.x, to.y - from.y)
      const after = Math.hypot(to.x - next.x, to.y - next.y)
      const walked = Math.hypot(next.x - from.x, next.y - from.y)
      expect(after === 0 || after < before).toBe(true)
      expect(walked + after).toBeCloseTo(before, 9)
    }),
  )
})

it('[D11] the glide arrives: the target itself after half a second of frames', () => {
  const target = { x: 1, y: 1 }
  let shown = { x: 0, y: 0 }
  let frames = 0
  while (shown !== target && frames < 1_000) {
    shown = glide(shown, target, 16)
    frames++
  }
  expect(frames).toBeGreaterThan(3)
  expect(frames * 16).toBeLessThan(600)
})

it('[D11] two short frames are as far as one long one', () => {
  const [from, to] = [
    { x: 0, y: 0 },
    { x: 1, y: 0.5 },
  ]
  expect(glide(glide(from, to, 8), to, 8).x).toBeCloseTo(glide(from, to, 16).x, 12)
})
