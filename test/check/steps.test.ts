/** The runner of the commands tells the truth about steps that pass, fail, crash and hang. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { until } from '../kit/until.ts'
import { root, runSteps, type Step } from '../steps.ts'

const folder = mkdtempSync(join(tmpdir(), 'copresence-steps-'))
const LIMIT_MS = 20_000
/** Two Node processes start one after the other, on a machine that has other work. */
const LONG_ENOUGH_TO_START_MS = 6_000

const step = (name: string, code: string, more: Partial<Step> = {}): Step => ({
  name,
  command: ['-e', code],
  limitMs: LIMIT_MS,
  ...more,
})

function resultFile(name: string, counts: object, testResults: readonly object[] = []): string {
  writeFileSync(join(folder, name), JSON.stringify({ ...counts, testResults }))
  return relative(root, join(folder, name))
}

async function linesOf(steps: readonly Step[]): Promise<{ isGood: boolean; lines: string[] }> {
  const lines: string[] = []
  const isGood = await runSteps(steps, (text) => lines.push(...text.split('\n')))
  return { isGood, lines }
}

it('[H15] the last line is the sum of all steps, alone', async () => {
  const result = resultFile('good.json', { numPassedTests: 5, numFailedTests: 0, numTotalTests: 7 })
  const { isGood, lines } = await linesOf([step('one', ''), step('two', '', { result })])
  expect(isGood).toBe(true)
  expect(lines.at(-1)).toBe('6 passed, 0 failed, 2 skipped')
})

it('[H15] a failed step fails the run, and the steps after it still run', async () => {
  const result = resultFile('bad.json', { numPassedTests: 5, numFailedTests: 2, numTotalTests: 7 })
  const exit = 'process.exitCode = 1'
  const { isGood, lines } = await linesOf([step('one', exit), step('two', exit, { result }), step('three', '')])
  expect(isGood).toBe(false)
  expect(lines.at(-1)).toBe('6 passed, 3 failed, 0 skipped')
})

it('[H15] the summary names each test that failed, and why', async () => {
  const files = [
    {
      name: join(root, 'test/a.test.ts'),
      status: 'failed',
      message: '',
      assertionResults: [
        { status: 'passed', title: '[X1] is well', failureMessages: [] },
        { status: 'failed', title: '[X2] is not', failureMessages: ['expected 1 to be 2\n    at a.test.ts:7'] },
      ],
    },
    { name: join(root, 'test/b.test.ts'), status: 'failed', message: 'cannot be loaded', assertionResults: [] },
  ]
  const result = resultFile('named.json', { numPassedTests: 1, numFailedTests: 1, numTotalTests: 2 }, files)
  const { lines } = await linesOf([step('one', 'process.exitCode = 1', { result })])
  const summary = lines.join('\n')
  expect(summary).toContain('test/a.test.ts [X2] is not')
  expect(summary).toContain('expected 1 to be 2')
  expect(summary).toContain('test/b.test.ts')
  expect(summary).toContain('cannot be loaded')
  expect(summary).not.toContain('[X1]')
})

it('[H15] a crash counts as a failure, whether or not results were written', async () => {
  const result = resultFile('crash.json', { numPassedTests: 5, numFailedTests: 0, numTotalTests: 5 })
  const crash = "process.kill(process.pid, 'SIGKILL')"
  const none = relative(root, join(folder, 'none.json'))
  const { isGood, lines } = await linesOf([step('one', crash, { result }), step('two', crash, { result: none })])
  expect(isGood).toBe(false)
  expect(lines.at(-1)).toBe('5 passed, 2 failed, 0 skipped')
})

it('[H15] a step that hangs is ended with what it started, and is a failure', async () => {
  const pidFile = join(folder, 'pid')
  const code = `
    const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(child.pid))
    setInterval(() => {}, 1000)`
  const { isGood, lines } = await linesOf([step('one', code, { limitMs: LONG_ENOUGH_TO_START_MS })])
  expect(isGood).toBe(false)
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped')
  const pid = Number(readFileSync(pidFile, 'utf8'))
  await until('the grandchild to be gone', () => !isAlive(pid))
})

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has waited for yet still answers signals: its state tells it.
    return process.kill(pid, 0) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    if (code !== 'ESRCH' && code !== 'ENOENT') throw error
    return false
  }
}
