/** When a server is tried again. */
import { expect, it } from 'vitest'
import { createBackoff } from '../../lib/base/backoff.ts'
import type { RandomBytes } from '../../lib/base/random.ts'
import { LATE_RETRY_MS, RETRY } from '../../lib/signaling/timing.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { longestDelays } from './kit.ts'

/** The delays of a server that fails for `forMs`, with every byte of chance being `byte`. */
async function delaysOf(byte: number, forMs: number, options?: { limitMs: number }): Promise<number[]> {
  const clock = createVirtualClock()
  const random: RandomBytes = (length) => new Uint8Array(length).fill(byte)
  const backoff = createBackoff({ clock, random, ...RETRY })
  const delays: number[] = []
  let askedAtMs = 0
  const ask = () => {
    askedAtMs = clock.moment().steadyMs
    backoff.schedule(() => {
      delays.push(clock.moment().steadyMs - askedAtMs)
      ask()
    }, options)
  }
  ask()
  await clock.advance(forMs)
  backoff.stop()
  expect(clock.timerCount()).toBe(0)
  return delays
}

it('[G24] the limit grows from 0.3 s to 0.5 s, after 15 s to 2 s, and after a minute to 30 s', async () => {
  const delays = await delaysOf(255, 300_000)
  const limits: [number, number][] = []
  let failingMs = 0
  for (const delay of delays) {
    limits.push([failingMs, delay])
    failingMs += delay
  }
  const between = (fromMs: number, toMs: number) =>
    limits.filter(([atMs]) => atMs >= fromMs && atMs < toMs).map(([, delay]) => delay)
  expect(between(0, 300)).toEqual([300])
  expect(new Set(between(300, 15_000))).toEqual(new Set([500]))
  expect(new Set(between(15_000, 60_000))).toEqual(new Set([2_000]))
  expect(between(60_000, Number.POSITIVE_INFINITY).slice(0, 6)).toEqual([4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

it('[G24] a delay lies anywhere below its limit, and never is none', async () => {
  expect((await delaysOf(128, 10_000))[0]).toBeCloseTo(150, -1)
  expect(new Set(await delaysOf(0, 2_000))).toEqual(new Set([20]))
})

it('[G24] a server that objects is asked seldom from the first', async () => {
  expect(await delaysOf(255, 100_000, { limitMs: LATE_RETRY_MS })).toEqual([30_000, 30_000, 30_000])
})

it('[G24] hurry tries at once, once, and only what is waited for', async () => {
  const clock = createVirtualClock()
  const backoff = createBackoff({ clock, random: longestDelays, ...RETRY })
  let tries = 0
  backoff.hurry()
  backoff.schedule(() => tries++)
  expect(backoff.isWaiting).toBe(true)
  backoff.hurry()
  backoff.hurry()
  expect(tries).toBe(1)
  expect(backoff.isWaiting).toBe(false)
  await clock.advance(1_000)
  expect(tries).toBe(1)
})

it('[G24] after a connection that was well the delays begin anew', async () => {
  const clock = createVirtualClock()
  const backoff = createBackoff({ clock, random: longestDelays, ...RETRY })
  for (let index = 0; index < 5; index++) {
    backoff.schedule(() => undefined)
    await clock.advance(2_000)
  }
  backoff.reset()
  let wasTried = false
  backoff.schedule(() => {
    wasTried = true
  })
  await clock.advance(300)
  expect(wasTried).toBe(true)
})
