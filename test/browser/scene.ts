/** The server, the contexts and the tabs of one test alone, so that tests which mostly wait can run side by side. */
import type { Browser, BrowserContext } from 'playwright-core'
import type { ChannelReport, RealtimeOptions } from '../../lib/index.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import type { PageEvent } from './page/main.ts'
import { type JoinOptions, joinInBrowser, type PageMember, serve } from './pages.ts'
import { connectTabs, type RawTabs } from './raw-tabs.ts'

/** A member in a tab that can be hidden and frozen. */
export interface TabMember {
  readonly id: string
  told(): Promise<PageEvent[]>
  /** Names of the joins and leaves of somebody, in order. */
  comesAndGoes(who: string): Promise<string[]>
  inspect(): Promise<ChannelReport>
  update(data: object): Promise<void>
  evaluate<Value>(expression: string): Promise<Value>
  /** Hides it behind another tab of its window, as a person does. */
  hide(): Promise<void>
  /** Brings it before the other tabs again. */
  show(): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  close(): Promise<void>
}

export interface Scene {
  readonly server: SignalingServer
  /** In a context of its own, or in that of `options`. */
  join(id: string, options?: JoinOptions): Promise<PageMember>
  joinInTab(id: string, options: RealtimeOptions): Promise<TabMember>
}

/** Runs one test in a scene of its own, and closes all of it. `debuggerPort`: of the browser, for the tabs. */
export async function inScene(
  { browser, debuggerPort }: { readonly browser: Browser; readonly debuggerPort: number },
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  const server = await serve()
  const tabs = await connectTabs(debuggerPort)
  const contexts = new Set<BrowserContext>()
  try {
    await run({
      server,
      async join(id, options = {}) {
        const context = options.context ?? (await browser.newContext())
        contexts.add(context)
        return joinInBrowser(browser, server, id, { ...options, context })
      },
      joinInTab: (id, options) => joinInTab({ tabs, server }, id, options),
    })
  } finally {
    await tabs.close()
    await Promise.all([...contexts].map((context) => context.close()))
    await server.close()
  }
}

async function joinInTab(
  { tabs, server }: { readonly tabs: RawTabs; readonly server: SignalingServer },
  id: string,
  options: RealtimeOptions,
): Promise<TabMember> {
  const tab = await tabs.open(server.url.replace(/^ws/, 'http'))
  const call = <Value>(what: string, ...args: unknown[]) =>
    tab.evaluate<Value>(`window.copresenceTest.${what}(${args.map((arg) => JSON.stringify(arg)).join()})`)
  await until('the page', () => tab.evaluate<boolean>('window.copresenceTest !== undefined'))
  await call('join', id, 'browser room', options)
  const told = () => tab.evaluate<PageEvent[]>('window.copresenceTest.told')
  return {
    id,
    told,
    update: (data) => call<void>('update', data),
    inspect: () => call<ChannelReport>('inspect'),
    comesAndGoes: async (who) =>
      (await told()).filter((event) => event.id === who && event.event !== 'update').map(({ event }) => event),
    evaluate: tab.evaluate,
    show: tab.activate,
    async hide() {
      const front = await tabs.open('about:blank')
      await front.activate()
      await until('the tab to be hidden', () => tab.evaluate<boolean>('document.visibilityState === "hidden"'))
    },
    async freeze() {
      await tab.send('Page.enable')
      await tab.send('Page.setWebLifecycleState', { state: 'frozen' })
    },
    thaw: async () => void (await tab.send('Page.setWebLifecycleState', { state: 'active' })),
    close: tab.close,
  }
}
