/** What a far end writes into our document. */
import { describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import type { Link } from '../../lib/links/link.ts'
import { playedDocuments } from './document-kit.ts'

const textOf = (doc: Y.Doc): string => doc.getText('body').toString()

it('[W7] edits under our own client id that we have not made are refused, and what we made is taken back', () => {
  const { doc, receive, rejects } = playedDocuments()
  const { clientID } = doc
  doc.getText('body').insert(0, 'mine 💬')
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  copy.getText('body').insert(0, 'theirs ')
  receive(1, Y.encodeStateAsUpdate(copy))
  expect(textOf(doc)).toBe('theirs mine 💬')
  copy.clientID = clientID
  copy.getText('body').insert(0, 'forged ')
  receive(2, Y.encodeStateAsUpdate(copy))
  expect([textOf(doc), doc.clientID]).toEqual(['theirs mine 💬', clientID])
  expect(rejects.totals()).toEqual({ 'document-refused': 1 })
})

it.each(['a type', 'the document'])(
  '[L18] an observer of %s that throws is reported, and what comes is taken all the same',
  (of) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { doc, questionCount, receive, rejects } = playedDocuments()
    const fail = () => {
      throw new Error('of an application')
    }
    if (of === 'a type') doc.getText('body').observe(fail)
    else doc.on('afterTransaction', fail)
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (const word of ['first ', 'lost ', 'third ']) writer.getText('body').insert(0, word)
    const [first = new Uint8Array(), , third = new Uint8Array()] = updates
    receive(2, first)
    expect([textOf(doc), told.mock.calls.length]).toEqual(['first ', 1])
    // Written upon what did not come: it is asked for.
    receive(2, third)
    expect(questionCount()).toBe(1)
    receive(1, Y.encodeStateAsUpdate(writer))
    expect([textOf(doc), rejects.totals()]).toEqual([textOf(writer), {}])
    told.mockRestore()
  },
)

describe('a deletion that was lost on its way', () => {
  function lostDeletion() {
    const played = playedDocuments()
    const { doc, greet } = played
    const far = new Y.Doc()
    doc.getText('body').insert(0, 'kept, lost')
    Y.applyUpdate(far, Y.encodeStateAsUpdate(doc))
    doc.getText('body').delete(4, 6)
    greet()
    const answer = () => Y.encodeStateAsUpdate(far, Y.encodeStateVector(doc))
    return { ...played, far, answer }
  }

  it('[L18] is said anew to whoever answers us without it, and to nobody else', () => {
    const { answer, answers, far, greet, receive } = lostDeletion()
    receive(1, answer())
    expect(answers).toHaveLength(1)
    for (const said of answers) Y.applyUpdate(far, said)
    expect(textOf(far)).toBe('kept')
    greet()
    receive(1, answer())
    expect(answers).toHaveLength(1)
  })

  it('[L18] is said anew to whoever answers us, also where edits wait for others that never come', async () => {
    const { answer, answers, clock, far, greet, receive } = lostDeletion()
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (const word of ['never comes', 'waits for it']) writer.getText('other').insert(0, word)
    receive(2, updates[1] ?? new Uint8Array())
    greet()
    receive(1, answer())
    await clock.advance(1_000)
    for (const said of answers) Y.applyUpdate(far, said)
    expect(textOf(far)).toBe('kept')
  })

  it('[L18] is said with the answer to a question, where there is one, and not to whoever answers unasked', async () => {
    const { answer, answers, ask, clock, far, receive } = lostDeletion()
    ask(far)
    receive(1, answer())
    receive(1, answer())
    await clock.advance(1_000)
    expect(answers).toHaveLength(1)
    for (const said of answers) Y.applyUpdate(far, said)
    expect(textOf(far)).toBe('kept')
  })

  it('[L18] has all compare where it is news to somebody', async () => {
    const { clock, doc, questionCount, receive } = playedDocuments()
    const far = new Y.Doc()
    far.getText('body').insert(0, 'lost')
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(far))
    far.getText('body').delete(0, 4)
    receive(1, Y.encodeStateAsUpdate(far, Y.encodeStateVector(far)))
    await clock.advance(2_000)
    expect([textOf(doc), questionCount()]).toEqual(['', 1])
  })
})

it('[W7] what waits for edits that never come is 64 KiB at most, dropped and counted, and comes with them', () => {
  const { doc, questionCount, receive, rejects } = playedDocuments()
  const writer = new Y.Doc()
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of ['first ', 'x'.repeat(40_000), 'y'.repeat(40_000)]) writer.getText('body').insert(0, word)
  receive(2, updates[1] ?? new Uint8Array())
  expect(doc.store.pendingStructs).not.toBeNull()
  receive(2, updates[2] ?? new Uint8Array())
  expect([doc.store.pendingStructs, rejects.totals(), questionCount()]).toEqual([null, { 'document-refused': 1 }, 2])
  receive(1, Y.encodeStateAsUpdate(writer))
  expect(textOf(doc)).toBe(textOf(writer))
})

it('[W7] what waits already, and comes again with each answer, is asked for once', async () => {
  const { clock, doc, greet, answers, questionCount, receive } = playedDocuments()
  const writer = new Y.Doc()
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of ['first ', 'second ', 'third ']) writer.getText('body').insert(0, word)
  const holder = new Y.Doc()
  for (const update of updates.slice(1)) Y.applyUpdate(holder, update)
  receive(2, updates[1] ?? new Uint8Array())
  expect(questionCount()).toBe(1)
  for (let round = 0; round < 3; round++) {
    await clock.advance(2_000)
    greet()
    receive(1, Y.encodeStateAsUpdate(holder))
  }
  // Ours, and the third that is new once; as often as we asked we said our deletions, since these cannot be compared.
  expect([questionCount(), answers.length]).toEqual([1 + 3 + 1, 3])
  receive(1, Y.encodeStateAsUpdate(writer))
  expect(textOf(doc)).toBe('third second first ')
})

it('[L55] two who lack more of each other than fits into one answer do not ask each other for it again and again', async () => {
  const { ask, clock, doc, questionCount, rejects } = playedDocuments()
  for (let edit = 0; edit < 2; edit++) doc.getText('body').insert(0, 'x'.repeat(200_000))
  const far = new Y.Doc()
  far.getText('body').insert(0, 'ahead')
  ask(far)
  await clock.advance(10_000)
  expect([questionCount(), rejects.totals()]).toEqual([0, { 'too-large': 1 }])
})

it('[L18] edits that come late of one who is out of reach have the others compared with, those of one in reach do not', async () => {
  const { clock, documents, questionCount, receive } = playedDocuments()
  const dead = { isReachable: () => false, peer: 'dead' } as unknown as Link
  const writer = new Y.Doc()
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of ['first ', 'second ']) writer.getText('body').insert(0, word)
  const [first = new Uint8Array(), second = new Uint8Array()] = updates
  receive(2, first)
  await clock.advance(5_000)
  expect(questionCount()).toBe(0)
  documents.receive(dead, { step: 2, payload: second })
  await clock.advance(5_000)
  expect(questionCount()).toBe(1)
})
