/** Parts of the library that a page loads late, where the network fails just then. */
import type { BrowserContext, Page } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchChromium, noChromium } from '../kit/chromium.ts'
import { buildPage, joinInBrowser, joinOnPage, openPage, serve, untilReached } from './pages.ts'

beforeAll(buildPage, 120_000)

/** The first request for it fails, the others go on. Tells how often it was asked for. */
async function failFirst(context: BrowserContext, url: RegExp): Promise<() => number> {
  let asked = 0
  await context.route(url, (route) => (++asked === 1 ? route.abort() : route.fallback()))
  return () => asked
}

/** Whether this browser asks again for a module that it could not load: Chromium 147 never does in one page, 156 does. */
async function asksAgain(page: Page): Promise<boolean> {
  const module = { contentType: 'text/javascript', body: 'export {}' }
  await page.context().route(/probe\.js$/, (route) => route.fulfill(module))
  const asked = await failFirst(page.context(), /probe\.js$/)
  // As a text: what loads the tests would put its own import in place of the page's.
  const load = () => page.evaluate("import('/probe.js').then(() => undefined, () => undefined)")
  await load()
  await load()
  return asked() === 2
}

describe.skipIf(noChromium !== undefined)('a part that cannot be loaded at first', () => {
  it('[R17] is asked for again: two meet by a secret that a person thought up', async ({ skip }) => {
    const browser = await launchChromium({ isWhole: true })
    onTestFinished(() => browser.close())
    const server = await serve()
    onTestFinished(() => server.close())
    const page = await openPage(browser, server.url)
    if (!(await asksAgain(page))) {
      console.warn(`SKIPPED: Chromium ${browser.version()} never asks again for a module that it could not load`)
      skip()
    }
    const asked = await failFirst(page.context(), /password-[^/]*\.js$/)
    const options = { secret: 'thought up by a person' }
    const alice = await joinOnPage(page, 'alice', { options })
    const bob = await joinInBrowser(browser, server, 'bob', { options })
    await untilReached([alice, bob], ['direct', 'relay'])
    expect(asked()).toBe(2)
  })
})
