/**
 * Random and structured bytes, and a run of decoders over them. COPRESENCE_FUZZ_FRAMES sets how many, COPRESENCE_FUZZ_SEED
 * repeats a run; a failure prints the seed. Knows no decoder.
 */
import { expect } from 'vitest'
import { createDice, type Dice } from '../../lib/testing/dice.ts'

export const SEED = Number(process.env.COPRESENCE_FUZZ_SEED ?? 20_240_607)

/** How many frames a run takes; `normal` where the environment says nothing. */
export const frameCount = (normal: number): number => Number(process.env.COPRESENCE_FUZZ_FRAMES ?? normal)

/** Where counts and lengths tempt a decoder: 0, 1, the edges of a byte, and numbers that never end or are huge. */
const TEMPTATIONS: readonly (readonly number[])[] = [
  [0],
  [1],
  [0x7f],
  [0x80],
  [0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

/** One in ten is noise, the others are samples with up to three changes. */
export function createFrames({ below, bytes, pick }: Dice, samples: readonly Uint8Array[]): () => Uint8Array {
  return () => {
    if (below(10) === 0) return bytes(below(64))
    let frame = [...pick(samples)]
    for (let changes = below(4); changes > 0; changes--) {
      const at = below(frame.length + 1)
      const kind = below(5)
      if (kind === 0) frame[at] = below(256)
      else if (kind === 1) frame.splice(at, below(3), ...pick(TEMPTATIONS))
      else if (kind === 2) frame = frame.slice(0, at)
      else if (kind === 3) frame.splice(at, below(8))
      else frame.splice(at, 0, ...pick(samples).subarray(0, 64))
    }
    return Uint8Array.from(frame)
  }
}

type Outcome = { readonly ok: boolean }
export type Decoders = Readonly<Record<string, (bytes: Uint8Array) => Outcome | Promise<Outcome>>>

/** Every decoder over each frame. Resolves with how often each did what, e.g. `decodeFrame takes`; none may throw or reject. */
export async function runDecoders(
  decoders: Decoders,
  run: { readonly frames: number; readonly samples: readonly Uint8Array[]; readonly seed?: number },
): Promise<Map<string, number>> {
  const nextFrame = createFrames(createDice(run.seed ?? SEED), run.samples)
  const outcomes = new Map<string, number>()
  for (let count = 0; count < run.frames; count++) {
    const bytes = nextFrame()
    for (const [name, decode] of Object.entries(decoders)) {
      try {
        const outcome = decode(bytes)
        const { ok } = outcome instanceof Promise ? await outcome : outcome
        const key = `${name} ${ok ? 'takes' : 'refuses'}`
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      } catch (cause) {
        throw new Error(`COPRESENCE_FUZZ_SEED=${SEED}, frame ${count}: ${name} threw over [${bytes}]`, { cause })
      }
    }
  }
  // The run is worth something only if every decoder saw both.
  for (const name of Object.keys(decoders)) {
    expect(outcomes.get(`${name} takes`), `${name} takes`).toBeGreaterThan(0)
    expect(outcomes.get(`${name} refuses`), `${name} refuses`).toBeGreaterThan(0)
  }
  return outcomes
}
