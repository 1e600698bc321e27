/**
 * The commands of the project and their steps; see steps.ts for how they are run and counted.
 *
 *   tsx test/run.ts check | test | check:deep | bench
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runSteps, type Step } from './steps.ts'

const RESULTS = '.cache/results'
const MINUTE_MS = 60_000

/** Two projects of one room: the schedules are shared out between two workers. */
const SIMULATION = ['simulation', 'simulation-2']

const BIN = { biome: 'node_modules/@biomejs/biome/bin/biome', tsc: 'node_modules/typescript/bin/tsc' }
const TSX = ['--import', 'tsx']

function vitest(name: string, projects: readonly string[], limitMs: number): Step {
  const result = `${RESULTS}/${name}.json`
  const flags = ['--config', 'test/vitest.config.ts', '--reporter', 'default', '--reporter', 'json']
  const chosen = projects.flatMap((project) => ['--project', project])
  const command = ['node_modules/vitest/vitest.mjs', 'run', ...flags, `--outputFile.json=${result}`, ...chosen]
  return { name, command, limitMs, result }
}

/** A limit only ends a step that hangs: on a machine that is busy with others a step may take three times as long as alone. */
const check: readonly Step[] = [
  { name: 'format and lint', command: [BIN.biome, 'check', '--error-on-warnings', '.'], limitMs: MINUTE_MS },
  { name: 'types', command: [BIN.tsc, '-p', 'tsconfig.json'], limitMs: 2 * MINUTE_MS },
  { name: 'house', command: [...TSX, 'test/check/main.ts'], limitMs: MINUTE_MS },
  vitest('unit', ['unit', 'fake-time'], 6 * MINUTE_MS),
]

const build: Step = { name: 'build', command: ['test/build.mjs', '--if-changed'], limitMs: 2 * MINUTE_MS }

/** A folder that other work fills: the command fails clearly while there is nothing in it. */
function scriptsIn(folder: string, limitMs: number): Step[] {
  const path = join(root, folder)
  const files = existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.bench.ts')) : []
  if (files.length === 0) throw new Error(`${folder} holds no *.bench.ts: there is nothing to measure yet.`)
  return files.sort().map((file) => ({ name: file, command: [...TSX, `${folder}/${file}`], limitMs }))
}

const commands: Record<string, () => readonly Step[]> = {
  check: () => check,
  test: () => [
    ...check,
    build,
    vitest('real-time', ['real-time'], 10 * MINUTE_MS),
    vitest('contract', ['contract'], 4 * MINUTE_MS),
    vitest('chromium', ['chromium'], 4 * MINUTE_MS),
    vitest('simulation', SIMULATION, 8 * MINUTE_MS),
    vitest('integration', ['integration'], 8 * MINUTE_MS),
    vitest('package', ['package'], 3 * MINUTE_MS),
    vitest('docs', ['docs'], 3 * MINUTE_MS),
    // Debian's Chromium takes 7 min on two cores: every test has browser contexts of its own.
    vitest('browser', ['browser'], 20 * MINUTE_MS),
  ],
  'check:deep': () => {
    // The fuzz tests and the slow ones read these; the numbers of a normal run stand in the tests.
    process.env.COPRESENCE_DEEP = '1'
    process.env.COPRESENCE_FUZZ_FRAMES ??= '1000000'
    return [
      build,
      vitest('unit', ['unit', 'fake-time', 'real-time'], 60 * MINUTE_MS),
      vitest('contract', ['contract'], 10 * MINUTE_MS),
      vitest('chromium', ['chromium'], 10 * MINUTE_MS),
      // 100,000 schedules.
      vitest('simulation', SIMULATION, 180 * MINUTE_MS),
      vitest('integration', ['integration', 'package', 'docs'], 15 * MINUTE_MS),
      // A mesh without servers for 5 minutes, a hidden tab for 10, a frozen one for 4.
      vitest('browser', ['browser'], 30 * MINUTE_MS),
    ]
  },
  bench: () => [build, ...scriptsIn('test/bench', 15 * MINUTE_MS)],
}

async function main(name: string): Promise<boolean> {
  const steps = commands[name]?.()
  if (steps === undefined) throw new Error(`Unknown command ${name}; there is ${Object.keys(commands).join(', ')}.`)
  rmSync(join(root, RESULTS), { recursive: true, force: true })
  mkdirSync(join(root, RESULTS), { recursive: true })
  return runSteps(steps, (line) => console.log(line))
}

process.exitCode = (await main(process.argv[2] ?? 'check')) ? 0 : 1
