/** Runs the steps of a command one after the other and counts their tests. Knows processes, not which steps there are. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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
}

/**
 * Runs every step, so that one run tells everything, and prints a summary; its last line is the counts, alone.
 * Resolves with whether all is well.
 */
export async function runSteps(steps: readonly Step[], print: (line: string) => void): Promise<boolean> {
  const totals: Counts = { passed: 0, failed: 0, skipped: 0 }
  const summary: string[] = []
  for (const step of steps) {
    print(`\n── ${step.name}`)
    const startedAt = performance.now()
    const isGood = await run(step)
    const { passed, failed, skipped } = countsOf(step, isGood)
    totals.passed += passed
    totals.failed += failed
    totals.skipped += skipped
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const skips = skipped === 0 ? '' : `, ${skipped} skipped`
    summary.push(
      `${isGood ? 'ok    ' : 'FAILED'} ${step.name}: ${passed} passed, ${failed} failed${skips}, ${seconds} s`,
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
  if (result === undefined) return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 }
  const file = join(root, result)
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
