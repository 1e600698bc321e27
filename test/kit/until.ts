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
      // Where we were held up ourselves, what we wait for may have arrived unread: it is read first, and looked at once more.
      for (let turn = 0; turn < 2; turn++) await nextTurn()
      const late = await probe()
      if (late) return late
      const last = seen === undefined ? late : await seen()
      throw new Error(`Waited ${timeoutMs} ms for: ${what}. Last seen: ${JSON.stringify(last)}`)
    }
    await new Promise((resume) => setTimeout(resume, everyMs))
  }
}

/** When what has arrived by now has been read. The tests inside a page have no `setImmediate`. */
const nextTurn = () =>
  new Promise<void>((resume) => {
    if ('setImmediate' in globalThis) setImmediate(() => resume())
    else setTimeout(resume, 0)
  })
