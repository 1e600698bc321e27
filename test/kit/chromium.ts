/** Real Chromiums for tests: those that the set-up found. Knows how they are started, not what they show. */
import { existsSync, readFileSync } from 'node:fs'
import type { Browser, LaunchOptions } from 'playwright-core'

/** A browser that has started here, and what it needs in its environment. */
interface Program {
  readonly executablePath: string
  readonly env?: Record<string, string>
}

/** What test/setup.mjs wrote down, one of the two at least; `light` is a headless shell, without windows and tabs to hide. */
interface Found {
  readonly whole?: Program
  readonly light?: Program
}

const FOUND = new URL('../../.cache/chromium.json', import.meta.url)

/**
 * Keeps the browser from talking to anybody but the test. WebRTC needs no flag; the sandbox cannot be had as root.
 */
const FLAGS = [
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
  (found().whole === undefined
    ? 'the Chromium of @sparticuz/chromium hides no tab and keeps no page for later; install one, or set CHROME'
    : undefined)

function found(): Found {
  return JSON.parse(readFileSync(FOUND, 'utf8')) as Found
}

/** How a browser is started, whoever drives it: the light one, unless a test needs `isWhole`. @throws where there is none. */
export function launchOptions({
  isWhole = false,
} = {}): LaunchOptions & Program & { readonly args: readonly string[] } {
  const { whole, light } = noChromium === undefined ? found() : {}
  // The deep run has time for the one that people have.
  const program = isWhole || process.env.COPRESENCE_DEEP === '1' ? (whole ?? light) : (light ?? whole)
  if (program === undefined) throw new Error(noChromium)
  const { executablePath, env } = program
  return { executablePath, headless: true, args: FLAGS, env: { ...(process.env as Record<string, string>), ...env } }
}

export interface Launch {
  readonly isWhole?: boolean
  /** Flags beside the usual ones. */
  readonly flags?: readonly string[]
  /** Some of the driver's own that are left out. */
  readonly withoutFlags?: readonly string[]
}

/** Starts a browser; the caller closes it. Tabs of one context share BroadcastChannel: to prove WebRTC take a context per member. */
export async function launchChromium({ isWhole, flags = [], withoutFlags = [] }: Launch = {}): Promise<Browser> {
  // Loaded here, for what only asks whether there is a browser.
  const { chromium } = await import('playwright-core')
  const options = launchOptions({ isWhole })
  return chromium.launch({
    ...options,
    args: [...options.args, ...flags],
    // A driver switches the back/forward cache off by default; people have it on.
    ignoreDefaultArgs: ['--disable-back-forward-cache', ...withoutFlags],
  })
}
