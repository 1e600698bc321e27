/** The set-up sees what is missing, and says and does nothing where all is there. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isInstalled, root } from '../setup.mjs'

const LOCKED = { '': { version: '0.1.0' }, 'node_modules/yjs': { version: '13.6.33' } }

function clone(installed: object | undefined, locked: object = LOCKED): string {
  const folder = mkdtempSync(join(tmpdir(), 'copresence-clone-'))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: locked }))
  if (installed === undefined) return folder
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }))
  return folder
}

it('[H13] all is installed where every locked package is there in its version', () => {
  expect(
    isInstalled(clone({ 'node_modules/yjs': { version: '13.6.33' }, 'node_modules/more': { version: '1.0.0' } })),
  ).toBe(true)
})

it('[H13] a missing folder, a missing package and another version are seen', () => {
  expect(isInstalled(clone(undefined))).toBe(false)
  expect(isInstalled(clone({}))).toBe(false)
  expect(isInstalled(clone({ 'node_modules/yjs': { version: '13.6.32' } }))).toBe(false)
})

it('[H13] a package for another platform is not missed', () => {
  const locked = { 'node_modules/esbuild-win32': { version: '1.0.0', optional: true } }
  expect(isInstalled(clone({}, locked))).toBe(true)
})

it('[H13] the set-up is silent and touches nothing where all is installed', () => {
  const stamp = () => statSync(join(root, 'node_modules/.package-lock.json')).mtimeMs
  const before = stamp()
  const { status, stdout, stderr } = spawnSync(process.execPath, ['test/setup.mjs', '--no-browser'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(stamp()).toBe(before)
})
