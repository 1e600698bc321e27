import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import type { JsonObject, JsonValue } from '../../lib/base/json.ts'
import { createDice, type Dice } from '../../lib/testing/dice.ts'
import type { AwarenessEntry } from '../../lib/wire/awareness-update.ts'
import {
  changed,
  clockOf,
  decodeEntryChange,
  encodeEntryChange,
  entryOf,
  type Version,
  versionOf,
} from '../../lib/wire/entry-change.ts'
import { MAX_CHANGED_BYTES } from '../../lib/wire/limits.ts'
import { decodeLinkFrame, encodeChange } from '../../lib/wire/link-frame.ts'
import { createFrames, frameCount, SEED } from '../kit/fuzz.ts'

const ENTRIES = 2_000
const FRAMES = frameCount(100_000)
const NOW = 1_790_000_000_000

function entry(
  clock: number,
  data: JsonValue,
  more: { timestamp?: number; seq?: number; sent?: number } = {},
): AwarenessEntry {
  const field = {
    connectionId: 'A'.repeat(22),
    id: 'alice',
    name: 'Alice',
    data,
    timestamp: NOW + clock,
    joinedAt: NOW,
  }
  return { clientId: 7 as ClientId, clock, state: { copresence: { ...field, seq: clock, sent: 0, ...more } } }
}

/** What the bytes make of a version: an entry, or why they are refused. */
function read(from: Version, bytes: Uint8Array): AwarenessEntry | string {
  const change = decodeEntryChange(bytes)
  const to = change.ok ? changed(from, change.value) : change
  const result = to.ok ? entryOf(to.value) : to
  return result.ok ? result.value : result.reason
}

const TEXTS = ['', 'a', 'aa', 'aaa', 'ä', '💬', '\ud83d', '"', '\\', 'cursor', '0', '17'] as const

function anyJson(dice: Dice, depth = 0): JsonValue {
  const kind = dice.below(depth > 3 ? 5 : 7)
  if (kind < 2) return dice.pick(TEXTS)
  if (kind === 2) return dice.pick([0, -1, 0.5, 1e21, 640, 641])
  if (kind === 3) return dice.chance(0.5)
  if (kind === 4) return null
  const parts = Array.from({ length: dice.below(4) }, () => anyJson(dice, depth + 1))
  return kind === 5 ? parts : Object.fromEntries(parts.map((part) => [dice.pick(TEXTS), part]))
}

it(`[W26] between any two of ${ENTRIES} entries a change gives the second, to the last count`, () => {
  const dice = createDice(SEED)
  let from = versionOf(entry(1, anyJson(dice)))
  for (let clock = 2; clock < ENTRIES; clock++) {
    const counts = { timestamp: NOW + dice.below(10_000_000), seq: dice.below(1_000), sent: dice.below(1_000) }
    const next = entry(clock, anyJson(dice), counts)
    const state: JsonObject = dice.chance(0.2)
      ? { ...next.state, user: { name: dice.pick(TEXTS) } }
      : (next.state ?? {})
    const to = versionOf({ ...next, state })
    // As JSON makes it: what is half of a pair of code units stays that.
    expect(read(from, encodeEntryChange(from, to))).toEqual({ ...next, state: JSON.parse(JSON.stringify(state)) })
    from = to
  }
})

it('[W27] of another version, cut or lengthened, or beyond what it changes, it is refused', () => {
  const from = versionOf(entry(4, { cursor: { x: 1, y: 1 }, name: 'alice' }))
  const to = versionOf(entry(5, { cursor: { x: 22, y: 1 }, name: 'alice' }))
  const bytes = encodeEntryChange(from, to)
  expect(read(from, bytes)).toEqual(entry(5, { cursor: { x: 22, y: 1 }, name: 'alice' }))
  expect(read({ ...from, clock: 3 }, bytes)).toBe('stale')
  expect(read(versionOf(entry(4, { cursor: { x: 1, y: 2 }, name: 'alice' })), bytes)).toBe('stale')
  for (let length = 0; length < bytes.length; length++)
    expect(read(from, bytes.subarray(0, length))).toMatch(/malformed|stale/)
  expect(read(from, Uint8Array.of(...bytes, 0))).toBe('stale')
  expect(read({ ...from, body: from.body.subarray(0, 20) }, bytes)).toBe('malformed')
  const last = versionOf({ ...entry(4, {}), clock: 2 ** 48 })
  expect(read(last, encodeEntryChange(last, { ...last, clock: 2 ** 48 + 1 }))).toBe('malformed')
  const large = (length: number) => versionOf(entry(5, 'x'.repeat(length)))
  const most = MAX_CHANGED_BYTES - large(0).body.length
  expect(read(from, encodeEntryChange(from, large(most)))).toBeTypeOf('object')
  expect(read(from, encodeEntryChange(from, large(most + 1)))).toBe('too-large')
})

it(`[W27] ${FRAMES} random and structured changes are taken or refused, and none throws`, { timeout: 600_000 }, () => {
  const from = versionOf(entry(4, { cursor: { x: 1, y: 1 }, name: 'alice' }))
  const samples = [{ x: 2 }, { cursor: null }, 'text', {}].map((data) =>
    encodeEntryChange(from, versionOf(entry(5, data))),
  )
  const next = createFrames(createDice(SEED), samples)
  let taken = 0
  for (let count = 0; count < FRAMES; count++) if (typeof read(from, next()) === 'object') taken++
  expect(taken).toBeGreaterThan(FRAMES / 10)
  expect(taken).toBeLessThan(FRAMES)
})

/** A document of the user's own begins with a clock of 45 bits. */
it.each([1_000, 29_000_000_000_000])(
  '[W28] a cursor that moves beside a profile of 214 bytes is a frame of at most 24, from clock %d on',
  (clock) => {
    const profile = {
      color: '#30bced',
      avatar: `https://example.org/${'a'.repeat(127)}.png`,
      role: 'editor',
      team: 'design',
    }
    expect(JSON.stringify(profile).length).toBe(214)
    let from = versionOf(entry(clock, { profile, cursor: { x: 640, y: 360 } }))
    for (const [later, x, y] of [
      [1, 652, 371],
      [2, 1_024, 768],
      [3, 7, 9],
      [4, 1_919, 1_079],
    ] as const) {
      const said = entry(clock + later, { profile, cursor: { x, y } }, { timestamp: (from.counts[0] ?? 0) + 50 })
      const to = versionOf(said)
      const frame = encodeChange(encodeEntryChange(from, to))
      expect(frame.length, `to ${x}, ${y}`).toBeLessThanOrEqual(24)
      const decoded = decodeLinkFrame(frame)
      if (!decoded.ok || decoded.value.kind !== 'change') throw new Error('a change was encoded')
      expect(clockOf(decoded.value.change, from.clock)).toBe(to.clock)
      expect(read(from, frame.subarray(1))).toEqual(said)
      from = to
    }
  },
)

it('[W27] its clock is told by 16 bits, to whoever has one of about that time', () => {
  const base = 2 ** 16 * 7 + 5
  const change = { base: 5, since: 1, grown: [0, 0, 0], check: 0, kept: 0, dropped: 0 }
  const clockFor = (known: number) => clockOf({ ...change, json: new Uint8Array(0) }, known)
  for (const away of [-32_000, -1, 0, 1, 32_000]) expect(clockFor(base + away)).toBe(base + 1)
})
