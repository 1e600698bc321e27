/** Pages with the library in them, served by the real server, in contexts or tabs of a real Chromium. */
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import type { ChannelReport, Participant, RealtimeOptions } from '../../lib/index.ts'
import { createSignalingServer, type SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import type { PageEvent } from './page/main.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
export const BUILT = here('../../.cache/test-page')

/** Builds the page once per file of tests. */
export async function buildPage(): Promise<void> {
  await build({
    root: here('./page'),
    base: './',
    configFile: false,
    logLevel: 'error',
    // Its program loads parts of the library when they are needed.
    worker: { format: 'es' },
    build: { outDir: BUILT, emptyOutDir: true, chunkSizeWarningLimit: 2_000, modulePreload: { polyfill: false } },
  })
}

/** The page and the relay, on one port. */
export async function serve(port = 0): Promise<SignalingServer> {
  const server = createSignalingServer({ port, demo: BUILT })
  await server.ready
  return server
}

export interface PageMember {
  readonly id: string
  readonly connectionId: string
  readonly page: Page
  readonly context: BrowserContext
  told(): Promise<PageEvent[]>
  /** Names of the events about one participant, in order. */
  toldOf(id: string): Promise<string[]>
  getAll(): Promise<Participant[]>
  inspect(): Promise<ChannelReport>
  update(data: object): Promise<void>
}

export interface JoinOptions {
  readonly room?: string
  /** A tab of this context; a context of its own by default, so that tabs do not meet by BroadcastChannel. */
  readonly context?: BrowserContext
  readonly options?: RealtimeOptions
  readonly sync?: boolean
}

export async function openPage(browser: Browser, url: string, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser.newContext())).newPage()
  await page.goto(url.replace(/^ws/, 'http'))
  await page.waitForFunction(() => window.copresenceTest !== undefined)
  return page
}

/** Opens the page of the server and joins. */
export async function joinInBrowser(
  browser: Browser,
  server: SignalingServer,
  id: string,
  join: JoinOptions = {},
): Promise<PageMember> {
  const page = await openPage(browser, server.url, join.context)
  return joinOnPage(page, id, join)
}

export async function joinOnPage(
  page: Page,
  id: string,
  { room = 'browser room', options = {}, sync = false }: JoinOptions = {},
): Promise<PageMember> {
  const connectionId = await page.evaluate(
    ([who, where, settings, channelOptions]) => window.copresenceTest.join(who, where, settings, channelOptions),
    [id, room, options, { sync }] as const,
  )
  const told = () => page.evaluate(() => window.copresenceTest.told)
  return {
    id,
    connectionId,
    page,
    context: page.context(),
    told,
    toldOf: async (who) => (await told()).filter((event) => event.id === who).map(({ event }) => event),
    getAll: () => page.evaluate(() => window.copresenceTest.getAll()),
    inspect: () => page.evaluate(() => window.copresenceTest.inspect()),
    update: (data) => page.evaluate((payload) => window.copresenceTest.update(payload), data),
  }
}

/** Waits until each has every other by all of these ways. */
export async function untilReached(
  members: Pick<PageMember, 'inspect'>[],
  ways: readonly string[],
  timeoutMs = 15_000,
): Promise<void> {
  const reports = () => Promise.all(members.map((member) => member.inspect()))
  await until(
    `all to be reached by ${ways.join(' and ')}`,
    async () =>
      (await reports()).every(
        ({ members: [, ...others] }) =>
          others.length === members.length - 1 &&
          others.every(({ paths }) => ways.every((way) => paths.some((path) => path === way))),
      ),
    { timeoutMs, everyMs: 20, seen: reports },
  )
}

/** Waits until the member heard that many events of that kind about somebody; resolves with the last. */
export async function untilHeard(
  member: Pick<PageMember, 'id' | 'told'>,
  event: string,
  who: string,
  { timeoutMs = 15_000, count = 1 } = {},
): Promise<PageEvent> {
  const heard = async () => (await member.told()).filter((told) => told.event === event && told.id === who)
  const events = await until(
    `${member.id} to hear ${event} of ${who}`,
    async () => ((await heard()).length >= count ? heard() : undefined),
    {
      timeoutMs,
      everyMs: 20,
      seen: () => member.told(),
    },
  )
  const last = events[events.length - 1]
  if (last === undefined) throw new Error('no event')
  return last
}
