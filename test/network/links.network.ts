/** Members behind routers that let no two of them meet directly, or nothing pass for a while: real browsers on networks of our own. */
import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BUILT, buildPage, joinOnPage, openPage, type PageMember, untilHeard, untilReached } from '../browser/pages.ts'
import { launchOptions, noChromium } from '../kit/chromium.ts'
import { endProcess } from '../kit/processes.ts'
import { until } from '../kit/until.ts'
import { createNetworks, type Home, hasTool, type Networks, noNetworks, SERVER_ADDRESS } from './namespaces.ts'

const SECOND_MS = 1_000
const PORT = 4_444
const TURN_PORT = 3_478
const STUN = { urls: `stun:${SERVER_ADDRESS}:${TURN_PORT}` }
const turn = (transport: 'udp' | 'tcp') => ({
  ...{ urls: `turn:${SERVER_ADDRESS}:${TURN_PORT}?transport=${transport}`, username: 'alice', credential: 'secret' },
})

const missing = noNetworks() ?? noChromium
const noTurn = missing ?? (hasTool('turnserver') ? undefined : 'there is no turnserver (apt-get install coturn)')
for (const what of new Set([missing, noTurn])) if (what !== undefined) console.warn(`SKIPPED: ${what}`)

describe.skipIf(missing !== undefined)('on a network without a direct path', () => {
  let networks: Networks
  let folder: string
  const processes: ChildProcess[] = []
  const browsers = new Map<Home, Browser>()

  beforeAll(async () => {
    await buildPage()
    folder = mkdtempSync(join(tmpdir(), 'networks-'))
    networks = createNetworks()
    networks.setTranslation('symmetric')
    await startServer()
    if (noTurn === undefined) await startTurn()
    for (const home of ['left', 'right'] as const) browsers.set(home, await startBrowser(home))
  })
  afterAll(async () => {
    for (const browser of browsers.values()) await browser.close()
    for (const process of processes) await endProcess(process)
    networks?.remove()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    networks.setTranslation('symmetric')
    networks.setUdp(true)
  })
  afterEach(async () => {
    for (const browser of browsers.values()) for (const context of browser.contexts()) await context.close()
  })

  async function start(what: string, args: readonly string[], isUp: RegExp): Promise<void> {
    const child = networks.run(networks.internet, what, args)
    processes.push(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output += chunk
      })
    await until(`${what} to be up`, () => isUp.test(output), { timeoutMs: 20 * SECOND_MS, seen: () => output })
  }
  const startServer = () => {
    const program = fileURLToPath(new URL('../../signaling-server/main.ts', import.meta.url))
    const flags = ['serve', '--host', SERVER_ADDRESS, '--port', String(PORT), '--demo', BUILT]
    return start(process.execPath, ['--import', 'tsx', program, ...flags], /:4444/)
  }
  const startTurn = () => {
    const where = ['-n', '-L', SERVER_ADDRESS, '-p', String(TURN_PORT), '--pidfile', join(folder, 'turn.pid')]
    const who = ['--lt-cred-mech', '-u', 'alice:secret', '-r', 'networks.test']
    const quiet = ['--no-tls', '--no-dtls', '--no-cli', '--log-file', 'stdout', '--simple-log']
    return start('turnserver', [...where, ...who, ...quiet], /pid file created/)
  }

  /** A browser that is at home there: started through a script, since a driver starts one program. */
  function startBrowser(home: Home): Promise<Browser> {
    const options = launchOptions({ isWhole: true })
    const script = join(folder, home)
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${networks.home(home)} "${options.executablePath}" "$@"\n`)
    chmodSync(script, 0o755)
    return chromium.launch({ ...options, executablePath: script })
  }

  async function joinAt(home: Home, id: string, iceServers: RTCIceServer[]): Promise<PageMember> {
    const browser = browsers.get(home)
    if (browser === undefined) throw new Error('no browser at home')
    const page = await openPage(browser, `http://${SERVER_ADDRESS}:${PORT}`)
    return joinOnPage(page, id, { options: { iceServers } })
  }

  /** Alice is there, bob joins; resolves once each has told the other something, with the ms that took from his join. */
  async function meet(iceServers: RTCIceServer[]): Promise<{ alice: PageMember; bob: PageMember; ms: number }> {
    const alice = await joinAt('left', 'alice', iceServers)
    await until('alice to be connected', async () => (await alice.inspect()).servers[0]?.state === 'open')
    await alice.update({ from: 'alice' })
    const bob = await joinAt('right', 'bob', iceServers)
    const joinedAt = (await bob.told()).find(({ id }) => id === 'bob')?.at ?? Number.NaN
    const seen = await untilHeard(bob, 'joined-room', 'alice')
    const seenBack = await untilHeard(alice, 'joined-room', 'bob')
    return { alice, bob, ms: Math.max(seen.at, seenBack.at) - joinedAt }
  }

  async function expectTalk(alice: PageMember, bob: PageMember, timeoutMs = SECOND_MS): Promise<void> {
    await bob.update({ said: true })
    expect((await untilHeard(alice, 'update', 'bob', { timeoutMs })).data).toEqual({ said: true })
    expect((await alice.toldOf('bob')).filter((event) => event !== 'update')).toEqual(['joined-room'])
  }

  const neverDirect = async (member: PageMember) => {
    // Longer than a try for a data channel lasts, and then another one.
    await member.page.waitForTimeout(15 * SECOND_MS) // reason: what does not come cannot be waited for
    expect((await member.inspect()).members[1]?.paths).toEqual(['relay'])
  }

  it.skipIf(noTurn !== undefined)(
    '[L30] behind routers that keep their ports two meet directly: the networks are what they should be',
    async () => {
      networks.setTranslation('cone')
      const { alice, bob } = await meet([STUN])
      await untilReached([alice, bob], ['direct', 'relay'], 20 * SECOND_MS)
      await expectTalk(alice, bob)
    },
  )

  it.skipIf(noTurn !== undefined)(
    '[L61] a member who changes networks keeps its data channel: ICE begins anew within 5 s, and nobody hears of it',
    async () => {
      networks.setTranslation('cone')
      const { alice, bob } = await meet([STUN])
      await untilReached([alice, bob], ['direct', 'relay'], 20 * SECOND_MS)
      for (const { page } of [alice, bob]) await page.evaluate(countConnections)
      const count = async () =>
        (await Promise.all([alice, bob].map(({ page }) => page.evaluate(() => window.counted)))).flat()
      const talk = setInterval(() => void alice.update({ at: Date.now() }), 200)
      try {
        const movedAt = Date.now()
        networks.move('left')
        const restarts = async () => (await count()).filter(({ what }) => what === 'restart')
        await until('a new try of ICE', async () => (await restarts()).length > 0, { timeoutMs: 15 * SECOND_MS })
        const [first] = await restarts()
        console.log(`another network: ICE begins anew after ${(first?.at ?? Number.NaN) - movedAt} ms`)
        expect((first?.at ?? Number.NaN) - movedAt).toBeLessThanOrEqual(5 * SECOND_MS)
        await until(
          'the data channel to carry again',
          async () => {
            const before = (await bob.told()).length
            await bob.page.waitForTimeout(500) // reason: something is said five times a second
            const { members } = await bob.inspect()
            const active = members[1]?.link?.carriers.find(({ isActive }) => isActive)
            return active?.kind === 'direct' && (await bob.told()).length > before
          },
          { timeoutMs: 20 * SECOND_MS, seen: () => Promise.all([bob.inspect(), count()]) },
        )
        console.log(`another network: the data channel carries again after ${Date.now() - movedAt} ms`)
        expect((await count()).filter(({ what }) => what === 'connection')).toEqual([])
      } finally {
        clearInterval(talk)
      }
      // What SCTP sent in vain it sends again ever later, so that its next word may take some seconds: 1.9 s measured.
      await expectTalk(alice, bob, 5 * SECOND_MS)
      for (const [one, other] of [
        [alice, 'bob'],
        [bob, 'alice'],
      ] as const)
        expect((await one.toldOf(other)).filter((event) => event !== 'update')).toEqual(['joined-room'])
    },
  )

  it.skipIf(noTurn !== undefined)(
    '[L64] two who update 20 times a second miss each other for 1 s at most when no UDP passes any more, and nobody hears of it',
    async () => {
      networks.setTranslation('cone')
      const { alice, bob } = await meet([STUN])
      await untilReached([alice, bob], ['direct', 'relay'], 20 * SECOND_MS)
      for (const { page } of [alice, bob]) await page.evaluate(talkOn, 50)
      await alice.page.waitForTimeout(3 * SECOND_MS) // reason: they talk for a while
      networks.setUdp(false)
      await alice.page.waitForTimeout(5 * SECOND_MS) // reason: as above
      for (const [observer, other] of [
        [alice, 'bob'],
        [bob, 'alice'],
      ] as const) {
        const told = (await observer.told()).filter(({ id }) => id === other)
        const updates = told.filter(({ event }) => event === 'update')
        const gaps = updates.slice(1).map(({ at }, index) => at - (updates[index]?.at ?? at))
        console.log(`no UDP any more: ${observer.id} misses ${other} for ${Math.max(...gaps.slice(20))} ms`)
        expect(updates.length).toBeGreaterThan(100)
        // The first second is the meeting's.
        expect(Math.max(...gaps.slice(20))).toBeLessThanOrEqual(SECOND_MS)
        expect(told.filter(({ event }) => event !== 'update')).toHaveLength(1)
        const { members } = await observer.inspect()
        expect(members[1]?.link?.carriers.find(({ isActive }) => isActive)?.kind).toBe('relay')
      }
    },
  )

  const WAYS = [
    { ways: 'by the relay alone', translation: 'symmetric', paths: ['relay'] },
    { ways: 'by a data channel and the relay', translation: 'cone', paths: ['direct', 'relay'] },
  ] as const

  describe.each(WAYS)('reached $ways', ({ translation, paths }) => {
    const isMissing = translation === 'cone' && noTurn !== undefined
    const comesAndGoes = async (observer: PageMember, who: string) =>
      (await observer.toldOf(who)).filter((event) => event !== 'update')
    const meetSo = async () => {
      networks.setTranslation(translation)
      const { alice, bob } = await meet([STUN])
      await untilReached([alice, bob], paths, 20 * SECOND_MS)
      return { alice, bob }
    }

    it.skipIf(isMissing)(
      '[F4] one whose network is cut leaves within 15 s, and is back once, soon after it is mended',
      async () => {
        const { alice, bob } = await meetSo()
        networks.setCut('right', true)
        const cutAt = Date.now()
        const left = await untilHeard(alice, 'leave', 'bob', { timeoutMs: 16 * SECOND_MS })
        console.log(`${paths}: a network that is cut is a leave after ${left.at - cutAt} ms`)
        expect(left.at - cutAt).toBeLessThanOrEqual(15 * SECOND_MS)
        await alice.page.waitForTimeout(5 * SECOND_MS) // reason: bob has given alice up too
        networks.setCut('right', false)
        const mendedAt = Date.now()
        await until('bob to be back', async () => (await comesAndGoes(alice, 'bob')).length === 3, {
          timeoutMs: 30 * SECOND_MS,
        })
        console.log(`${paths}: back ${Date.now() - mendedAt} ms after it is mended`)
        expect(await comesAndGoes(alice, 'bob')).toEqual(['joined-room', 'leave', 'joined-room'])
        await bob.update({ again: true })
        expect((await untilHeard(alice, 'update', 'bob')).data).toEqual({ again: true })
      },
    )

    it.skipIf(isMissing)('[F5] one whose network is cut for 10 s was never gone', async () => {
      const { alice, bob } = await meetSo()
      networks.setCut('right', true)
      await alice.page.waitForTimeout(10 * SECOND_MS) // reason: the silence itself is what is tested
      networks.setCut('right', false)
      const mendedAt = Date.now()
      await bob.update({ back: true })
      await untilHeard(alice, 'update', 'bob', { timeoutMs: 10 * SECOND_MS })
      console.log(`${paths}: heard again ${Date.now() - mendedAt} ms after a cut of 10 s`)
      await alice.page.waitForTimeout(10 * SECOND_MS) // reason: what does not come cannot be waited for
      for (const [one, other] of [
        [alice, 'bob'],
        [bob, 'alice'],
      ] as const)
        expect(await comesAndGoes(one, other)).toEqual(['joined-room'])
    })
  })

  it('[L31] behind symmetric translation two meet by the relay within 1 s of joining, and stay there', async () => {
    const { alice, bob, ms } = await meet([STUN])
    console.log(`symmetric: met by the relay ${ms} ms after joining`)
    expect(ms).toBeLessThanOrEqual(SECOND_MS)
    await neverDirect(alice)
    await expectTalk(alice, bob)
  })

  it.skipIf(noTurn !== undefined)('[L32] with a TURN server they have a data channel too', async () => {
    const { alice, bob, ms } = await meet([turn('udp')])
    expect(ms).toBeLessThanOrEqual(SECOND_MS)
    await untilReached([alice, bob], ['direct', 'relay'], 20 * SECOND_MS)
    await expectTalk(alice, bob)
  })

  it('[L33] where no UDP passes at all, two meet by the relay within 1 s of joining', async () => {
    networks.setUdp(false)
    const { alice, bob, ms } = await meet([STUN])
    console.log(`no UDP: met by the relay ${ms} ms after joining`)
    expect(ms).toBeLessThanOrEqual(SECOND_MS)
    await neverDirect(bob)
    await expectTalk(alice, bob)
  })

  it.skipIf(noTurn !== undefined)('[L33] where no UDP passes, TURN over TCP gives a data channel', async () => {
    networks.setUdp(false)
    const { alice, bob } = await meet([turn('tcp')])
    await untilReached([alice, bob], ['direct', 'relay'], 20 * SECOND_MS)
    await expectTalk(alice, bob)
  })
})

declare global {
  interface Window {
    /** New connections of the page, and new tries of those it has, since it counts. */
    counted: { readonly what: 'connection' | 'restart'; readonly at: number }[]
  }
}

/** Runs in the page, which updates so often from now on. */
function talkOn(everyMs: number): void {
  let n = 0
  setInterval(() => window.copresenceTest.update({ n: ++n }), everyMs)
}

/** Runs in the page. */
function countConnections(): void {
  const counted: Window['counted'] = []
  const made = RTCPeerConnection.prototype as { createOffer(options?: RTCOfferOptions): Promise<unknown> }
  const { createOffer } = made
  made.createOffer = function (options) {
    if (options?.iceRestart === true) counted.push({ what: 'restart', at: Date.now() })
    return createOffer.call(this, options)
  }
  window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(Connection, parts: ConstructorParameters<typeof RTCPeerConnection>) {
      counted.push({ what: 'connection', at: Date.now() })
      return new Connection(...parts)
    },
  })
  window.counted = counted
}
