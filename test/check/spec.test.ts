/** The check of rules and tests refuses what is planted here. */
import { expect, it } from 'vitest'
import { checkSpec, rulesNamedBy } from './spec.ts'

const SPEC = '# Rules\n\n- **A1** one.\n- **A2** two.\n'

const problemsOf = (test: string, spec = SPEC): string[] =>
  checkSpec(
    new Map([
      ['lib/SPEC.md', spec],
      ['test/a.test.ts', test],
    ]),
  ).map(({ file, line, text }) => `${file}:${line}: ${text}`)

it('[H2] rules and tests that name each other pass, with every way to declare a test', () => {
  const problems = problemsOf(`
    it('[A1] a sentence', () => { /a/.test('b') })
    it.skipIf(true)('[A1][A2] a sentence', run)
    test.each([1, 2])('[A1, A2] a sentence %i', run)
    it.for([1])(\`[A2] a sentence \${1}\`, run)
    const other = test.extend({})
    describe('without a rule', () => {})`)
  expect(problems).toEqual([])
})

it('[H2] a rule without a test is refused', () => {
  expect(problemsOf("it('[A1] a sentence', run)")).toEqual(['lib/SPEC.md:4: A2 has no test'])
})

it.each([
  "it('a sentence', run)",
  "it('a sentence [A1]', run)",
  "it('[A1]', run)",
  "it.each([1])('a sentence', run)",
  "test.skipIf(true)('a sentence', run)",
  `it(\`\${rule} a sentence\`, run)`,
  'it(title, run)',
])('[H2] refused: %s', (test) => {
  const named = "it('[A1][A2] a sentence', run)\n"
  expect(problemsOf(named + test)).toEqual([
    expect.stringContaining("test/a.test.ts:2: a test's name begins with its rule"),
  ])
})

it('[H2] a test of an unknown rule and a rule told twice are refused', () => {
  expect(problemsOf("it('[A1][A2][Z9] a sentence', run)")).toEqual(['test/a.test.ts:1: Z9 is no rule of lib/SPEC.md'])
  expect(problemsOf("it('[A1][A2] a sentence', run)", `${SPEC}- **A1** again.`)).toEqual([
    'lib/SPEC.md:5: A1 is already taken',
  ])
})

it('[H2] the tests of a suite file count, and so do rules that wait in lib/SPEC.d', () => {
  const sources = new Map([
    ['lib/SPEC.d/a.md', '- **A1** one.'],
    ['test/contract/suite.ts', "it('[A1] a sentence', run)"],
  ])
  expect(checkSpec(sources)).toEqual([])
})

it('[H2] the rules of a name are read from its beginning', () => {
  expect(rulesNamedBy('[A1][B2, C3] a sentence [D4]')).toEqual(['A1', 'B2', 'C3'])
})
