/** The demo page in a real Chromium: opened, watched for complaints, and read through its test ids. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { until } from '../kit/until.ts'

export interface DemoPage {
  readonly page: Page
  /** The element of that `data-testid`. */
  at(testId: string): Locator
  /** The avatar of somebody, by the shown name. */
  avatar(name: string): Locator
  /** What the console and the page complained of: a broken policy, an uncaught error. */
  readonly complaints: readonly string[]
}

/** A complaint about a server that is not there is what the test wanted. */
const EXPECTED = /WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/

export async function openDemo(context: BrowserContext, url: string, name?: string): Promise<DemoPage> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const isComplaint = ['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())
    if (isComplaint) complaints.push(message.text())
  })
  await page.goto(url)
  const at = (testId: string): Locator => page.getByTestId(testId)
  if (name !== undefined) await at('name-input').fill(name)
  const avatar = (of: string): Locator => page.locator(`[data-testid="avatar"][data-name=${JSON.stringify(of)}]`)
  return { page, at, avatar, complaints }
}

/** Waits for exactly one element, and with `attributes` for these `data-` values on it. */
export async function seen(
  what: string,
  where: Locator,
  attributes: Readonly<Record<string, string>> = {},
): Promise<void> {
  let last: unknown
  await until(
    what,
    async () => {
      const found = await where.evaluateAll((elements) =>
        elements.map((element): Record<string, string | undefined> => {
          return { ...(element as HTMLElement).dataset, text: element.textContent ?? '' }
        }),
      )
      last = found
      const [first] = found
      return found.length === 1 && Object.entries(attributes).every(([key, value]) => first?.[key] === value)
    },
    { timeoutMs: 15_000, everyMs: 50, seen: () => last },
  )
}

export const gone = (what: string, where: Locator): Promise<unknown> =>
  until(what, async () => (await where.count()) === 0, { timeoutMs: 15_000, everyMs: 50, seen: () => where.count() })

/** The middle of an element's tip, in shares of the window: where a cursor is shown. */
export const placeOf = (cursor: Locator): Promise<{ x: number; y: number }> =>
  cursor.evaluate((element) => {
    const { left, top } = element.getBoundingClientRect()
    return { x: left / innerWidth, y: top / innerHeight }
  })
