import { expect, it } from 'vitest'
import { createBackoff } from '../../lib/base/backoff.ts'
import { REFUSED_RETRY_MS, RETRY } from '../../lib/yjs/timing.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

/** The delay that each of many tries in a row waits for, with every byte of chance being `byte`. */
async function delays(count: number, byte: number, options?: { limitMs: number }): Promise<number[]> {
  const clock = createVirtualClock()
  const backoff = createBackoff({ clock, random: (length) => new Uint8Array(length).fill(byte), ...RETRY })
  const found: number[] = []
  for (let index = 0; index < count; index++) {
    const from = clock.moment().steadyMs
    let firedAt: number | undefined
    backoff.schedule(() => {
      firedAt = clock.moment().steadyMs
    }, options)
    while (firedAt === undefined) await clock.advance(50)
    found.push(firedAt - from)
  }
  return found
}

it('[Y25] the delay doubles from 0.1 s to 1 s, stays there for ten seconds, then grows to 5 s; jitter takes up to half of it', async () => {
  const longest = await delays(20, 255)
  expect(longest.slice(0, 5)).toEqual([100, 200, 400, 800, 1_000])
  expect(longest[15]).toBe(1_000)
  expect(longest[16]).toBe(5_000)
  expect(longest.slice(0, 16).reduce((sum, delay) => sum + delay)).toBeGreaterThan(10_000)
  const shortest = await delays(20, 0)
  expect(shortest.slice(0, 5)).toEqual([50, 100, 200, 400, 500])
})

it('[Y25] a refusal is waited out for 15 to 30 s', async () => {
  expect(await delays(2, 255, { limitMs: REFUSED_RETRY_MS })).toEqual([30_000, 30_000])
  expect(await delays(2, 0, { limitMs: REFUSED_RETRY_MS })).toEqual([15_000, 15_000])
})

it('[Y25] a server that is well again is tried soon again, and a stopped wait never ends', async () => {
  const clock = createVirtualClock()
  const backoff = createBackoff({ clock, random: (length) => new Uint8Array(length).fill(255), ...RETRY })
  let tries = 0
  const attempt = () => void tries++
  for (let index = 0; index < 5; index++) backoff.schedule(attempt)
  expect(clock.timerCount()).toBe(1)
  backoff.reset()
  backoff.schedule(attempt)
  await clock.advance(100)
  expect(tries).toBe(1)
  backoff.schedule(attempt)
  backoff.stop()
  await clock.advance(60_000)
  expect(tries).toBe(1)
})
