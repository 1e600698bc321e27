/** What a program weighs in a page: bundled, minified, gzipped, every dependency included. Knows no limit. */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, minifySync, type Rolldown } from 'vite'
import { root } from '../steps.ts'

export interface Weight {
  /** kB of 1000 bytes that are loaded with the program. */
  readonly atImport: number
  /** kB that it may load later, by the chunk's name. */
  readonly later: Readonly<Record<string, number>>
  /**
   * kB of each part of what is loaded with the program, gzipped by itself: a package, or a room of ours. Together they weigh
   * a little more than the whole, in which they share their repetitions.
   */
  readonly parts: Readonly<Record<string, number>>
}

/** Bundles a program that lies in `folder`, from which its imports are resolved. */
export async function weigh(folder: string, program: string): Promise<Weight> {
  const input = `${folder}weight.js`
  writeFileSync(input, program)
  const built = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, modulePreload: false, rollupOptions: { input } },
  })
  const outputs = Array.isArray(built) ? built : [built]
  const all = outputs.flatMap((output) => ('output' in output ? output.output : []))
  const chunks = all.filter((part) => part.type === 'chunk')
  const imported = importedChunks(chunks)
  const later = chunks.filter((chunk) => !imported.includes(chunk))
  return {
    atImport: sum(imported.map(({ code }) => kilobytes(code))),
    later: Object.fromEntries(later.map((chunk) => [nameOf(chunk), kilobytes(chunk.code)])),
    parts: partsOf(imported),
  }
}

/** Files of the packed package carry a hash of eight characters behind the name of what is in them. */
const nameOf = ({ facadeModuleId, name }: Rolldown.OutputChunk): string =>
  facadeModuleId?.match(/\/dist\/(.+)-[\w-]{8}\.mjs$/)?.[1] ?? name

/** The chunks that are loaded with the entry: it and what it imports statically. */
function importedChunks(chunks: readonly Rolldown.OutputChunk[]): Rolldown.OutputChunk[] {
  const names = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
  for (const name of names)
    for (const next of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) names.add(next)
  return chunks.filter(({ fileName }) => names.has(fileName))
}

function partsOf(chunks: readonly Rolldown.OutputChunk[]): Record<string, number> {
  const code = new Map<string, string>()
  for (const [file, module] of chunks.flatMap(({ modules }) => Object.entries(modules)))
    code.set(partOf(file), `${code.get(partOf(file)) ?? ''}${module.code ?? ''}`)
  const weights = [...code].map(([part, text]) => [part, kilobytes(minifySync('part.js', text).code)] as const)
  return Object.fromEntries(weights.filter(([, weight]) => weight > 0).sort(([, a], [, b]) => b - a))
}

/** `yjs`, `@noble/hashes`, or `lib/links`. */
function partOf(file: string): string {
  const dependency = file.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]
  if (dependency !== undefined && dependency !== 'copresence') return dependency
  const own = relative(root, file).split('/')
  return own.slice(0, own.length > 2 ? 2 : 1).join('/')
}

const kilobytes = (code: string): number => Number((gzipSync(code).length / 1_000).toFixed(1))

/** What a page loads only where it has no WebCrypto, or a secret is a person's. */
export const FALLBACKS: readonly string[] = ['library-crypto', 'password']

/** What the Yjs transport adds: all that is loaded late but those. */
export const yjsTransportOf = ({ later }: Weight): number =>
  sum(Object.entries(later).flatMap(([name, weight]) => (FALLBACKS.includes(name) ? [] : [weight])))

export const sum = (weights: readonly number[]): number =>
  Number(weights.reduce((total, weight) => total + weight, 0).toFixed(1))
