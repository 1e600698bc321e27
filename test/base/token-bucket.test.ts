/** A rate with a burst, at times of the test's own. */
import { expect, it } from 'vitest'
import { createTokenBucket } from '../../lib/base/token-bucket.ts'

it('[S53] a burst is allowed at once, then the rate, and never more than the burst', () => {
  let nowMs = 1_000
  const bucket = createTokenBucket({ perSecond: 10, burst: 3 }, () => nowMs)
  const takeAt = (atMs: number, amount: number) => {
    nowMs = atMs
    return bucket.take(amount)
  }
  expect([1, 1, 1, 1].map((amount) => bucket.take(amount))).toEqual([true, true, true, false])
  expect(takeAt(1_099, 1)).toBe(false)
  expect(takeAt(1_100, 1)).toBe(true)
  expect(takeAt(99_000, 3)).toBe(true)
  expect(takeAt(99_000, 1)).toBe(false)
  expect(takeAt(0, 1)).toBe(false)
})

it('[S54] what is granted back stays within the burst', () => {
  const bucket = createTokenBucket({ perSecond: 1, burst: 5 }, () => 0)
  bucket.take(2)
  bucket.grant(100)
  expect([bucket.take(6), bucket.take(5)]).toEqual([false, true])
})
