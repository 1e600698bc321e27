/** What a far end writes into our document. */
import { expect, it, vi } from 'vitest'
import * as Y from 'yjs'
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
