/** Compiles the mix-ups of brands.ts: each is marked as expected, so one that compiles is an error here. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const file = fileURLToPath(new URL('./brands.ts', import.meta.url))

const errorsIn = (text: string): string[] => {
  const options: ts.CompilerOptions = { strict: true, noEmit: true, allowImportingTsExtensions: true, types: [] }
  const resolution = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
  const host = ts.createCompilerHost({ ...options, ...resolution })
  const { readFile, getSourceFile } = host
  host.readFile = (path) => (path === file ? text : readFile(path))
  host.getSourceFile = (path, target) =>
    path === file ? ts.createSourceFile(path, text, target, true) : getSourceFile(path, target)
  const program = ts.createProgram([file], { ...options, ...resolution }, host)
  return program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => String(messageText))
}

it('[H12] each mix-up of the four identities is an error of its own', { timeout: 60_000 }, () => {
  const text = readFileSync(file, 'utf8')
  const mistakes = text.split('@ts-expect-error').length - 1
  expect(mistakes).toBeGreaterThanOrEqual(9)
  expect(errorsIn(text)).toEqual([])
  expect(errorsIn(text.replaceAll('@ts-expect-error', 'not expected:'))).toHaveLength(mistakes)
})
