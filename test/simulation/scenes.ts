/**
 * Troubles that meet: steps which, drawn each for itself, come together in one run of thousands. Each is made of what its name
 * says, with times drawn anew; what should come of it is the judge's to know.
 */
import type { Dice } from '../../lib/testing/dice.ts'
import type { Step } from './schedule.ts'

export interface SceneBounds {
  readonly memberCount: number
  readonly serverCount: number
}

interface Cast extends SceneBounds {
  readonly dice: Dice
  readonly one: number
  readonly other: number
  readonly server: number
  /** When it begins, in ms. */
  readonly startMs: number
}

const SCENES: Readonly<Record<string, (cast: Cast) => Step[]>> = {
  /** What it said while it was cut off comes out when it is gone. */
  'words of the dead': ({ dice, one, startMs }) => [
    { kind: 'offline', member: one, forMs: dice.between(11_000, 22_000), atMs: startMs },
    { kind: 'update', member: one, count: 2, atMs: startMs + dice.between(100, 6_000) },
    { kind: 'publish', member: one, count: 1, atMs: startMs + dice.between(100, 6_000) },
    { kind: 'kill', member: one, atMs: startMs + dice.between(6_000, 12_000) },
  ],
  /** Nobody hears the end of the one membership, and everybody the next one. */
  'away, and here anew': ({ dice, one, startMs }) => [
    { kind: 'update', member: one, count: 3, atMs: startMs - 500 },
    { kind: 'clock', member: one, forMs: 0, byMs: dice.pick([0, -3_600_000]), atMs: startMs - 600 },
    { kind: 'offline', member: one, forMs: dice.between(2_000, 16_000), atMs: startMs },
    { kind: 'rejoin', member: one, atMs: startMs + dice.between(100, 2_000) },
    { kind: 'update', member: one, count: 1, atMs: startMs + dice.between(2_000, 4_000) },
    { kind: 'publish', member: one, count: 2, atMs: startMs + dice.between(2_000, 20_000) },
  ],
  /** A gap that nobody may notice ends while somebody stands still. */
  'a gap beside a standstill': ({ dice, one, other, startMs }) => [
    { kind: 'offline', member: one, forMs: dice.between(7_000, 9_000), atMs: startMs },
    { kind: 'freeze', member: other, forMs: dice.between(2_000, 5_500), atMs: startMs + dice.between(6_000, 9_000) },
  ],
  /** A tab that nobody looks at leaves while its way is broken. */
  'a hidden tab leaves': ({ dice, one, other, startMs }) => [
    { kind: 'minute', member: one, forMs: 70_000, atMs: startMs },
    { kind: 'cut', member: one, other, forMs: dice.between(3_000, 9_000), atMs: startMs + dice.between(200, 4_000) },
    dice.chance(0.5)
      ? { kind: 'leave', member: one, atMs: startMs + dice.between(4_000, 6_000) }
      : { kind: 'rejoin', member: one, atMs: startMs + dice.between(4_000, 6_000) },
  ],
  /** The last that somebody wrote reaches some only. */
  'heard by some': ({ dice, one, other, server, startMs }) => [
    { kind: 'crash', server, forMs: dice.between(2_000, 12_000), atMs: startMs },
    { kind: 'cut', member: one, other, forMs: 20_000, atMs: startMs + 100 },
    { kind: 'edit', member: one, count: 2, atMs: startMs + 200 },
    { kind: 'update', member: one, count: 1, atMs: startMs + 200 },
    { kind: 'publish', member: one, count: 1, atMs: startMs + 300 },
    { kind: 'kill', member: one, atMs: startMs + dice.between(400, 3_000) },
  ],
  /** Two meet while one of their ways leads nowhere. */
  'a meeting in trouble': ({ dice, one, other, server, startMs }) => [
    { kind: 'leave', member: one, atMs: startMs },
    { kind: 'disorder', server, forMs: dice.between(3_000, 9_000), atMs: startMs + 500 },
    {
      kind: 'unserved',
      member: other,
      server,
      forMs: dice.between(500, 9_000),
      atMs: startMs + dice.between(900, 2_500),
    },
    { kind: 'join', member: one, atMs: startMs + dice.between(1_000, 2_000) },
    { kind: 'update', member: one, count: 1, atMs: startMs + 2_100 },
  ],
}

export const SCENE_NAMES: readonly string[] = Object.keys(SCENES)

export interface Scene {
  readonly name: string
  readonly steps: readonly Step[]
}

export function drawScene(dice: Dice, bounds: SceneBounds): Scene {
  const one = dice.below(bounds.memberCount)
  const other = (one + 1 + dice.below(bounds.memberCount - 1)) % bounds.memberCount
  const name = dice.pick(SCENE_NAMES)
  const server = dice.below(bounds.serverCount)
  const startMs = dice.between(4_000, 26_000)
  return { name, steps: SCENES[name]?.({ ...bounds, dice, one, other, server, startMs }) ?? [] }
}
