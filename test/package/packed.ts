/** The package as users get it: packed, unpacked beside consumer programs. Knows where it lies, not what it must be. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A folder with the packed package in its node_modules; programs written here import it by name. */
export const consumer = fileURLToPath(new URL('../../.cache/consumer/', import.meta.url))
export const unpacked = `${consumer}node_modules/copresence/`
export const tarball = `${consumer}copresence.tgz`

export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

export const readManifest = (): Manifest => JSON.parse(readFileSync(`${unpacked}package.json`, 'utf8')) as Manifest

/** How a program that has ended did: its exit code (null where it was ended) and everything that it printed. */
export interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs a program of a consumer; one that does not end by itself is ended after `limitMs`. */
export async function runProgram(name: string, text: string, limitMs = 30_000): Promise<Ended> {
  mkdirSync(consumer, { recursive: true })
  writeFileSync(`${consumer}${name}`, text)
  const child = spawn(process.execPath, [name], { cwd: consumer, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  return { code, output }
}
