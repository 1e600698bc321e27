/** The types of the packed package, under every way to resolve modules that consumers have. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { consumer, runProgram } from './packed.ts'

const WAYS: Record<string, { type: 'module' | 'commonjs'; options: ts.CompilerOptions }> = {
  'nodenext, ES modules': { type: 'module', options: { module: ts.ModuleKind.NodeNext } },
  'nodenext, CommonJS': { type: 'commonjs', options: { module: ts.ModuleKind.NodeNext } },
  bundler: {
    type: 'module',
    options: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  },
  node10: {
    type: 'commonjs',
    options: { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 },
  },
}

const LISTED = new URL('./exports.txt', import.meta.url)

function folderOf(way: string): string {
  return `${consumer}types-${Object.keys(WAYS).indexOf(way)}/`
}

function programOf(way: string, files: readonly string[]): ts.Program {
  const options = WAYS[way]?.options ?? {}
  const names = files.map((file) => `${folderOf(way)}${file}`)
  return ts.createProgram(names, {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: [],
    strict: true,
    esModuleInterop: true,
    skipLibCheck: true,
    noEmit: true,
    ...options,
  })
}

const told = (diagnostics: readonly ts.Diagnostic[]): string[] =>
  diagnostics.map(({ file, start = 0, messageText }) => {
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })

beforeAll(() => {
  for (const [way, { type }] of Object.entries(WAYS)) {
    mkdirSync(folderOf(way), { recursive: true })
    writeFileSync(`${folderOf(way)}package.json`, JSON.stringify({ type }))
    for (const file of ['use.ts', 'misuse.ts'])
      cpSync(new URL(`../types/${file}`, import.meta.url), `${folderOf(way)}${file}`)
  }
})

describe.each(Object.keys(WAYS))('%s', (way) => {
  it('[H6] use of the public API compiles, misuse does not', () => {
    const program = programOf(way, ['use.ts', 'misuse.ts'])
    expect(told(ts.getPreEmitDiagnostics(program))).toEqual([])
  })

  it('[H6] a mistake in a consumer is seen: nothing is `any` for want of types', () => {
    const { name } = { name: 'wrong.ts' }
    writeFileSync(
      `${folderOf(way)}${name}`,
      "import { Realtime } from 'copresence'\nimport { createSignalingServer } from 'copresence/signaling-server'\n" +
        'export const a: number = new Realtime()\nexport const b: number = createSignalingServer({})\n',
    )
    expect(told(ts.getPreEmitDiagnostics(programOf(way, [name])))).toHaveLength(2)
  })
})

it('[H11] the public exports are the reviewed list', async () => {
  const program = programOf('bundler', ['use.ts'])
  const use = program.getSourceFile(`${folderOf('bundler')}use.ts`)
  const lines = (use?.statements ?? []).flatMap((statement) =>
    ts.isImportDeclaration(statement) ? exportsOf(program.getTypeChecker(), statement.moduleSpecifier) : [],
  )
  const listed = readFileSync(LISTED, 'utf8').trim().split('\n')
  expect(lines.sort()).toEqual(listed)
  const print =
    "for (const entry of ['copresence', 'copresence/signaling-server', 'copresence/testing'])\n" +
    "for (const name of Object.keys(require(entry))) console.log(entry + ' value ' + name)"
  const { output } = await runProgram('exports.cjs', print)
  expect(output.trim().split('\n').sort()).toEqual(listed.filter((line) => line.includes(' value ')))
})

/** One line for each export of a module: its entry, whether it is a value, its name. */
function exportsOf(checker: ts.TypeChecker, specifier: ts.Expression): string[] {
  const module = checker.getSymbolAtLocation(specifier)
  const isType = (symbol: ts.Symbol): boolean => {
    const [declaration] = symbol.declarations ?? []
    if (declaration !== undefined && ts.isTypeOnlyExportDeclaration(declaration)) return true
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    return (target.flags & ts.SymbolFlags.Value) === 0
  }
  return (module === undefined ? [] : checker.getExportsOfModule(module)).map(
    (symbol) => `${specifier.getText().slice(1, -1)} ${isType(symbol) ? 'type' : 'value'} ${symbol.name}`,
  )
}
