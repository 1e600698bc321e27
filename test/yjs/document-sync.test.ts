import { describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { EMPTY_SYNC_STEP_1_FRAME, EMPTY_SYNC_STEP_2_FRAME } from '../../lib/wire/frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { createDocumentSync } from '../../lib/yjs/document-sync.ts'
import { until } from '../kit/until.ts'
import { createMember, freshRoom, startServer, untilMet } from './kit.ts'
import { startRawRelay } from './raw-relay.ts'
import { createDirectMember, createStockPeer, untilConnected } from './webrtc-kit.ts'

const BOMB = Uint8Array.of(1, 0xff, 0xff, 0xff, 0x7f)
const textOf = (doc: Y.Doc) => doc.getText('t').toString()
const withDoc = () => {
  const doc = new Y.Doc()
  return { doc, clientId: doc.clientID as ClientId }
}

describe('documents', { timeout: 40_000 }, () => {
  it('[Y15] with a document, edits travel by the relay and by data channels', async () => {
    const { url } = await startServer()
    for (const create of [createMember, createDirectMember]) {
      const [room, one, two] = [freshRoom(), withDoc(), withDoc()]
      one.doc.getText('t').insert(0, 'offline ')
      const members = [create({ room, servers: [url], ...one }), create({ room, servers: [url], ...two })]
      for (const member of members) member.say('hello')
      await untilMet(members, create === createMember ? 'relay' : 'direct')
      await until('the text from before', () => textOf(two.doc) === 'offline ')
      two.doc.getText('t').insert(8, 'online')
      await until('the edit', () => textOf(one.doc) === 'offline online')
    }
  })

  it('[Y15] the 5-byte update of yjs#687 and updates over 256 KiB are refused on a relay and on a data channel, and editing goes on', async () => {
    const { url } = await startServer()
    const relay = await startRawRelay()
    const [room, own] = [freshRoom(), withDoc()]
    const alice = createDirectMember({ room, servers: [url, relay.url], ...own })
    alice.say('a')
    const mallory = await createStockPeer(room, url)
    await untilConnected(mallory)
    const { ws } = await relay.socket(0)
    const bombFrame = Uint8Array.of(0, 2, BOMB.length, ...BOMB)
    mallory.send(bombFrame)
    ws.send(bombFrame)
    ws.send(Uint8Array.of(0, 1, BOMB.length, ...BOMB))
    ws.send(Uint8Array.of(0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x7f))
    const large = new Uint8Array(300_000)
    large.set([0, 2, 0xdb, 0xa7, 0x12])
    ws.send(large)
    await until('the refusals', () => alice.rejects.totals()['document-refused'] === 5, {
      seen: () => alice.rejects.totals(),
    })
    mallory.doc.getText('t').insert(0, 'peace')
    await until('a good edit', () => textOf(own.doc) === 'peace')
  })

  it('[Y15] an update that is well-formed and still impossible is refused, and thrown at nobody', () => {
    const rejects = createRejectCounter()
    const sync = createDocumentSync(new Y.Doc(), rejects)
    // A format whose value is no JSON.
    const update = Uint8Array.of(1, 1, 7, 0, 6, 1, 1, 116, 1, 98, 2, 123, 123, 0)
    expect(sync(2, update, null)).toEqual({})
    expect(rejects.totals()).toEqual({ 'document-refused': 1 })
  })

  it('[Y15] without a document a step 1 is answered with the constant empty step 2, whatever it holds', () => {
    const sync = createDocumentSync(undefined, createRejectCounter())
    expect(sync(0, BOMB, null)).toEqual({ reply: EMPTY_SYNC_STEP_2_FRAME })
    expect(sync(1, BOMB, null)).toEqual({ isSynced: true })
    expect(sync(2, BOMB, null)).toEqual({ isSynced: false })
  })

  it('[Y15] an observer of the document that throws is reported, and the edit is taken', () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const rejects = createRejectCounter()
    const { doc } = withDoc()
    doc.getText('t').observe(() => {
      throw new Error('of an application')
    })
    const writer = new Y.Doc()
    writer.getText('t').insert(0, 'theirs')
    expect(createDocumentSync(doc, rejects)(2, Y.encodeStateAsUpdate(writer), null)).toEqual({ isSynced: false })
    expect([textOf(doc), told.mock.calls.length, rejects.totals()]).toEqual(['theirs', 1, {}])
    told.mockRestore()
  })

  it('[Y15] edits under our own client id that we have not made are refused, and what we made is taken back', () => {
    const rejects = createRejectCounter()
    const { doc } = withDoc()
    const sync = createDocumentSync(doc, rejects)
    doc.getText('t').insert(0, 'mine 💬')
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    copy.getText('t').insert(0, 'theirs ')
    expect(sync(1, Y.encodeStateAsUpdate(copy), null)).toEqual({ isSynced: true })
    expect(textOf(doc)).toBe('theirs mine 💬')
    copy.clientID = doc.clientID
    copy.getText('t').insert(0, 'forged ')
    expect(sync(2, Y.encodeStateAsUpdate(copy), null)).toEqual({})
    expect(rejects.totals()).toEqual({ 'document-refused': 1 })
    expect(textOf(doc)).toBe('theirs mine 💬')
  })

  it('[Y5] if doc.clientID changes all the same, we stay who we are, after a reconnect too', async () => {
    const relay = await startRawRelay()
    const own = withDoc()
    const alice = createMember({ room: 'r', servers: [relay.url], ...own })
    alice.say('a')
    const first = await relay.socket(0)
    await until('the entry', () => first.frames.length === 2)
    own.doc.clientID = 4_711
    first.ws.terminate()
    const second = await relay.socket(1)
    const isOurs = (frame: string) => frame.startsWith(`entry ${alice.clientId}@`)
    await until('our entry after the reconnect', () => second.frames.some(isOurs), { seen: () => second.frames })
    second.ws.send(EMPTY_SYNC_STEP_1_FRAME)
    await until('the answer', () => second.frames.includes('sync 1'))
  })
})
