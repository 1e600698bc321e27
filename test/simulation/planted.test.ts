/** The simulation finds every bug that is planted. */
import { describe, expect, inject, it } from 'vitest'
import { PLANTED } from './planted.ts'
import { FAILED_ONCE } from './seeds.ts'
import { isMine } from './share.ts'

/** Schedules in which a bug has to show: a fifth of what every test command runs. */
const WITHIN = 400

type Simulation = typeof import('./run.ts')

async function findWith(name: string): Promise<string | undefined> {
  const { runSchedule } = (await import(/* @vite-ignore */ `./run.ts?planted=${name}`)) as Simulation
  // What failed once fails again first where its bug is back.
  const seeds = [...Object.keys(FAILED_ONCE).map(Number), ...Array.from({ length: WITHIN }, (_, index) => index + 1)]
  for (const seed of seeds) {
    const { failures } = await runSchedule(seed)
    if (failures.length > 0) return `seed ${seed} ${failures[0]}`
  }
  return undefined
}

describe.runIf(process.env.COPRESENCE_SEED === undefined)('a planted bug', () => {
  for (const name of Object.keys(PLANTED).filter((_, index) => isMine(index, inject('share')))) {
    it(`[V4] is found: ${name}`, async () => {
      expect(await findWith(name)).toBeDefined()
    })
  }
})
