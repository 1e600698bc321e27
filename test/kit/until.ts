/** Waits for a condition instead of for a time. */

/** Resolves with the first truthy value of `probe`; after `timeoutMs` it rejects and tells what was last seen. */
export async function until<Value>(
  what: string,
  probe: () => Value | Promise<Value>,
  { timeoutMs = 5_000, everyMs = 10, seen }: { timeoutMs?: number; everyMs?: number; seen?: () => unknown } = {},
): Promise<NonNullable<Value>> {
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value) return value
    if (performance.now() > giveUpAt) {
      const last = seen === undefined ? value : await seen()
      throw new Error(`Waited ${timeoutMs} ms for: ${what}. Last seen: ${JSON.stringify(last)}`)
    }
    await new Promise((resume) => setTimeout(resume, everyMs))
  }
}
