/**
 * Builds the package into dist/ and the demo page into dist/demo/.
 *
 *   node test/build.mjs [--if-changed]     with the flag: only where a source differs from the last build
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './setup.mjs'

const STAMP = join(root, '.cache/build.sha256')
const SOURCES = [
  'lib',
  'signaling-server',
  'demo',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.tsdown.config.ts',
]
const RESULTS = ['dist/index.mjs', 'dist/index.cjs', 'dist/main.mjs', 'dist/demo/index.html']

/** Builds; throws where a step fails. What the steps print goes to stderr. */
export function build({ ifChanged = false } = {}) {
  const stamp = hashOfSources()
  if (ifChanged && isBuilt(stamp)) return
  process.stderr.write('build: the package and the demo page into dist/\n')
  rmSync(STAMP, { force: true })
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run('tsdown', 'dist/run.mjs', ['--config', '.tsdown.config.ts'])
  run('vite', 'bin/vite.js', ['build', '--config', 'demo/vite.config.ts', '--logLevel', 'warn'])
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(STAMP, stamp)
}

function isBuilt(stamp) {
  const isWhole = RESULTS.every((file) => existsSync(join(root, file)))
  return isWhole && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp
}

function hashOfSources() {
  const hash = createHash('sha256')
  for (const file of SOURCES.flatMap(filesOf).sort()) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function filesOf(path) {
  if (!existsSync(join(root, path))) return []
  if (path.includes('.')) return [path]
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
}

function run(name, script, args) {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', name, script), ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error(`${name} did not succeed; its message is above`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build({ ifChanged: process.argv.includes('--if-changed') })
