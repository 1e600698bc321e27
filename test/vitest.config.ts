/** Which tests there are and how they run. A project is a step of `npm test`; see test/run.ts. */
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { launchOptions, noChromium } from './kit/chromium.ts'
import { plantBugs } from './simulation/planted-plugin.ts'

/** Rooms under test/ that are projects of their own; everything else mirrors lib and is `unit`. */
const ROOMS = ['browser', 'contract', 'docs', 'integration', 'package', 'simulation']
const SECOND_MS = 1_000

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const filesOf = (room: string): string[] => [`test/${room}/**/*.test.ts`]
const FAKE_TIME = 'test/**/*.fake-time.test.ts'
/** Real processes, sockets and data channels that need seconds: not in `npm run check`. */
const REAL_TIME = 'test/**/*.real-time.test.ts'
/** The contract again, inside a page of a real Chromium. */
const IN_CHROMIUM = 'test/contract/**/*.chromium.test.ts'

/** Real processes and browsers measure time: one file at a time, so that two do not starve each other. */
const alone = { fileParallelism: false, testTimeout: 60 * SECOND_MS, hookTimeout: 60 * SECOND_MS }
const built = { globalSetup: ['test/kit/built.setup.ts'] }
const packed = { globalSetup: ['test/package/packed.setup.ts'] }

/** The schedules and the planted bugs are shared out between two workers. */
const simulations = ['simulation', 'simulation-2'].map((name, part, { length }) => ({
  extends: true as const,
  plugins: [plantBugs()],
  test: {
    name,
    include: filesOf('simulation'),
    provide: { share: { part, of: length } },
    // Both cores are busy with schedules: the helpers of two engines only take turns with them (14 instead of 8 a second and core).
    execArgv: ['--single-threaded', '--max-semi-space-size=64'],
    testTimeout: 4 * 3_600 * SECOND_MS,
  },
}))

/** Where no Chromium starts, the tests are loaded in Node, and skip themselves loudly. */
async function inChromium(): Promise<TestProjectInlineConfiguration> {
  const shared = {
    name: 'chromium',
    include: [IN_CHROMIUM],
    globalSetup: ['test/kit/servers.setup.ts'],
    provide: { noChromium },
    ...alone,
  }
  if (noChromium !== undefined) return { extends: true, test: shared }
  const { playwright } = await import('@vitest/browser-playwright')
  return {
    extends: true,
    test: {
      ...shared,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: launchOptions() }),
        instances: [{ browser: 'chromium' }],
      },
    },
  }
}

export default defineConfig({
  root: at('..'),
  // What the demo imports as its users would.
  resolve: {
    alias: [
      { find: /^copresence$/, replacement: at('../lib/index.ts') },
      { find: /^copresence\/signaling-server$/, replacement: at('../signaling-server/index.ts') },
      { find: /^copresence\/testing$/, replacement: at('../lib/testing/index.ts') },
    ],
  },
  test: {
    maxWorkers: 2,
    // Those that wait side by side wait for seconds each, with processes of their own.
    maxConcurrency: 4,
    // A test that waits for a condition says itself what it saw last; this is for a machine that is busy with others.
    testTimeout: 20 * SECOND_MS,
    passWithNoTests: true,
    // No project installs fake timers but this one, and it does so before any import: lib0 keeps the Date.now it finds.
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          testTimeout: 20 * SECOND_MS,
          include: ['test/**/*.test.ts'],
          exclude: [...ROOMS.flatMap(filesOf), FAKE_TIME, REAL_TIME],
        },
      },
      {
        extends: true,
        test: { name: 'fake-time', include: [FAKE_TIME], setupFiles: ['test/kit/fake-time.ts'] },
      },
      { extends: true, test: { name: 'real-time', include: [REAL_TIME], testTimeout: 30 * SECOND_MS } },
      {
        extends: true,
        test: {
          name: 'contract',
          include: filesOf('contract'),
          exclude: [IN_CHROMIUM],
          testTimeout: 30 * SECOND_MS,
        },
      },
      await inChromium(),
      ...simulations,
      { extends: true, test: { name: 'integration', include: filesOf('integration'), ...alone } },
      { extends: true, test: { name: 'package', include: filesOf('package'), ...alone, ...packed } },
      { extends: true, test: { name: 'docs', include: filesOf('docs'), ...alone, ...packed } },
      { extends: true, test: { name: 'browser', include: filesOf('browser'), ...alone, ...built } },
    ],
  },
})
