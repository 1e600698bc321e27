/** The library in a real Chromium: data channels between contexts, tabs, pages that close, reload and come back. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RealtimeOptions } from '../../lib/index.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { launchChromium, noChromium, noTabs } from '../kit/chromium.ts'
import { until } from '../kit/until.ts'
import {
  buildPage,
  type JoinOptions,
  joinInBrowser,
  joinOnPage,
  openPage,
  type PageMember,
  serve,
  untilHeard,
  untilReached,
} from './pages.ts'

const TRANSPORTS = ['links', 'yjs'] as const
const CLEAN_LEAVE_MS = 1_000

if (noTabs !== undefined) console.warn(`SKIPPED: ${noTabs}`)

beforeAll(buildPage, 120_000)

// They wait for the most part: the two transports side by side, each with a browser and servers of its own.
describe.skipIf(noChromium !== undefined).concurrent.each(TRANSPORTS)('in a real browser', (transport) => {
  describe.sequential(transport, () => {
    let browser: Browser
    let server: SignalingServer
    beforeAll(async () => {
      browser = await launchChromium()
    })
    afterAll(() => browser?.close())
    beforeEach(async () => {
      server = await serve()
    })
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()))
      await server.close()
    })

    const withTransport = (how: JoinOptions): JoinOptions => ({ ...how, options: { transport, ...how.options } })
    const join = (id: string, how: JoinOptions = {}): Promise<PageMember> =>
      joinInBrowser(browser, server, id, withTransport(how))
    const joinOn = (page: Page, id: string): Promise<PageMember> => joinOnPage(page, id, withTransport({}))

    it('[B1] two contexts meet by WebRTC; updates flow by it, and a leave is told once', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct', 'relay'])
      await bob.update({ cursor: { x: 1 } })
      expect((await untilHeard(alice, 'update', 'bob')).data).toEqual({ cursor: { x: 1 } })
      await bob.page.evaluate(() => window.copresenceTest.disconnect())
      await untilHeard(alice, 'leave', 'bob', { timeoutMs: CLEAN_LEAVE_MS })
      expect(await alice.toldOf('bob')).toEqual(['joined-room', 'update', 'leave'])
      // Where an answer took long, hello was said again, and answered twice: its copy is no fault of anybody.
      const { replayed: _replayed, stale: _stale, ...rejects } = (await alice.inspect()).rejects
      expect(rejects).toEqual({})
    })

    it('[B2] one that has no WebRTC takes part over the relay', async () => {
      const alice = await join('alice')
      const bob = await join('bob', { options: { webrtc: false } })
      await untilReached([alice, bob], ['relay'])
      await bob.update({ from: 'the relay' })
      expect((await untilHeard(alice, 'update', 'bob')).data).toEqual({ from: 'the relay' })
      expect((await alice.inspect()).members[1]?.paths).toEqual(['relay'])
    })

    it('[B3] two tabs of one browser meet as tabs, with a server and without any', async () => {
      for (const options of [{}, { servers: [] }]) {
        const alice = await join('alice', { options })
        const bob = await join('bob', { options, context: alice.context })
        await untilReached([alice, bob], ['tab'])
        await bob.update({ from: 'a tab' })
        await untilHeard(alice, 'update', 'bob')
        expect(await alice.toldOf('bob')).toEqual(['joined-room', 'update'])
        await alice.context.close()
      }
    })

    it('[B4] a closed tab leaves within 1 s: by WebRTC and relay, by the relay, by WebRTC without a server, and by tabs', async () => {
      for (const [ways, options] of [
        [['direct', 'relay'], {}],
        [['relay'], { webrtc: false }],
      ] as const) {
        const alice = await join('alice', { options })
        const bob = await join('bob', { options })
        await untilReached([alice, bob], [...ways])
        await bob.page.close({ runBeforeUnload: false })
        await untilHeard(alice, 'leave', 'bob', { timeoutMs: CLEAN_LEAVE_MS })
        expect(await alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
        await alice.context.close()
      }
      const tabs = { options: { servers: [] } }
      const carol = await join('carol', tabs)
      const dave = await join('dave', { ...tabs, context: carol.context })
      await untilReached([carol, dave], ['tab'])
      await dave.page.close()
      await untilHeard(carol, 'leave', 'dave', { timeoutMs: CLEAN_LEAVE_MS })
      const erin = await join('erin')
      const frank = await join('frank')
      await untilReached([erin, frank], ['direct'])
      await server.close()
      await until('the server to be away', async () =>
        (await erin.inspect()).servers.every(({ state }) => state !== 'open'),
      )
      await frank.page.close()
      await untilHeard(erin, 'leave', 'frank', { timeoutMs: CLEAN_LEAVE_MS })
      expect(await erin.toldOf('frank')).toEqual(['joined-room', 'leave'])
    })

    it('[B5] a reload is a new connection beside no ghost', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct'])
      await bob.page.reload()
      await bob.page.waitForFunction(() => window.copresenceTest !== undefined)
      const again = await joinOn(bob.page, 'bob')
      await untilReached([alice, again], ['direct'])
      expect(again.connectionId).not.toBe(bob.connectionId)
      expect(await alice.toldOf('bob')).toEqual(['joined-room', 'leave', 'joined-room'])
      expect((await alice.getAll()).map(({ connectionId }) => connectionId)).toEqual([
        alice.connectionId,
        again.connectionId,
      ])
    })

    it.skipIf(noTabs !== undefined)(
      '[B6] a page that goes into the back/forward cache leaves within 1 s, and restored it joins again beside no ghost',
      async ({ onTestFinished }) => {
        const whole = await launchChromium({ isWhole: true })
        onTestFinished(() => whole.close())
        const alice = await joinInBrowser(whole, server, 'alice', withTransport({}))
        const bob = await joinInBrowser(whole, server, 'bob', withTransport({}))
        await untilReached([alice, bob], ['direct', 'relay'])
        await bob.page.goto(`${server.url.replace(/^ws/, 'http')}/health`)
        await untilHeard(alice, 'leave', 'bob', { timeoutMs: CLEAN_LEAVE_MS })
        await bob.page.goBack({ waitUntil: 'commit' })
        await bob.page.waitForFunction(() => window.copresenceTest?.wasRestored === true)
        await untilHeard(alice, 'joined-room', 'bob', { count: 2 })
        await untilReached([alice, bob], ['direct', 'relay'])
        expect(await alice.toldOf('bob')).toEqual(['joined-room', 'leave', 'joined-room'])
        expect(await bob.toldOf('alice')).toEqual(['joined-room'])
        expect((await alice.getAll()).map(({ connectionId }) => connectionId)).toEqual([
          alice.connectionId,
          bob.connectionId,
        ])
      },
    )

    it('[B7] a server killed and restarted while two look at each other tells nobody anything, and updates go on', async () => {
      for (const [ways, options] of [
        [['direct', 'relay'], {}],
        [['relay'], { webrtc: false }],
      ] as const) {
        const { port } = server
        const alice = await join('alice', { options })
        const bob = await join('bob', { options })
        await untilReached([alice, bob], [...ways])
        await server.close()
        await until('the server to be away', async () =>
          (await alice.inspect()).servers.every(({ state }) => state !== 'open'),
        )
        await bob.update({ while: 'away' })
        server = await serve(port)
        await untilHeard(alice, 'update', 'bob')
        await untilReached([alice, bob], [...ways])
        await bob.update({ while: 'back' })
        expect((await untilHeard(alice, 'update', 'bob', { count: 2, timeoutMs: 1_000 })).data).toEqual({
          while: 'back',
        })
        expect(await alice.toldOf('bob')).toEqual(['joined-room', 'update', 'update'])
        expect(await bob.toldOf('alice')).toEqual(['joined-room'])
        await Promise.all([alice.context.close(), bob.context.close()])
      }
    })

    it('[B8] a page that was asked to unload and stayed is back with one leave and one joined', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct', 'relay'])
      await bob.page.evaluate(() => window.dispatchEvent(new Event('beforeunload')))
      await untilHeard(alice, 'leave', 'bob', { timeoutMs: CLEAN_LEAVE_MS })
      await untilHeard(alice, 'joined-room', 'bob', { count: 2 })
      await untilReached([alice, bob], ['direct', 'relay'])
      expect(await alice.toldOf('bob')).toEqual(['joined-room', 'leave', 'joined-room'])
      expect(await bob.toldOf('alice')).toEqual(['joined-room'])
    })

    it('[B9] a crashed tab leaves once, within 3 s', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct', 'relay'])
      // The navigation never ends: the renderer is gone, after 0.1 to 0.8 s, and what is promised counts from there.
      const isCrashed = bob.page.waitForEvent('crash')
      void bob.page.goto('chrome://crash').catch(() => undefined)
      await isCrashed
      await untilHeard(alice, 'leave', 'bob', { timeoutMs: 3_000 })
      expect(await alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
    })

    it('[B10] with a secret two meet by every way, and one with another secret meets neither', async () => {
      const options = { secret: 'the right secret' }
      const alice = await join('alice', { options })
      const mallory = await join('mallory', {
        options: { secret: 'a wrong secret' },
        context: alice.context,
      })
      const bob = await join('bob', { options })
      await untilReached([alice, bob], ['direct', 'relay'])
      expect(await mallory.toldOf('alice')).toEqual([])
      expect((await mallory.getAll()).map(({ id }) => id)).toEqual(['mallory'])
    })

    it('[B11] two Realtimes in one page, in one channel, see each other and everybody else', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct'])
      await joinOn(bob.page, 'second')
      await untilHeard(alice, 'joined-room', 'second')
      await untilHeard(bob, 'joined-room', 'second')
      expect((await alice.getAll()).map(({ id }) => id)).toEqual(['alice', 'bob', 'second'])
    })

    it('[B12] closing sees nothing left: no error on the page, from start to end', async () => {
      const errors: string[] = []
      const page = await openPage(browser, server.url)
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      const alice = await joinOn(page, 'alice')
      const bob = await join('bob')
      await untilReached([alice, bob], ['direct', 'relay'])
      await bob.page.close()
      await untilHeard(alice, 'leave', 'bob')
      await page.evaluate(() => window.copresenceTest.disconnect())
      expect(errors).toEqual([])
    })

    it('[B13] a member in a worker takes part, by the relay with a secret, and by tabs without a server', async () => {
      const worlds: [string, RealtimeOptions][] = [
        ['relay', { transport, secret: 'of a worker' }],
        ['tab', { transport, servers: [] }],
      ]
      for (const [way, options] of worlds) {
        const alice = await join('alice', { options })
        const page = way === 'tab' ? alice.page : await openPage(browser, server.url)
        const member = { id: 'worker', room: 'browser room', options }
        await page.evaluate((its) => window.copresenceTest.startWorker(its), member)
        await untilHeard(alice, 'joined-room', 'worker')
        expect((await alice.inspect()).members[1]?.paths).toEqual([way])
        await alice.update({ to: 'the worker' })
        expect((await untilHeard(alice, 'update', 'worker')).data).toEqual({ heard: { to: 'the worker' } })
        await alice.context.close()
      }
    })
  })
})
