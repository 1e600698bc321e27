/** Unmodified Yjs clients and a stock editor binding in one room with us. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { foreignConnectionId } from '../../lib/wire/presence-field.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { launchChromium, noChromium } from '../kit/chromium.ts'
import { until } from '../kit/until.ts'
import { buildPage, joinInBrowser, openPage, serve, untilHeard, untilReached } from './pages.ts'

const ROOM = 'shared room/ü'
const STOCK_ROOM = { room: ROOM, options: { transport: 'yjs' } } as const

describe.skipIf(noChromium !== undefined)('with stock Yjs clients', { timeout: 60_000 }, () => {
  let browser: Browser
  let server: SignalingServer
  beforeAll(async () => {
    await buildPage()
    browser = await launchChromium()
  }, 120_000)
  afterAll(() => browser?.close())
  beforeEach(async () => {
    server = await serve()
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    await server.close()
  })

  const stockStates = (page: Page) => page.evaluate(() => window.copresenceTest.stockStates())

  it.each(['y-webrtc', 'y-websocket'] as const)(
    '[I1] a %s client in the same room sees us, and we see it as a participant',
    async (kind) => {
      const alice = await joinInBrowser(browser, server, 'alice', STOCK_ROOM)
      const bob = await joinInBrowser(browser, server, 'bob', STOCK_ROOM)
      await untilReached([alice, bob], ['direct', 'relay'])
      const stock = await openPage(browser, server.url)
      const clientId = await stock.evaluate(
        ([name, room, url]) => window.copresenceTest.joinStock(name, room, url, 'Fred'),
        [kind, ROOM, server.url] as const,
      )
      for (const member of [alice, bob]) {
        await untilHeard(member, 'joined-room', String(clientId))
        expect((await member.getAll()).find(({ id }) => id === String(clientId))).toMatchObject({
          connectionId: foreignConnectionId(clientId as ClientId),
          name: 'Fred',
          data: {},
        })
      }
      await bob.update({ status: 'seen by stock clients' })
      const fields = async () => (await stockStates(stock)).map((state) => state.copresence?.id).sort()
      await until('the stock client to see both', async () => (await fields()).join() === 'alice,bob', {
        timeoutMs: 10_000,
        seen: () => stockStates(stock),
      })
      await until(
        'the stock client to see the update',
        async () =>
          (await stockStates(stock)).some((state) => state.copresence?.data?.status === 'seen by stock clients'),
        {
          seen: () => stockStates(stock),
        },
      )
      await bob.page.close()
      await until('the stock client to see one leave', async () => (await fields()).join() === 'alice', {
        timeoutMs: 5_000,
        seen: () => stockStates(stock),
      })
      // As when a person closes it: the stock client says goodbye in beforeunload, and in nothing else.
      await stock.close({ runBeforeUnload: true })
      await untilHeard(alice, 'leave', String(clientId), { timeoutMs: 5_000 })
      expect(await alice.toldOf(String(clientId))).toEqual(['joined-room', 'leave'])
    },
  )

  it.each(['links', 'yjs'] as const)(
    '[I2] a CodeMirror editor with the stock binding shows our members’ cursors, and the text they type, %s',
    async (transport) => {
      const shared = { room: ROOM, sync: true, options: { transport } }
      const alice = await joinInBrowser(browser, server, 'alice', shared)
      const bob = await joinInBrowser(browser, server, 'bob', shared)
      await untilReached([alice, bob], ['direct', 'relay'])
      await alice.page.evaluate(() => window.copresenceTest.openEditor('Alice', '#c02020'))
      await bob.page.evaluate(() => window.copresenceTest.openEditor('Bob', '#2020c0'))
      await alice.page.evaluate(() => window.copresenceTest.type('hello from alice'))
      await until('the text to arrive', () =>
        bob.page.evaluate(() => window.copresenceTest.editorText() === 'hello from alice'),
      )
      await until(
        'alice’s cursor to show',
        () => bob.page.evaluate(() => window.copresenceTest.editorCursors().includes('Alice')),
        {
          seen: () => bob.page.evaluate(() => window.copresenceTest.editorCursors()),
        },
      )
      await bob.page.evaluate(() => window.copresenceTest.type(', and from bob'))
      await until('the answer to arrive', () =>
        alice.page.evaluate(() => window.copresenceTest.editorText() === 'hello from alice, and from bob'),
      )
      await until('bob’s cursor to show', () =>
        alice.page.evaluate(() => window.copresenceTest.editorCursors().includes('Bob')),
      )
      await alice.update({ typed: true })
      await untilHeard(bob, 'update', 'alice')
      expect(await bob.toldOf('alice')).toEqual(['joined-room', 'update'])
    },
  )
})
