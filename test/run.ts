/**
 * Runs the steps of a command one after the other and says at the end, on a line of its own, how many tests there were.
 * Every step runs, so that one run tells everything; the exit code is 1 where any failed.
 *
 *   tsx test/run.ts check | test | check:deep | bench
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const RESULTS = '.cache/results'
const MINUTE_MS = 60_000

interface Step {
  readonly name: string
  /** A script for Node, relative to the root, and its arguments. */
  readonly command: readonly string[]
  /** A step that hangs is ended after this long, with everything that it started. */
  readonly limitMs: number
  /** Where a vitest step writes its counts; other steps count as one test. */
  readonly result?: string
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const BIN = { biome: 'node_modules/@biomejs/biome/bin/biome', tsc: 'node_modules/typescript/bin/tsc' }
const TSX = ['--import', 'tsx']

function vitest(name: string, projects: readonly string[], limitMs: number): Step {
  const result = `${RESULTS}/${name}.json`
  const flags = ['--config', 'test/vitest.config.ts', '--reporter', 'default', '--reporter', 'json']
  const chosen = projects.flatMap((project) => ['--project', project])
  const command = ['node_modules/vitest/vitest.mjs', 'run', ...flags, `--outputFile.json=${result}`, ...chosen]
  return { name, command, limitMs, result }
}

const check: readonly Step[] = [
  { name: 'format and lint', command: [BIN.biome, 'check', '--error-on-warnings', '.'], limitMs: MINUTE_MS },
  { name: 'types', command: [BIN.tsc, '-p', 'tsconfig.json'], limitMs: 2 * MINUTE_MS },
  { name: 'house', command: [...TSX, 'test/check/main.ts'], limitMs: MINUTE_MS },
  vitest('unit', ['unit', 'fake-time'], 3 * MINUTE_MS),
]

const build: Step = { name: 'build', command: ['test/build.mjs', '--if-changed'], limitMs: 2 * MINUTE_MS }

/** A folder that other work fills: the command fails clearly while there is nothing in it. */
function scriptsIn(folder: string, limitMs: number): Step[] {
  const path = `${root}${folder}`
  const files = existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.bench.ts')) : []
  if (files.length === 0) throw new Error(`${folder} holds no *.bench.ts: there is nothing to measure yet.`)
  return files.sort().map((file) => ({ name: file, command: [...TSX, `${folder}/${file}`], limitMs }))
}

const commands: Record<string, () => readonly Step[]> = {
  check: () => check,
  test: () => [
    ...check,
    build,
    vitest('contract', ['contract'], 4 * MINUTE_MS),
    vitest('integration', ['integration'], 5 * MINUTE_MS),
    vitest('package', ['package'], 3 * MINUTE_MS),
    vitest('docs', ['docs'], 3 * MINUTE_MS),
    vitest('browser', ['browser'], 6 * MINUTE_MS),
  ],
  'check:deep': () => [build, vitest('simulation', ['simulation'], 60 * MINUTE_MS)],
  bench: () => [build, ...scriptsIn('test/bench', 15 * MINUTE_MS)],
}

/** Resolves with whether the step ended well. Its output goes through as it comes. */
function run({ command, limitMs, name }: Step): Promise<boolean> {
  return new Promise((resolve) => {
    // A group of its own, so that whatever a step leaves running is ended with it.
    const child = spawn(process.execPath, [...command], { cwd: root, stdio: ['ignore', 1, 2], detached: true })
    const interrupted = () => {
      endGroup(child.pid)
      process.exit(130)
    }
    const limit = setTimeout(() => {
      console.error(`${name}: not done after ${limitMs} ms, ended`)
      endGroup(child.pid)
    }, limitMs)
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    const end = (isGood: boolean) => {
      clearTimeout(limit)
      endGroup(child.pid)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      resolve(isGood)
    }
    child.once('error', (error) => {
      console.error(`${name}: ${error.message}`)
      end(false)
    })
    child.once('exit', (code) => end(code === 0))
  })
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    // ESRCH is the good case: the step left nothing behind.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** What a step counted; a vitest step that ended badly without a failed test (a crash) is one failed test. */
function countsOf({ result }: Step, isGood: boolean): Counts {
  if (result === undefined) return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 }
  const file = `${root}${result}`
  // vitest writes nothing where a project has no test file yet.
  if (!existsSync(file)) return { passed: 0, failed: isGood ? 0 : 1, skipped: 0 }
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(file, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numTotalTests: number
  }
  const failed = isGood ? numFailedTests : Math.max(1, numFailedTests)
  return { passed: numPassedTests, failed, skipped: numTotalTests - numPassedTests - numFailedTests }
}

async function main(name: string): Promise<number> {
  const steps = commands[name]?.()
  if (steps === undefined) throw new Error(`Unknown command ${name}; there is ${Object.keys(commands).join(', ')}.`)
  rmSync(`${root}${RESULTS}`, { recursive: true, force: true })
  mkdirSync(`${root}${RESULTS}`, { recursive: true })
  const totals: Counts = { passed: 0, failed: 0, skipped: 0 }
  const summary: string[] = []
  for (const step of steps) {
    console.log(`\n── ${step.name}`)
    const startedAt = performance.now()
    const isGood = await run(step)
    const { passed, failed, skipped } = countsOf(step, isGood)
    totals.passed += passed
    totals.failed += failed
    totals.skipped += skipped
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    summary.push(`${isGood ? 'ok    ' : 'FAILED'} ${step.name}: ${passed}/${passed + failed + skipped} in ${seconds} s`)
  }
  console.log(`\n${summary.join('\n')}\n`)
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  return totals.failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv[2] ?? 'check')
