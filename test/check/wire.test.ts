/** The check of the wire's page refuses what is planted here. */
import { expect, it } from 'vitest'
import { checkWirePage } from './wire.ts'

const source =
  '/**\n * A frame.\n *\n *   frame = 1 token:varUint\n *\n *   other = 2\n *\n * Knows no more.\n */\nexport {}\n'
const page = (text: string) => `# The wire\n\n\`\`\`text\n${text}\n\`\`\`\n`
const check = (text: string) =>
  checkWirePage(
    new Map([
      ['lib/wire/a.ts', source],
      ['lib/wire/README.md', page(text)],
    ]),
  )

it('[H18] the shapes of a source stand in the page as they are', () => {
  expect(check('frame = 1 token:varUint\n\nother = 2')).toEqual([])
})

it.each([
  ['a shape that changed', 'frame = 1 token:varString\n\nother = 2'],
  ['a shape that is missing', 'frame = 1 token:varUint'],
])('[H18] refused: %s', (_what, text) => {
  expect(check(text).map(({ file }) => file)).toEqual(['lib/wire/a.ts', 'lib/wire/README.md'])
})

it('[H18] a file without shapes needs no place in the page', () => {
  expect(checkWirePage(new Map([['lib/a.ts', '/**\n * Says this:\n *\n *   only words\n */\n']]))).toEqual([])
})
