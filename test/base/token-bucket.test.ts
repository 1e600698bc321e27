/** A rate with a burst, without a clock. */
import { expect, it } from 'vitest'
import { createTokenBucket } from '../../lib/base/token-bucket.ts'

it('[S53] a burst is allowed at once, then the rate, and never more than the burst', () => {
  const bucket = createTokenBucket({ perSecond: 10, burst: 3, nowMs: 1_000 })
  expect([1, 1, 1, 1].map((amount) => bucket.take(amount, 1_000))).toEqual([true, true, true, false])
  expect(bucket.take(1, 1_099)).toBe(false)
  expect(bucket.take(1, 1_100)).toBe(true)
  expect(bucket.take(3, 99_000)).toBe(true)
  expect(bucket.take(1, 99_000)).toBe(false)
  expect(bucket.take(1, 0)).toBe(false)
})

it('[S54] what is granted back stays within the burst', () => {
  const bucket = createTokenBucket({ perSecond: 1, burst: 5, nowMs: 0 })
  bucket.take(2, 0)
  bucket.grant(100)
  expect([bucket.take(6, 0), bucket.take(5, 0)]).toEqual([false, true])
})
