/**
 * Random and structured bytes against every decoder. COPRESENCE_FUZZ_FRAMES sets how many, COPRESENCE_FUZZ_SEED repeats a
 * run; a failure prints the line that does.
 */
import * as decoding from 'lib0/decoding'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { type AwarenessEntry, decodeAwarenessUpdate, encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { skipAny } from '../../lib/wire/document-any.ts'
import { checkDocumentUpdate, checkStateVector } from '../../lib/wire/document-update.ts'
import {
  decodeFrame,
  encodeAwarenessFrame,
  encodeEndedFrame,
  encodeMessageFrame,
  KEEP_ALIVE_FRAME,
  QUERY_FRAME,
} from '../../lib/wire/frame.ts'
import { readPresenceField } from '../../lib/wire/presence-field.ts'
import { accept, attempt } from '../../lib/wire/result.ts'
import { readSignalingData } from '../../lib/yjs/signaling-message.ts'

const FRAMES = Number(process.env.COPRESENCE_FUZZ_FRAMES ?? 100_000)
const SEED = Number(process.env.COPRESENCE_FUZZ_SEED ?? 20_240_607)

/** mulberry32: 32 bits of state, enough to choose bytes by. */
function createDice(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

const FIELD = { connectionId: 'A'.repeat(22), id: 'a', name: '', data: {}, timestamp: 1, joinedAt: 1, seq: 0, sent: 0 }

function sampleDocument(): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = 7
  doc.getText('t').insert(0, 'hello', { bold: true })
  doc.getMap('m').set('list', [1, null, { deep: [true] }])
  doc.getArray('a').push([new Y.Map([['k', 1]]), new Uint8Array([1, 2])])
  doc.getText('t').delete(1, 2)
  return doc
}

function samples(): Uint8Array[] {
  const doc = sampleDocument()
  const entry: AwarenessEntry = {
    clientId: 7 as ClientId,
    clock: 3,
    state: { user: { name: 'alice' }, copresence: { id: 'alice', data: [1, { a: null }] } },
  }
  const update = encodeAwarenessUpdate(entry)
  const document = Y.encodeStateAsUpdate(doc)
  return [
    update,
    encodeAwarenessUpdate({ ...entry, state: null }),
    encodeAwarenessFrame(update),
    encodeMessageFrame({ clientId: entry.clientId, seq: 1, body: '{"a":1}' }),
    encodeEndedFrame(entry.clientId),
    QUERY_FRAME,
    KEEP_ALIVE_FRAME,
    document,
    Y.encodeStateVector(doc),
    Uint8Array.of(0, 2, document.length, ...document),
    new TextEncoder().encode('{"type":"signal","from":"a","to":"b","token":1,"signal":{"type":"offer","sdp":"v=0"}}'),
    new TextEncoder().encode(JSON.stringify({ copresence: FIELD })),
  ]
}

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

function createFrames(below: (limit: number) => number, seeds: readonly Uint8Array[]): () => Uint8Array {
  const pick = () => seeds[below(seeds.length)] ?? QUERY_FRAME
  const random = (length: number) => Uint8Array.from({ length }, () => below(256))
  return () => {
    if (below(10) === 0) return random(below(64))
    let bytes = [...pick()]
    for (let changes = below(4); changes > 0; changes--) {
      const at = below(bytes.length + 1)
      const kind = below(5)
      if (kind === 0) bytes[Math.min(at, bytes.length)] = below(256)
      else if (kind === 1) bytes.splice(at, below(3), ...(TEMPTATIONS[below(TEMPTATIONS.length)] ?? []))
      else if (kind === 2) bytes = bytes.slice(0, at)
      else if (kind === 3) bytes.splice(at, below(8))
      else bytes.splice(at, 0, ...pick().subarray(0, 64))
    }
    return Uint8Array.from(bytes)
  }
}

const textOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // Not JSON: its text is as good a thing to be shown to a reader of shapes.
    return new TextDecoder().decode(bytes)
  }
}

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => { ok: boolean }>> = {
  decodeFrame,
  decodeAwarenessUpdate: (bytes) => decodeAwarenessUpdate(bytes, 4_096),
  checkDocumentUpdate,
  checkStateVector,
  skipAny: (bytes) => attempt(() => accept(skipAny(decoding.createDecoder(bytes)))),
  readPresenceField: (bytes) => {
    const state = textOf(bytes)
    return readPresenceField(typeof state === 'object' && state !== null ? { ...state } : {}, 4_096)
  },
  readSignalingData: (bytes) => readSignalingData(textOf(bytes)),
}

it(`[W1] ${FRAMES} random and structured frames: every decoder takes or refuses each, and none throws`, {
  timeout: 600_000,
}, () => {
  const below = createDice(SEED)
  const nextFrame = createFrames(below, samples())
  const outcomes = new Map<string, number>()
  for (let count = 0; count < FRAMES; count++) {
    const bytes = nextFrame()
    for (const [name, decode] of Object.entries(DECODERS)) {
      try {
        const key = `${name} ${decode(bytes).ok ? 'takes' : 'refuses'}`
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      } catch (cause) {
        throw new Error(`COPRESENCE_FUZZ_SEED=${SEED}, frame ${count}: ${name} threw over [${bytes}]`, { cause })
      }
    }
  }
  // The run is worth something only if every decoder saw both.
  for (const name of Object.keys(DECODERS)) {
    expect(outcomes.get(`${name} takes`), `${name} takes`).toBeGreaterThan(0)
    expect(outcomes.get(`${name} refuses`), `${name} refuses`).toBeGreaterThan(0)
  }
})

it('[W7] what the check lets through, Yjs reads or refuses by itself, and keeps reading good updates after it', () => {
  const below = createDice(SEED + 1)
  const nextFrame = createFrames(below, [Y.encodeStateAsUpdate(sampleDocument())])
  const good = new Y.Doc()
  good.getText('still').insert(0, 'here')
  let applied = 0
  for (let count = 0; count < Math.min(FRAMES, 10_000); count++) {
    const bytes = nextFrame()
    if (!checkDocumentUpdate(bytes).ok) continue
    const doc = new Y.Doc()
    try {
      Y.applyUpdate(doc, bytes)
      applied++
    } catch {
      // E.g. a format whose value is not JSON: thrown before anything was integrated.
    }
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(good))
    expect(doc.getText('still').toString()).toBe('here')
  }
  expect(applied).toBeGreaterThan(100)
})
