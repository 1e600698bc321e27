/** How the work of the simulation is shared out between the workers of one run; see test/vitest.config.ts. */
declare module 'vitest' {
  export interface ProvidedContext {
    share: Share
  }
}

export interface Share {
  readonly part: number
  readonly of: number
}

export const isMine = (index: number, { part, of }: Share): boolean => index % of === part

/** The seeds of 1 to `count` that are this worker's. */
export function* seedsOf(count: number, share: Share): Generator<number> {
  for (let seed = 1; seed <= count; seed++) if (isMine(seed, share)) yield seed
}
