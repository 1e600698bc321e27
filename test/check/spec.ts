/** Every rule has a test, every test names a rule. Knows the shape of both, not whether a test proves its rule. */
import ts from 'typescript'
import { isTypeScript, lineOf, type Problem, parse, type Sources } from './source.ts'

/** A rule as a document states it: `- **S3** sentence.` */
const RULE = /^- \*\*([A-Z]+\d+)\*\* \S/
/** The rules at the beginning of a test's name: `[S3] …`, `[S3][S4] …` or `[S3, S4] …`. */
const NAMED_RULES = /^((?:\[[A-Z]+\d+(?:, ?[A-Z]+\d+)*\] ?)+)\S/
const isRuleFile = (file: string): boolean => file === 'lib/SPEC.md' || /^lib\/SPEC\.d\/[^/]+\.md$/.test(file)
const isTestFile = (file: string): boolean => file.startsWith('test/') && isTypeScript(file)

interface TestTitle {
  readonly file: string
  readonly line: number
  /** Undefined where the title does not begin with literal text. */
  readonly title: string | undefined
}

/** Rules without a test, rules told twice, tests that name no rule or an unknown one. */
export function checkSpec(sources: Sources): Problem[] {
  const { rules, problems } = readRules(sources)
  const tested = new Set<string>()
  for (const { file, line, title } of titlesOf(sources)) {
    const named = rulesNamedBy(title ?? '')
    if (named.length === 0)
      problems.push({ file, line, text: `a test's name begins with its rule: [X1] ${title ?? '…'}` })
    for (const rule of named) {
      tested.add(rule)
      if (!rules.has(rule)) problems.push({ file, line, text: `${rule} is no rule of lib/SPEC.md` })
    }
  }
  for (const [rule, where] of rules) if (!tested.has(rule)) problems.push({ ...where, text: `${rule} has no test` })
  return problems
}

function readRules(sources: Sources): { rules: Map<string, { file: string; line: number }>; problems: Problem[] } {
  const rules = new Map<string, { file: string; line: number }>()
  const problems: Problem[] = []
  for (const [file, text] of sources) {
    if (!isRuleFile(file)) continue
    for (const [index, lineText] of text.split('\n').entries()) {
      const rule = RULE.exec(lineText)?.[1]
      if (rule === undefined) continue
      const where = { file, line: index + 1 }
      if (rules.has(rule)) problems.push({ ...where, text: `${rule} is already taken` })
      rules.set(rule, where)
    }
  }
  return { rules, problems }
}

export function rulesNamedBy(title: string): string[] {
  const named = NAMED_RULES.exec(title)?.[1] ?? ''
  return named.match(/[A-Z]+\d+/g) ?? []
}

/** The titles of `it` and `test`, with every modifier (`.skipIf(…)`, `.each(…)`, …) that vitest has. */
function titlesOf(sources: Sources): TestTitle[] {
  const titles: TestTitle[] = []
  for (const [file, text] of sources) {
    if (!isTestFile(file)) continue
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && isTestCall(node))
        titles.push({ file, line: lineOf(node), title: literalHead(node) })
      ts.forEachChild(node, visit)
    }
    visit(parse(file, text))
  }
  return titles
}

/** Whether this call declares a test: its root is `it` or `test`, and it is not a modifier's own call. */
function isTestCall(call: ts.CallExpression): boolean {
  const isOfModifier =
    ts.isCallExpression(call.parent) && call.parent.expression === call
      ? true
      : ts.isPropertyAccessExpression(call.parent)
  return !isOfModifier && ['it', 'test'].includes(rootName(call.expression) ?? '') && !isHook(call.expression)
}

function rootName(expression: ts.Expression): string | undefined {
  if (ts.isIdentifier(expression)) return expression.text
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression))
    return rootName(expression.expression)
  return undefined
}

/** `test.extend(…)` makes a new `test`, it declares none. */
function isHook(expression: ts.Expression): boolean {
  return (
    ts.isPropertyAccessExpression(expression) && ['extend', 'beforeEach', 'afterEach'].includes(expression.name.text)
  )
}

function literalHead(call: ts.CallExpression): string | undefined {
  const [title] = call.arguments
  if (title === undefined) return undefined
  if (ts.isStringLiteralLike(title)) return title.text
  return ts.isTemplateExpression(title) ? `${title.head.text}…` : undefined
}
