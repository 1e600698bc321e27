/** Far ends that ask for the document again and again. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { carrierOf, playedDocuments } from './document-kit.ts'

it('[L57] who asks again and again has the document at 64 KiB a second, and its last question answered', async () => {
  const { clock, doc, answers, ask, documents } = playedDocuments()
  doc.getText('body').insert(0, 'x'.repeat(131_050))
  for (let passedMs = 0; passedMs < 10_000; passedMs += 10) {
    ask()
    await clock.advance(10)
  }
  // At once, and then every 2 s.
  expect(answers).toHaveLength(5)
  doc.getText('body').insert(0, 'newest')
  ask()
  await clock.advance(2_100)
  const told = new Y.Doc()
  Y.applyUpdate(told, answers.at(-1) ?? new Uint8Array())
  expect(told.getText('body').toString().startsWith('newest')).toBe(true)
  await clock.advance(5_000)
  documents.stop()
  expect([answers.length <= 7, clock.timerCount()]).toEqual([true, 0])
})

it('[L57] and a small one ten times a second', async () => {
  const { clock, answers, ask } = playedDocuments()
  for (let passedMs = 0; passedMs < 1_000; passedMs += 1) {
    ask()
    await clock.advance(1)
  }
  expect(answers.length).toBeLessThanOrEqual(10)
  expect(answers.length).toBeGreaterThan(5)
})

it('[L55] an edit that is too large is told once, with its size, the limit and what to do', () => {
  const { doc, rejects, warnings } = playedDocuments()
  for (let count = 0; count < 3; count++) doc.getText('body').insert(0, 'x'.repeat(300_000))
  expect(rejects.totals()).toEqual({ 'document-refused': 3 })
  expect(warnings).toHaveLength(1)
  for (const part of [/an edit of 3000\d\d bytes/, /at most 261120/, /several transactions/])
    expect(warnings[0]).toMatch(part)
})

it('[L57] of questions that overtake each other what the newest knows counts', async () => {
  const { ask, clock, doc, questionCount } = playedDocuments()
  const older = new Y.Doc()
  older.getText('body').insert(0, 'older')
  const newer = new Y.Doc()
  Y.applyUpdate(newer, Y.encodeStateAsUpdate(older))
  newer.getText('body').insert(0, 'newer')
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(older))
  for (const asker of [new Y.Doc(), newer, older]) ask(asker)
  expect(questionCount()).toBe(0)
  await clock.advance(200)
  // The asker has what we lack: it is asked for that.
  expect(questionCount()).toBe(1)
})

it('[L54] edits that wait for room when the channel ends go out all the same, up to 255 KiB', () => {
  const { doc, documents, edits, way } = playedDocuments()
  way.hasRoom = false
  for (const word of ['one ', 'two ', 'three ']) doc.getText('body').insert(0, word)
  expect(edits).toEqual([])
  documents.stop()
  expect(edits).toHaveLength(1)
  const told = new Y.Doc()
  for (const update of edits) Y.applyUpdate(told, update)
  expect(told.getText('body').toString()).toBe('three two one ')
})

it.each([
  ['1 s, by when they have arrived', false, 1_000],
  ['5 s where that way is stuck', true, 5_000],
])('[L53] many edits wait behind those that went by another way, for %s', async (_what, isStuck, waitMs) => {
  const { clock, doc, edits, way } = playedDocuments()
  const say = (times: number) => {
    for (let left = times; left > 0; left--) doc.getText('body').insert(0, 'x'.repeat(40_000))
  }
  let isFull = false
  way.by = carrierOf(() => isFull)
  say(1)
  expect(edits).toHaveLength(1)
  way.hasRoom = false
  way.by = carrierOf(() => !way.hasRoom)
  say(3)
  // There is another way, and what went by the former one may be under way.
  isFull = isStuck
  way.hasRoom = true
  await clock.advance(waitMs - 100)
  expect(edits).toHaveLength(1)
  await clock.advance(200)
  expect(edits).toHaveLength(2)
  way.by = carrierOf(() => false)
  say(1)
  expect(edits).toHaveLength(3)
})
