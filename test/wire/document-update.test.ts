import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { checkDocumentUpdate, checkStateVector, MAX_SUBDOCUMENTS } from '../../lib/wire/document-update.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../../lib/wire/limits.ts'

const passes = (update: Uint8Array) => checkDocumentUpdate(update).ok
const bytes = (...parts: (number | string | Uint8Array)[]) =>
  encoding.encode((encoder) => {
    for (const part of parts) {
      if (typeof part === 'number') encoding.writeVarUint(encoder, part)
      else if (typeof part === 'string') encoding.writeVarString(encoder, part)
      else encoding.writeUint8Array(encoder, part)
    }
  })

/** One block of one client that holds these structs, and no deletes. */
const block = (structs: number, ...body: (number | string | Uint8Array)[]) => bytes(1, structs, 7, 0, ...body, 0)
/** The parent of an item without neighbours: the type `t` of the document. */
const AT_ROOT = bytes(1, 't')

/** A document that uses every kind of content there is. */
function richDocument(): Y.Doc {
  const doc = new Y.Doc()
  const text = doc.getText('text')
  text.insert(0, 'hello world 💬')
  text.format(0, 5, { bold: true, nested: { a: [1] } })
  text.insertEmbed(3, { image: 'x.png' })
  text.delete(1, 4)
  const map = doc.getMap('map')
  map.set('any', { list: [1, 2.5, -3, null, undefined, true, 12345678901234n, 'text', new Uint8Array([1, 2])] })
  map.set('bytes', new Uint8Array([1, 2, 3]))
  map.set('any', 'replaced')
  map.set('subdocument', new Y.Doc())
  const array = doc.getArray('array')
  array.push([new Y.Map([['a', 1]]), new Y.Array(), new Y.Text('x'), 1, 'two', [3]])
  array.delete(1)
  const fragment = doc.getXmlFragment('xml')
  const element = new Y.XmlElement('p')
  element.setAttribute('class', 'big')
  fragment.push([element, new Y.XmlText('y')])
  return doc
}

describe('document updates', () => {
  it('[W7] whatever Yjs writes passes: whole documents, single steps, differences, merges, deletes alone', () => {
    const doc = new Y.Doc()
    const steps: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => steps.push(update))
    for (const source of [richDocument(), richDocument()]) Y.applyUpdate(doc, Y.encodeStateAsUpdate(source))
    doc.getText('text').delete(0, 3)
    doc.getText('text').insert(1, 'more')
    const far = new Y.Doc()
    Y.applyUpdate(far, steps[0] ?? new Uint8Array())
    const updates = [
      ...steps,
      Y.encodeStateAsUpdate(doc),
      Y.encodeStateAsUpdate(doc, Y.encodeStateVector(far)),
      Y.mergeUpdates(steps),
      Y.mergeUpdates([steps[0], steps[3]].filter((step) => step !== undefined)),
      Y.encodeStateAsUpdate(new Y.Doc()),
    ]
    expect(updates.map(passes)).toEqual(updates.map(() => true))
  })

  it('[W7] random editing of three members never makes an update that is refused', () => {
    const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
    let seed = 4_242
    const below = (limit: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % limit
    }
    for (let step = 0; step < 600; step++) {
      const doc = docs[below(3)] ?? new Y.Doc()
      const text = doc.getText('t')
      if (below(4) === 0 && text.length > 0) text.delete(below(text.length), 1)
      else if (below(3) === 0) doc.getMap('m').set(String(below(5)), { step, list: [step, null] })
      else text.insert(below(text.length + 1), 'ab', below(2) === 0 ? { bold: step } : {})
      const other = docs[below(3)] ?? doc
      const update = Y.encodeStateAsUpdate(doc, below(2) === 0 ? Y.encodeStateVector(other) : undefined)
      expect(passes(update)).toBe(true)
      Y.applyUpdate(other, update)
    }
  })

  it('[W7] yjs#687: the 5-byte update that blocks Yjs is refused, and so is one hidden in a later block', () => {
    // One block that declares 2^21 - 1 structs, of which none follows.
    const bomb = bytes(1, 2 ** 21 - 1)
    expect(bomb.length).toBeLessThanOrEqual(5)
    expect(passes(bomb)).toBe(false)
    expect(passes(Uint8Array.of(1, 0xff, 0xff, 0xff, 0x7f))).toBe(false)
    const hidden = bytes(2, 1, 7, 0, bytes(0b100), AT_ROOT, 'text', 2 ** 26, 8, 0, 0)
    expect(passes(hidden)).toBe(false)
  })

  it('[W7] every declared count is compared with the bytes that are left', () => {
    expect(passes(bytes(2 ** 30, 0))).toBe(false)
    expect(passes(bytes(0, 2 ** 30))).toBe(false)
    expect(passes(bytes(0, 1, 7, 2 ** 30))).toBe(false)
    expect(passes(block(1, Uint8Array.of(8), AT_ROOT, 2 ** 30))).toBe(false)
    expect(passes(block(1, Uint8Array.of(8), AT_ROOT, 1, Uint8Array.of(117), 2 ** 30))).toBe(false)
    expect(passes(block(1, Uint8Array.of(8), AT_ROOT, 1, Uint8Array.of(118), 2 ** 30))).toBe(false)
    expect(passes(block(1, Uint8Array.of(2), AT_ROOT, 2 ** 30))).toBe(false)
    expect(passes(block(1, Uint8Array.of(3), AT_ROOT, 2 ** 30))).toBe(false)
  })

  it('[W7] contents and types that Yjs does not know, structs of no length, and clocks past 2^53 are refused', () => {
    const struct = (info: number, ...body: (number | string)[]) => block(1, Uint8Array.of(info), AT_ROOT, ...body)
    expect(passes(struct(4, 'text'))).toBe(true)
    expect(passes(struct(4, ''))).toBe(false)
    expect(passes(struct(1, 0))).toBe(false)
    expect(passes(struct(7, 6))).toBe(true)
    expect(passes(struct(7, 7))).toBe(false)
    for (const unknown of [11, 12, 31]) expect(passes(struct(unknown, 1))).toBe(false)
    expect(passes(block(1, Uint8Array.of(0), 5))).toBe(true)
    expect(passes(block(1, Uint8Array.of(0), 0))).toBe(false)
    expect(passes(bytes(1, 1, 7, Number.MAX_SAFE_INTEGER, Uint8Array.of(0), 1, 0))).toBe(false)
    expect(passes(Uint8Array.of(...block(1, Uint8Array.of(0), 5), 0))).toBe(false)
  })

  it('[W7] values nested deeper than 256 levels, many subdocuments, and updates over the size limit are refused', () => {
    const nested = (levels: number) =>
      block(
        1,
        Uint8Array.of(8),
        AT_ROOT,
        1,
        Uint8Array.from({ length: 2 * levels }, (_, n) => (n % 2 ? 1 : 117)),
        Uint8Array.of(126),
      )
    expect(passes(nested(256))).toBe(true)
    expect(passes(nested(257))).toBe(false)
    expect(passes(nested(100_000))).toBe(false)
    const subdocument = bytes(Uint8Array.of(9), AT_ROOT, 'guid', Uint8Array.of(118, 0))
    const many = (count: number) => block(count, ...Array.from({ length: count }, () => subdocument))
    expect(passes(many(MAX_SUBDOCUMENTS))).toBe(true)
    expect(passes(many(MAX_SUBDOCUMENTS + 1))).toBe(false)
    expect(passes(block(1, Uint8Array.of(9), AT_ROOT, 'guid', Uint8Array.of(126)))).toBe(false)
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'x'.repeat(MAX_DOCUMENT_UPDATE_BYTES))
    expect(checkDocumentUpdate(Y.encodeStateAsUpdate(doc))).toEqual({ ok: false, reason: 'document-refused' })
  })

  it('[W7] a clock is counted as Yjs counts it, so that exactly the own edits that we do not have are refused', () => {
    const doc = richDocument()
    const update = Y.encodeStateAsUpdate(doc)
    const clock = Y.getState(doc.store, doc.clientID)
    expect(checkDocumentUpdate(update, { clientId: doc.clientID, clock }).ok).toBe(true)
    expect(checkDocumentUpdate(update, { clientId: doc.clientID, clock: clock - 1 }).ok).toBe(false)
    expect(checkDocumentUpdate(update, { clientId: doc.clientID + 1, clock: 0 }).ok).toBe(true)
  })

  it('[W8] state vectors: what Yjs writes passes, counts that the bytes do not hold are refused', () => {
    expect(checkStateVector(Y.encodeStateVector(richDocument())).ok).toBe(true)
    expect(checkStateVector(Uint8Array.of(0)).ok).toBe(true)
    expect(checkStateVector(bytes(2 ** 40)).ok).toBe(false)
    expect(checkStateVector(bytes(1, 7)).ok).toBe(false)
    expect(checkStateVector(bytes(1, 7, 3, 0)).ok).toBe(false)
    expect(checkStateVector(new Uint8Array(MAX_DOCUMENT_UPDATE_BYTES + 1)).ok).toBe(false)
  })
})
