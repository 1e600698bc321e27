/** Runs many schedules one after the other and keeps what went wrong, with the line that repeats it. Knows no invariant. */
import { addCoverage, type Coverage } from './coverage.ts'
import { runSchedule } from './run.ts'

/** So many failures tell enough. */
const MAX_FAILURES = 5

export interface Report {
  readonly failures: readonly string[]
  readonly coverage: Coverage
}

export async function runMany(seeds: Iterable<number>): Promise<Report> {
  const failures: string[] = []
  const coverage: Coverage = new Map()
  for (const seed of seeds) {
    const outcome = await runSchedule(seed)
    addCoverage(coverage, outcome.coverage)
    if (outcome.failures.length > 0) failures.push(`${repeatLine(seed)}  # ${outcome.failures.join('; ')}`)
    if (failures.length >= MAX_FAILURES) break
  }
  return { failures, coverage }
}

export const repeatLine = (seed: number): string =>
  `COPRESENCE_SEED=${seed} npx vitest run --config test/vitest.config.ts --project simulation`
