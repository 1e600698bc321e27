/** The demo page in a real Chromium: opened, watched for complaints, and read through its test ids. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { until } from '../kit/until.ts'

/** The `data-` values of an element, and its text. */
type Shown = Readonly<Record<string, string | undefined>>

export interface DemoPage {
  readonly page: Page
  /** The element of that `data-testid`. */
  at(testId: string): Locator
  /** The avatar of somebody, by the shown name. */
  avatar(name: string): Locator
  /** All that was ever shown under that `data-testid`, in order, for what is gone again before a busy machine looks. */
  shown(testId: string): Promise<Shown[]>
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
  await page.addInitScript(recordShown)
  await page.goto(url)
  const at = (testId: string): Locator => page.getByTestId(testId)
  if (name !== undefined) await at('name-input').fill(name)
  const avatar = (of: string): Locator => page.locator(`[data-testid="avatar"][data-name=${JSON.stringify(of)}]`)
  const shown = async (testId: string): Promise<Shown[]> =>
    (await page.evaluate(() => Reflect.get(window, 'shown') as Shown[])).filter((one) => one.testid === testId)
  return { page, at, avatar, shown, complaints }
}

/** Runs in the page, before anything of it. */
function recordShown(): void {
  const shown: Shown[] = []
  const last = new WeakMap<Element, string>()
  Reflect.set(window, 'shown', shown)
  new MutationObserver(() => {
    for (const element of document.querySelectorAll<HTMLElement>('[data-testid]')) {
      const one = { ...element.dataset, text: element.textContent ?? '' }
      const json = JSON.stringify(one)
      if (last.get(element) !== json) shown.push(one)
      last.set(element, json)
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
}

/** Waits until an element of that `data-testid` was ever shown with these `data-` values or that text. */
export const wasSeen = (what: string, demo: DemoPage, testId: string, values: Shown): Promise<unknown> =>
  until(
    what,
    async () =>
      (await demo.shown(testId)).some((one) => Object.entries(values).every(([key, value]) => one[key] === value)),
    { timeoutMs: 15_000, everyMs: 50, seen: () => demo.shown(testId) },
  )

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

/**
 * Publishes so many reactions, and resolves with how many floats there were at most: counted as they come and go, since that
 * many frames may take longer than a float lives.
 */
export const mostFloatsOf = ({ page }: DemoPage, reactions: number): Promise<number> =>
  page.evaluate((wanted) => {
    const floats = document.querySelector('[data-testid="floats"]')
    if (floats === null) throw new Error('no floats')
    let [here, highest, launched] = [floats.childElementCount, 0, 0]
    return new Promise<number>((resolve) => {
      new MutationObserver((changes) => {
        for (const { addedNodes, removedNodes } of changes) {
          launched += addedNodes.length
          here += addedNodes.length - removedNodes.length
          highest = Math.max(highest, here)
        }
        if (launched >= wanted) resolve(highest)
      }).observe(floats, { childList: true })
      for (let count = 0; count < wanted; count++)
        window.copresenceDemo.channel.publish('react', { emoji: '🎉', at: { x: 0.5, y: 0.5 } })
    })
  }, reactions)
