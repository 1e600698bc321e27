/** The project's sources as data, so that a check is a pure function of them. Knows files and syntax, no rule. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Text by path from the project's root, with forward slashes. */
export type Sources = ReadonlyMap<string, string>

/** One broken rule of the house: where, and what to do. */
export interface Problem {
  readonly file: string
  readonly line?: number
  readonly text: string
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Every file under these folders and files of the root. */
export function readSources(paths: readonly string[], folder = root): Sources {
  const sources = new Map<string, string>()
  for (const path of paths.flatMap((path) => filesUnder(folder, path)).sort()) {
    sources.set(path, readFileSync(join(folder, path), 'utf8'))
  }
  return sources
}

function filesUnder(folder: string, path: string): string[] {
  const entries = readdirSync(join(folder, posix.dirname(path)), { withFileTypes: true })
  const isFolder = entries.find((entry) => entry.name === posix.basename(path))?.isDirectory()
  if (isFolder === undefined) return []
  if (!isFolder) return [path]
  return readdirSync(join(folder, path)).flatMap((name) => filesUnder(folder, posix.join(path, name)))
}

export const isTypeScript = (file: string): boolean => /\.tsx?$/.test(file)

export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

export const lineOf = (node: ts.Node): number =>
  node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1

export interface Import {
  readonly specifier: string
  readonly line: number
  /** Whether it runs when the file is loaded: neither `import()` nor types alone. */
  readonly isEager: boolean
}

/** Everything that a file imports: statements, re-exports, `import()` and `import('…')` types. */
export function importsOf(file: string, text: string): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined, isEager: boolean) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) {
      imports.push({ specifier: node.text, line: lineOf(node), isEager })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, !node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, false)
    ts.forEachChild(node, visit)
  }
  visit(parse(file, text))
  return imports
}

/** The project's file that a relative import means, or undefined for a package. */
export function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
}
