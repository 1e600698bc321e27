/** What the library weighs in a page: minified, gzipped, yjs and every dependency included. */
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'
import { consumer } from './packed.ts'

/** kB of 1000 bytes; a few percent above what was measured when the limit was set. */
const MAX_IMPORTED_KB = 39
const MAX_WITH_PROVIDERS_KB = 83

async function chunksOf(program: string): Promise<Rolldown.OutputChunk[]> {
  writeFileSync(`${consumer}size.js`, program)
  const built = await build({
    root: consumer,
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, modulePreload: false, rollupOptions: { input: `${consumer}size.js` } },
  })
  const outputs = Array.isArray(built) ? built : [built]
  return outputs.flatMap((output) => ('output' in output ? output.output : [])).filter((part) => part.type === 'chunk')
}

const kilobytesOf = (chunks: readonly Rolldown.OutputChunk[]): number =>
  Number((chunks.reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1_000).toFixed(1))

/** The chunks that are loaded with the entry: it and what it imports statically. */
function importedChunks(chunks: readonly Rolldown.OutputChunk[]): Rolldown.OutputChunk[] {
  const names = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
  for (const name of names)
    for (const next of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) names.add(next)
  return chunks.filter(({ fileName }) => names.has(fileName))
}

it('[H17] the library stays within its weight, at import and with the providers', async () => {
  const chunks = await chunksOf("import { Realtime } from 'copresence'\nglobalThis.realtime = new Realtime()")
  const imported = kilobytesOf(importedChunks(chunks))
  const withProviders = kilobytesOf(chunks)
  console.log(`copresence in a page: ${imported} kB at import, ${withProviders} kB with the providers`)
  expect(imported).toBeGreaterThan(19)
  expect(withProviders).toBeGreaterThan(imported)
  expect(imported).toBeLessThanOrEqual(MAX_IMPORTED_KB)
  expect(withProviders).toBeLessThanOrEqual(MAX_WITH_PROVIDERS_KB)
})
