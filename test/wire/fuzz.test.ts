/**
 * Random and structured bytes against the decoders of what entries, messages, documents and stock providers say. The others
 * are in link-frame.fuzz, identity/keys.fuzz, links/cast-intake.fuzz and links/tab-meeting.fuzz.
 */
import * as decoding from 'lib0/decoding'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import type { JsonObject } from '../../lib/base/json.ts'
import { createDice } from '../../lib/testing/dice.ts'
import {
  type AwarenessEntry,
  decodeAwarenessUpdate,
  encodeAwarenessUpdate,
  scanAwarenessUpdate,
} from '../../lib/wire/awareness-update.ts'
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
import { decodeQuestion, encodeQuestion } from '../../lib/wire/message-question.ts'
import { readForeignEntry, readPresenceField } from '../../lib/wire/presence-field.ts'
import { accept, attempt } from '../../lib/wire/result.ts'
import { readSignalingData } from '../../lib/yjs/signaling-message.ts'
import { createFrames, type Decoders, frameCount, runDecoders, SEED } from '../kit/fuzz.ts'

const FRAMES = frameCount(100_000)
/** A million frames take 10 min where the machine is busy with others. */
const LONGEST_MS = 1_800_000

const FIELD = { connectionId: 'A'.repeat(22), id: 'a', name: '', data: {}, timestamp: 1, joinedAt: 1, seq: 0, sent: 0 }

/** What the sample has of its own client: it passes as ours, one struct more does not. */
const CLOCK = Y.getState(sampleDocument().store, 7)

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
    new TextEncoder().encode('{"user":{"name":"alice","color":"#30bced"}}'),
    new TextEncoder().encode(encodeQuestion(entry.clientId, FIELD.connectionId, 7).body),
  ]
}

const textOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // Not JSON: its text is as good a thing to be shown to a reader of shapes.
    return new TextDecoder().decode(bytes)
  }
}

/** Text that is a JSON object, and an empty one for all else. */
const stateOf = (bytes: Uint8Array): JsonObject => {
  const state = textOf(bytes)
  return typeof state === 'object' && state !== null ? { ...(state as JsonObject) } : {}
}

const DECODERS: Decoders = {
  decodeFrame,
  decodeAwarenessUpdate: (bytes) => decodeAwarenessUpdate(bytes, 4_096),
  checkDocumentUpdate: (bytes) => checkDocumentUpdate(bytes),
  'checkDocumentUpdate of our own': (bytes) => checkDocumentUpdate(bytes, { clientId: 7, clock: CLOCK }),
  checkStateVector,
  skipAny: (bytes) => attempt(() => accept(skipAny(decoding.createDecoder(bytes)))),
  scanAwarenessUpdate,
  readPresenceField: (bytes) => readPresenceField(stateOf(bytes), 4_096),
  // It refuses nothing: a client without a name is one, too.
  readForeignEntry: (bytes) => {
    const { id, name } = readForeignEntry({ clientId: 7 as ClientId, clock: 1, state: stateOf(bytes) })
    if (id !== '7' || typeof name !== 'string') throw new TypeError(`a foreign entry is no participant: ${id}, ${name}`)
    return { ok: name !== '' }
  },
  decodeQuestion: (bytes) => {
    const question = decodeQuestion({ clientId: 7 as ClientId, seq: 0, body: new TextDecoder().decode(bytes) })
    if (question !== undefined && !(question.from >= 1)) throw new RangeError(`a question from ${question.from} on`)
    return { ok: question !== undefined }
  },
  readSignalingData: (bytes) => readSignalingData(textOf(bytes)),
}

it(`[W1] ${FRAMES} random and structured frames: every decoder takes or refuses each, and none throws`, {
  timeout: LONGEST_MS,
}, async () => {
  await runDecoders(DECODERS, { frames: FRAMES, samples: samples() })
})

it(
  '[W7] what the check lets through, Yjs reads or refuses by itself, and keeps reading good updates after it',
  () => {
    const nextFrame = createFrames(createDice(SEED + 1), [Y.encodeStateAsUpdate(sampleDocument())])
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
  },
  LONGEST_MS,
)
