/** What the packed package holds, and what its tools say of it. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { expect, it } from 'vitest'
import { importsOf } from '../check/source.ts'
import { readManifest, tarball, unpacked } from './packed.ts'

const ATTW = 'node_modules/@arethetypeswrong/cli/dist/index.js'
const SHIPPED = /^(?:package\.json|README\.md|LICENSE|dist|dist\/[\w-]+\.(?:d\.)?[cm](?:js|ts))$/

const files = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))
const built = files.filter((file) => file.startsWith('dist/'))

it('[H7] the package holds nothing but the build, its manifest, README and licence', () => {
  expect(files).toContain('dist/index.cjs')
  expect(files.filter((file) => !SHIPPED.test(file))).toEqual([])
})

it('[H7] publint has nothing to say', async () => {
  const manifest = JSON.parse(readFileSync(`${unpacked}package.json`, 'utf8'))
  const { messages } = await publint({ pkgDir: unpacked, strict: true, pack: false })
  expect(messages.map((message) => formatMessage(message, manifest))).toEqual([])
})

it('[H7] arethetypeswrong finds no problem, node10 included', () => {
  const { stdout } = spawnSync(process.execPath, [ATTW, tarball, '--format', 'json', '--no-definitely-typed'], {
    encoding: 'utf8',
  })
  const { analysis, problems } = JSON.parse(stdout) as { analysis: { entrypoints: object }; problems?: object }
  expect(Object.keys(analysis.entrypoints)).toEqual(['.', './signaling-server', './testing', './package.json'])
  expect(problems ?? {}).toEqual({})
})

it('[H7] every package that the build imports is declared', () => {
  const { dependencies, peerDependencies } = readManifest()
  const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  const imported = new Set<string>()
  for (const file of built) {
    const text = readFileSync(`${unpacked}${file}`, 'utf8')
    const required = [...text.matchAll(/require\("([^"]+)"\)/g)].map(([, specifier = '']) => specifier)
    for (const specifier of [...importsOf('a.ts', text).map((each) => each.specifier), ...required]) {
      if (!/^[./]|^node:/.test(specifier))
        imported.add(
          specifier
            .split('/')
            .slice(0, specifier[0] === '@' ? 2 : 1)
            .join('/'),
        )
    }
  }
  expect(imported).toContain('yjs')
  expect([...imported].filter((name) => !declared.has(name))).toEqual([])
})

it('[H8] the providers are only imported when a channel needs them', () => {
  // What importing the library brings: its own file, and whatever that imports at once.
  const files = ['dist/index.mjs']
  const eager: string[] = []
  for (const file of files) {
    const text = readFileSync(`${unpacked}${file}`, 'utf8')
    for (const { specifier, isEager } of importsOf('a.ts', text)) {
      if (!isEager) continue
      if (specifier.startsWith('./')) files.push(`dist/${specifier.slice(2)}`)
      else eager.push(specifier)
    }
  }
  expect(eager).toContain('yjs')
  expect(eager.filter((specifier) => /^(?:y-webrtc|y-websocket|ws|simple-peer)/.test(specifier))).toEqual([])
})
