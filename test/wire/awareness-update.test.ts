import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { encodeAwarenessUpdate as stockEncode } from 'y-protocols/awareness'
import type { ClientId } from '../../lib/base/ids.ts'
import {
  type AwarenessEntry,
  decodeAwarenessUpdate,
  encodeAwarenessUpdate,
  scanAwarenessUpdate,
} from '../../lib/wire/awareness-update.ts'

const ROOM_BYTES = 1_024

const entry = (clientId: number, clock: number, state: AwarenessEntry['state']): AwarenessEntry => ({
  clientId: clientId as ClientId,
  clock,
  state,
})

/** An update of entries whose states are given as raw JSON, however wrong. */
const rawUpdate = (entries: readonly [clientId: number, clock: number, json: string][], count = entries.length) =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, count)
    for (const [clientId, clock, json] of entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, json)
    }
  })
const reasonOf = (update: Uint8Array) => {
  const decoded = decodeAwarenessUpdate(update, ROOM_BYTES)
  return decoded.ok ? decoded.value : decoded.reason
}

describe('awareness update', () => {
  it('[W2] what is encoded decodes to itself, the largest ids and clocks included', () => {
    for (const sample of [
      entry(0, 0, {}),
      entry(7, 1, { name: 'alice', list: [1, null, { deep: true }] }),
      entry(Number.MAX_SAFE_INTEGER, 2 ** 48, { text: '💬 ünïcode' }),
      entry(9, 3, null),
    ]) {
      expect(reasonOf(encodeAwarenessUpdate(sample))).toEqual([sample])
    }
  })

  it('[W2] y-protocols and we write the same bytes', () => {
    const state = { user: { name: 'alice' } }
    const awareness = {
      states: new Map([[7, state]]),
      meta: new Map([[7, { clock: 4, lastUpdated: 0 }]]),
    } as unknown as Parameters<typeof stockEncode>[0]
    expect(encodeAwarenessUpdate(entry(7, 4, state))).toEqual(stockEncode(awareness, [7]))
  })

  it('[W3] one bad entry refuses the whole update, those before it included', () => {
    const good: [number, number, string] = [1, 1, '{"a":1}']
    expect(reasonOf(rawUpdate([good, [2, 1, '{"a":']]))).toBe('bad-json')
    expect(reasonOf(rawUpdate([good, [2, 1, '[1]']]))).toBe('bad-json')
    expect(reasonOf(rawUpdate([good, [2, 1, '"text"']]))).toBe('bad-json')
    expect(reasonOf(rawUpdate([good, [2, 2 ** 48 + 1, '{}']]))).toBe('malformed')
    expect(reasonOf(rawUpdate([good], 2))).toBe('malformed')
    expect(reasonOf(Uint8Array.of(...rawUpdate([good]), 0))).toBe('malformed')
    expect(reasonOf(rawUpdate([good]).subarray(0, -1))).toBe('malformed')
    expect(reasonOf(new Uint8Array())).toBe('malformed')
  })

  it('[W3] more than 256 entries, and an entry over the limit, are refused before they are parsed', () => {
    const many = Array.from({ length: 257 }, (_, index): [number, number, string] => [index, 1, 'not json'])
    expect(reasonOf(rawUpdate(many))).toBe('too-large')
    expect(reasonOf(rawUpdate([[1, 1, `not json${' '.repeat(ROOM_BYTES)}`]]))).toBe('too-large')
    expect(reasonOf(rawUpdate([[1, 1, JSON.stringify({ a: 'x'.repeat(ROOM_BYTES - 8) })]]))).toHaveLength(1)
    expect(reasonOf(rawUpdate([], 2 ** 40))).toBe('too-large')
  })

  it('[W3] bytes that are not UTF-8 are refused, not repaired', () => {
    const update = rawUpdate([[1, 1, '{"a":"bc"}']])
    update[update.length - 4] = 0xff
    expect(reasonOf(update)).toBe('bad-json')
  })

  it('[W4] too deep or too wide states are refused, and no recursion is needed to find out', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect(reasonOf(rawUpdate([[1, 1, nested(34)]]))).toHaveLength(1)
    expect(reasonOf(rawUpdate([[1, 1, nested(35)]]))).toBe('too-large')
    const wide = (keys: number) => JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, n) => [n, 1])))
    expect(decodeAwarenessUpdate(rawUpdate([[1, 1, wide(256)]]), 10_000).ok).toBe(true)
    expect(decodeAwarenessUpdate(rawUpdate([[1, 1, wide(257)]]), 10_000)).toEqual({ ok: false, reason: 'too-large' })
    const abyss = decodeAwarenessUpdate(rawUpdate([[1, 1, nested(100_000)]]), 1_000_000)
    expect(abyss.ok).toBe(false)
  })

  it('[W4] a state has no `__proto__` of the sender’s and is frozen deeply', () => {
    const decoded = decodeAwarenessUpdate(
      rawUpdate([[1, 1, '{"__proto__":{"isAdmin":true},"a":{"__proto__":{"isAdmin":true},"b":[{}]}}']]),
      ROOM_BYTES,
    )
    const state = decoded.ok ? decoded.value[0]?.state : undefined
    expect(JSON.stringify(state)).toBe('{"a":{"b":[{}]}}')
    expect(Object.assign({}, state).isAdmin).toBeUndefined()
    const inner = state?.a as { b: unknown[] } | undefined
    expect([state, inner, inner?.b, inner?.b[0]].every(Object.isFrozen)).toBe(true)
  })

  it('[W3] the scan tells where each entry lies, so that it can be cut out', () => {
    const update = rawUpdate([
      [1, 5, '{"a":1}'],
      [2, 6, 'null'],
    ])
    const spans = scanAwarenessUpdate(update)
    if (!spans.ok) throw new Error(spans.reason)
    expect(spans.value.map(({ clientId, clock, isGone }) => [clientId, clock, isGone])).toEqual([
      [1, 5, false],
      [2, 6, true],
    ])
    const [, second] = spans.value
    expect(reasonOf(Uint8Array.of(1, ...update.subarray(second?.start, second?.end)))).toEqual([entry(2, 6, null)])
  })
})
