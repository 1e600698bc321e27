/**
 * The library under seeded schedules of every fault. COPRESENCE_SEED=n runs that schedule alone and tells all that happens
 * in it; COPRESENCE_SCHEDULES raises the number, as COPRESENCE_DEEP=1 does.
 */
import { expect, inject, it } from 'vitest'
import { everything } from './coverage.ts'
import { runMany } from './many.ts'
import { runSchedule } from './run.ts'
import { FAILED_ONCE } from './seeds.ts'
import { isMine, seedsOf } from './share.ts'

const SEED = process.env.COPRESENCE_SEED
const DEFAULT_COUNT = process.env.COPRESENCE_DEEP === '1' ? 100_000 : 2_000
const COUNT = Number(process.env.COPRESENCE_SCHEDULES ?? DEFAULT_COUNT)
/** From so many on it would be a strange chance that one kind of trouble was not drawn. */
const ENOUGH_FOR_EVERYTHING = 1_000

it.runIf(SEED !== undefined)('[V1] the schedule of COPRESENCE_SEED', async () => {
  const { failures } = await runSchedule(Number(SEED), { onNote: console.log })
  expect(failures).toEqual([])
})

it.runIf(SEED === undefined)('[V1] no schedule breaks an invariant, and they do exercise everything', async () => {
  const { coverage, failures } = await runMany(seedsOf(COUNT, inject('share')))
  expect(failures).toEqual([])
  if (COUNT >= ENOUGH_FOR_EVERYTHING) expect(everything().filter((name) => !coverage.has(name))).toEqual([])
})

it.runIf(SEED === undefined)('[V2] schedules that once failed do not', async () => {
  const seeds = Object.keys(FAILED_ONCE).map(Number)
  const { failures } = await runMany(seeds.filter((_, index) => isMine(index, inject('share'))))
  expect(failures).toEqual([])
})

it.runIf(SEED === undefined)('[V3] one seed is one run, to the last event and its time', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const [first, second] = [await runSchedule(seed), await runSchedule(seed)]
    expect(second.hash, `seed ${seed}`).toBe(first.hash)
    expect(second.coverage).toEqual(first.coverage)
  }
})
