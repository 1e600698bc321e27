/** Runs the steps of a command one after the other and counts their tests. Knows processes, not which steps there are. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Step {
  readonly name: string
  /** A script for Node, relative to the root, and its arguments. */
  readonly command: readonly string[]
  /** A step that hangs is ended after this long, with everything that it started. */
  readonly limitMs: number
  /** Where a vitest step writes its counts; other steps count as one test. */
  readonly result?: string
}

export interface Counts {
  passed: number
  failed: number
  skipped: number
  /** Names of tests that failed and first lines of why, so that the end of a long output tells enough to look for the cause. */
  failures: readonly string[]
}

/** What vitest writes of a run, as far as it is read here. */
interface VitestResult {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numTotalTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly status: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

const MAX_LINES_OF_WHY = 6

/**
 * Runs every step, so that one run tells everything, and prints a summary; its last line is the counts, alone.
 * Resolves with whether all is well.
 */
export async function runSteps(steps: readonly Step[], print: (line: string) => void): Promise<boolean> {
  const totals = { passed: 0, failed: 0, skipped: 0 }
  const summary: string[] = []
  for (const step of steps) {
    print(`\n── ${step.name}`)
    const startedAt = performance.now()
    const isGood = await run(step)
    const { passed, failed, skipped, failures } = countsOf(step, isGood)
    totals.passed += passed
    totals.failed += failed
    totals.skipped += skipped
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const skips = skipped === 0 ? '' : `, ${skipped} skipped`
    summary.push(
      `${isGood ? 'ok    ' : 'FAILED'} ${step.name}: ${passed} passed, ${failed} failed${skips}, ${seconds} s`,
      ...failures,
    )
  }
  print(`\n${summary.join('\n')}\n`)
  print(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  return totals.failed === 0
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
  if (result === undefined) return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, failures: [] }
  const file = join(root, result)
  // vitest writes nothing where a project has no test file yet.
  if (!existsSync(file)) return { passed: 0, failed: isGood ? 0 : 1, skipped: 0, failures: [] }
  const run = JSON.parse(readFileSync(file, 'utf8')) as VitestResult
  return {
    passed: run.numPassedTests,
    failed: isGood ? run.numFailedTests : Math.max(1, run.numFailedTests),
    skipped: run.numTotalTests - run.numPassedTests - run.numFailedTests,
    failures: run.testResults.flatMap(failuresOf),
  }
}

function failuresOf({ assertionResults, message, name, status }: VitestResult['testResults'][number]): string[] {
  const failed = assertionResults.filter((test) => test.status === 'failed')
  // A file that does not load has a message and no test.
  if (failed.length === 0) return status === 'failed' ? [`       ${relative(root, name)}`, ...whyLines(message)] : []
  return failed.flatMap(({ title, failureMessages }) => [
    `       ${relative(root, name)} ${title}`,
    ...whyLines(failureMessages?.[0] ?? ''),
  ])
}

const whyLines = (why: string): string[] =>
  why
    .split('\n')
    .slice(0, MAX_LINES_OF_WHY)
    .map((line) => `         ${line}`)
