/** Parts of the library that are loaded when they are first needed. */

/** A page may be offline when it asks for its own parts. */
export const LOAD_AGAIN_MS = 5_000

/** Never rejects: what cannot be loaded is tried again every 5 s, whoever waits for it or not. */
export const load = <Part>(part: () => Promise<Part>): Promise<Part> =>
  part().catch(() => new Promise((resolve) => setTimeout(() => resolve(load(part)), LOAD_AGAIN_MS)))
