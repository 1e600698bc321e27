/** What a run did, counted by name: so that many runs can be asked whether they did exercise everything. */
import { ATTACKS } from './attacks.ts'
import { STEP_KINDS } from './schedule.ts'

export type Coverage = Map<string, number>

/** What observers were told, and what happened of itself. */
const OUTCOMES = ['joined', 'update', 'leave', 'message', 'ended', 'returned', 'gap over 10 s', 'slow crypto'] as const

export const everything = (): string[] => [
  ...OUTCOMES,
  ...STEP_KINDS.map((kind) => `step ${kind}`),
  ...Object.keys(ATTACKS).map((name) => `attack ${name}`),
]

export function count(coverage: Coverage, name: string, by = 1): void {
  coverage.set(name, (coverage.get(name) ?? 0) + by)
}

export function addCoverage(total: Coverage, more: Coverage): void {
  for (const [name, by] of more) count(total, name, by)
}
