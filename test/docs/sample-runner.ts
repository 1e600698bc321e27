/** Compiles and runs samples against the packed package, as a reader who copies them would. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { consumer } from '../package/packed.ts'
import type { Run, Sample } from './samples.ts'

/** The address that samples name for a server that the reader has. */
export const EXAMPLE_SERVER = 'wss://presence.example.org'
/** A sample that has not ended by then will not. */
const RUN_LIMIT_MS = 20_000

const folder = `${consumer}samples/`
const COMPILER: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  typeRoots: [],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
}

/** What the compiler says of the samples, by the lines of the text that they come from. */
export function compileSamples(samples: readonly Sample[]): string[] {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}package.json`, '{ "type": "module" }')
  const files = new Map(samples.map((sample) => [`${folder}line-${sample.line}.ts`, sample]))
  // Each sample is a module of its own, whether or not it imports anything.
  for (const [file, { code }] of files) writeFileSync(file, `${code}\nexport {}\n`)
  const program = ts.createProgram([...files.keys()], COMPILER)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const sample = files.get(file?.fileName ?? '')
    const within = file?.getLineAndCharacterOfPosition(start).line ?? 0
    const where = sample === undefined ? file?.fileName : `line ${sample.line + within - sample.givenLines}`
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

/** Runs a sample; resolves with what is wrong, or undefined. `server` is the address of a real one. */
export async function runSample(sample: Sample, run: Run, server: string): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true })
  const code = sample.code.replaceAll(EXAMPLE_SERVER, server)
  const child =
    sample.language === 'ts'
      ? spawn(process.execPath, [writeProgram(sample.line, code)], { cwd: folder, detached: true })
      : spawn('bash', ['-euo', 'pipefail', '-c', withCommand(code)], { cwd: folder, detached: true })
  let output = ''
  let wasEnded = false
  const endGroup = (isWanted: boolean) => {
    wasEnded = isWanted
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      if (run.isEnded && !wasEnded && output.includes(run.prints ?? '')) endGroup(true)
    })
  }
  const limit = setTimeout(() => endGroup(false), RUN_LIMIT_MS)
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  if (!wasEnded && exitCode !== 0) return `ended with ${exitCode ?? 'a signal'} and printed: ${output}`
  const isPrinted = run.prints === undefined || output.includes(run.prints)
  return isPrinted ? undefined : `did not print ${JSON.stringify(run.prints)}, but: ${output}`
}

function writeProgram(line: number, code: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { ...COMPILER, noEmit: false, module: ts.ModuleKind.ESNext },
  })
  writeFileSync(`${folder}line-${line}.mjs`, outputText)
  return `${folder}line-${line}.mjs`
}

/** `npx copresence` is the packed command here, and `npm install copresence` has been done. */
function withCommand(code: string): string {
  const command = `${consumer}node_modules/copresence/dist/main.mjs`
  return code.replaceAll(/\bnpx copresence\b/g, `'${process.execPath}' '${command}'`)
}
