/** A real Chromium for tests: the one that the set-up found. Knows how it is started, not what it shows. */
import { existsSync, readFileSync } from 'node:fs'
import type { Browser, LaunchOptions } from 'playwright-core'

/** What test/setup.mjs wrote down: a browser that has started here, and what it needs in its environment. */
interface Found {
  readonly executablePath: string
  readonly env?: Record<string, string>
  /** Where it comes from, e.g. `npm`. */
  readonly source: string
}

export const FOUND = new URL('../../.cache/chromium.json', import.meta.url)

/**
 * Keeps the browser from talking to anybody but the test. WebRTC needs no flag; the sandbox cannot be had as root.
 */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Why browser tests cannot run here, or undefined: `describe.skipIf(noChromium)`. */
export const noChromium: string | undefined = existsSync(FOUND)
  ? undefined
  : 'no Chromium starts here; run `node test/setup.mjs`, or set CHROME to the path of one'

/** Why there is no browser with windows, tabs and a back/forward cache, or undefined; as `noChromium`. */
export const noTabs: string | undefined =
  noChromium ??
  (found().source === 'npm'
    ? 'the Chromium of @sparticuz/chromium hides no tab and keeps no page for later; install one, or set CHROME'
    : undefined)

function found(): Found {
  return JSON.parse(readFileSync(FOUND, 'utf8')) as Found
}

/** How the browser that was found is started, whoever drives it. @throws where there is none. */
export function launchOptions(): LaunchOptions & { readonly args: readonly string[] } {
  if (noChromium !== undefined) throw new Error(noChromium)
  const { executablePath, env } = found()
  return { executablePath, headless: true, args: FLAGS, env: { ...(process.env as Record<string, string>), ...env } }
}

/**
 * Starts the browser with more flags where a test needs them, and without some of the driver's; the caller closes it.
 * Tabs of one context share BroadcastChannel: to prove WebRTC take a context per member.
 */
export async function launchChromium(
  moreFlags: readonly string[] = [],
  withoutFlags: readonly string[] = [],
): Promise<Browser> {
  // Loaded here, for what only asks whether there is a browser.
  const { chromium } = await import('playwright-core')
  const options = launchOptions()
  return chromium.launch({
    ...options,
    args: [...options.args, ...moreFlags],
    // A driver switches the back/forward cache off by default; people have it on.
    ignoreDefaultArgs: ['--disable-back-forward-cache', ...withoutFlags],
  })
}
