/** Links of our own in a real Chromium: a mesh whose servers are gone, hidden and frozen tabs, and a private room. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecret } from '../../lib/index.ts'
import { launchChromium, noChromium, noTabs } from '../kit/chromium.ts'
import { findFreePort } from '../kit/processes.ts'
import { until } from '../kit/until.ts'
import { buildPage, type PageMember, untilHeard, untilReached } from './pages.ts'
import { inScene, type Scene, type TabMember } from './scene.ts'

const SECOND_MS = 1_000
const IS_DEEP = process.env.COPRESENCE_DEEP === '1'
/** How long a mesh without servers is watched, and how long a hidden tab. */
const ALONE_MS = IS_DEEP ? 300 * SECOND_MS : 30 * SECOND_MS
const HIDDEN_MS = IS_DEEP ? 600 * SECOND_MS : 70 * SECOND_MS
/** How long a tab is frozen whose server goes on: its word holds for 5 minutes. */
const FROZEN_MS = IS_DEEP ? 240 * SECOND_MS : 40 * SECOND_MS
/** Timers of a tab that was hidden for 10 s come once a minute: Chromium does so after 5 minutes by itself. */
const SLOW_TIMERS = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10'
/** By these a driver keeps hidden tabs quick. */
const NOT_QUICK = [
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
]

if (noTabs !== undefined) console.warn(`SKIPPED: ${noTabs}`)

describe.skipIf(noChromium !== undefined)(
  'links in a real browser',
  { timeout: HIDDEN_MS + ALONE_MS + 120_000, concurrent: true },
  () => {
    let browser: Browser
    let debuggerPort: number
    beforeAll(async () => {
      await buildPage()
      debuggerPort = await findFreePort()
      const flags = [SLOW_TIMERS, `--remote-debugging-port=${debuggerPort}`]
      browser = await launchChromium({ isWhole: true, flags, withoutFlags: NOT_QUICK })
    }, 120_000)
    afterAll(() => browser?.close())
    const scene = (run: (scene: Scene) => Promise<void>) => inScene({ browser, debuggerPort }, run)

    /** Closes the data channel between two. */
    async function closeBetween(one: PageMember, other: PageMember): Promise<void> {
      const theirs = await other.page.evaluate(() => window.copresenceTest.dataChannels.names())
      await one.page.evaluate((names) => {
        const { dataChannels } = window.copresenceTest
        const between = dataChannels.names().find(({ own }) => names.some(({ far }) => far === own))
        if (between === undefined) throw new Error('no data channel between the two')
        dataChannels.close(between.own)
      }, theirs)
    }

    /** Everybody's next value is everywhere within 1 s. */
    async function expectTalk(members: PageMember[], value: unknown): Promise<void> {
      await Promise.all(members.map((member) => member.update({ value })))
      const isEverywhere = async (observer: PageMember) =>
        (await observer.getAll()).filter(({ data }) => (data as { value?: unknown }).value === value).length ===
        members.length
      await until(
        `the value ${value} everywhere`,
        async () => (await Promise.all(members.map(isEverywhere))).every((is) => is),
        { timeoutMs: SECOND_MS, everyMs: 20, seen: () => Promise.all(members.map((member) => member.getAll())) },
      )
    }

    it('[L20] four whose servers are all gone go on, a pair that breaks relinks through a neighbour, and a leave is heard', () =>
      scene(async ({ join, server }) => {
        const members = []
        for (const id of ['alice', 'bob', 'carol', 'dave']) members.push(await join(id))
        const [alice, bob, , dave] = members
        if (alice === undefined || bob === undefined || dave === undefined) throw new Error('four joined')
        await untilReached(members, ['direct', 'relay'])
        await server.close()
        const endsAt = performance.now() + ALONE_MS
        await expectTalk(members, 'alone')
        await closeBetween(alice, bob)
        await expectTalk(members, 'broken')
        // There is nobody but a neighbour to carry the offer and the answer.
        await untilReached(members, ['direct'])
        for (let round = 0; performance.now() < endsAt; round++) {
          await expectTalk(members, round)
          await alice.page.waitForTimeout(5 * SECOND_MS) // reason: the time itself is what is tested
        }
        for (const observer of members)
          for (const { id } of members)
            expect((await observer.toldOf(id)).filter((event) => event !== 'update')).toEqual(['joined-room'])
        await dave.page.close()
        await untilHeard(alice, 'leave', 'dave', { timeoutMs: SECOND_MS })
      }))

    /**
     * Hides a tab until the browser slows its timers to one a minute. Of a busy machine Chromium does not for some tabs, however
     * long they are hidden: those are shown and hidden again.
     */
    async function becomesSlow(tab: TabMember, beats: () => Promise<number>): Promise<boolean> {
      for (let tries = 0; tries < 3; tries++) {
        await tab.hide()
        for (let looks = 0; looks < 4; looks++) {
          const before = await beats()
          await new Promise((resume) => setTimeout(resume, 5 * SECOND_MS)) // reason: what does not come cannot be waited for
          if ((await beats()) === before) return true
        }
        await tab.show()
      }
      return false
    }

    const comesAndGoes = async (observer: PageMember, who: string) =>
      (await observer.toldOf(who)).filter((event) => event !== 'update')

    it.skipIf(noTabs !== undefined)(
      '[L21] a hidden tab whose timers come once a minute leaves for nobody, and nobody leaves for it',
      ({ skip }) =>
        scene(async ({ join, joinInTab }) => {
          const options = { webrtc: false as const }
          const alice = await join('alice', { options })
          const bob = await joinInTab('bob', options)
          await untilReached([alice, bob], ['relay'])
          await bob.evaluate('window.beats = 0; setInterval(() => window.beats++, 100); 0')
          const beats = () => bob.evaluate<number>('window.beats')
          if (!(await becomesSlow(bob, beats))) {
            console.warn(
              'SKIPPED: L21, since this browser did not slow the timers of a tab that was hidden three times',
            )
            skip('the browser did not slow the timers')
          }
          const before = await beats()
          await alice.page.waitForTimeout(HIDDEN_MS) // reason: the time itself is what is tested
          // Were they not slow, this would have proved nothing.
          expect((await beats()) - before).toBeLessThan(HIDDEN_MS / SECOND_MS / 2)
          await alice.update({ value: 'seen' })
          await untilHeard(bob, 'update', 'alice', { timeoutMs: SECOND_MS })
          expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room'])
          expect(await bob.comesAndGoes('alice')).toEqual(['joined-room'])
        }),
    )

    it.skipIf(noTabs !== undefined).each([
      ['by the relay', { webrtc: false as const }],
      ['by WebRTC and the relay', {}],
    ])(
      '[L22] [L52] a frozen tab whose server goes on is nothing to others, and nobody leaves for it, %s',
      (_ways, options) =>
        scene(async ({ join, joinInTab }) => {
          const alice = await join('alice', { options })
          const bob = await joinInTab('bob', options)
          await untilReached([alice, bob], 'webrtc' in options ? ['relay'] : ['direct', 'relay'])
          await bob.hide()
          await bob.freeze()
          await alice.page.waitForTimeout(FROZEN_MS) // reason: frozen for longer than any silence may last
          await alice.update({ value: 'meanwhile' })
          expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room'])
          await bob.thaw()
          await untilHeard(bob, 'update', 'alice', { timeoutMs: 2 * SECOND_MS })
          await bob.update({ value: 'again' })
          await untilHeard(alice, 'update', 'bob', { timeoutMs: SECOND_MS })
          expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room'])
          expect(await bob.comesAndGoes('alice')).toEqual(['joined-room'])
        }),
    )

    it.skipIf(noTabs !== undefined)('[L22] [B9] a frozen tab that is closed leaves within 3 s', () =>
      scene(async ({ join, joinInTab }) => {
        const alice = await join('alice')
        const bob = await joinInTab('bob', {})
        await untilReached([alice, bob], ['direct', 'relay'])
        await bob.hide()
        await bob.freeze()
        await alice.page.waitForTimeout(20 * SECOND_MS) // reason: frozen for longer than any silence may last
        expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room'])
        await bob.close()
        await untilHeard(alice, 'leave', 'bob', { timeoutMs: 3 * SECOND_MS })
      }),
    )

    it.skipIf(noTabs !== undefined)(
      '[L22] a frozen tab is one leave and one joined at most where no server is, and hears of one at most',
      () =>
        scene(async ({ join, joinInTab, server }) => {
          const alice = await join('alice')
          const bob = await joinInTab('bob', {})
          await untilReached([alice, bob], ['direct', 'relay'])
          await server.close()
          await bob.hide()
          await bob.freeze()
          await untilHeard(alice, 'leave', 'bob', { timeoutMs: 15 * SECOND_MS })
          await alice.page.waitForTimeout(10 * SECOND_MS) // reason: frozen for longer than any hold
          await bob.thaw()
          await untilHeard(alice, 'joined-room', 'bob', { count: 2 })
          await bob.update({ value: 'again' })
          await untilHeard(alice, 'update', 'bob', { timeoutMs: SECOND_MS })
          expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room', 'leave', 'joined-room'])
          expect([['joined-room'], ['joined-room', 'leave', 'joined-room']]).toContainEqual(
            await bob.comesAndGoes('alice'),
          )
        }),
    )

    it('[L23] in a private room those who have the secret meet by every way, another secret or none meets nobody', () =>
      scene(async ({ join }) => {
        const secret = createSecret()
        const alice = await join('alice', { options: { secret } })
        const { context } = alice
        const strangers = [
          await join('mallory', { options: { secret: createSecret() }, context }),
          await join('nobody', { context }),
        ]
        const bob = await join('bob', { options: { secret } })
        const carol = await join('carol', { options: { secret }, context })
        await untilReached([alice, bob, carol], ['relay', 'direct'])
        await expectTalk([alice, bob, carol], 'private')
        for (const stranger of strangers) expect((await stranger.getAll()).map(({ id }) => id)).toEqual([stranger.id])
      }))
  },
)
