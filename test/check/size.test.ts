/** The checks of lengths and words refuse what is planted here. */
import { expect, it } from 'vitest'
import { checkLock, checkSize, checkWords } from './size.ts'

const lines = (count: number): string => 'x\n'.repeat(count)

it('[H3] a file at its limit passes, one line more is refused', () => {
  for (const [file, limit] of [
    ['lib/wire/a.ts', 400],
    ['lib/presence.ts', 200],
    ['lib/channel.ts', 250],
  ] as const) {
    expect(checkSize(new Map([[file, lines(limit)]]))).toEqual([])
    expect(checkSize(new Map([[file, lines(limit + 1)]])).map((problem) => problem.file)).toEqual([file])
  }
})

it.each([
  "const folder = '/home/alice/copresence/'",
  "const folder = '/root/copresence/'",
  "fetch('https://registry.example.org/yjs')",
  '// TODO: later',
  '// biome-ignore lint/a/b: it is in the way',
  '// @ts-ignore',
])('[H3] refused: %s', (line) => {
  expect(checkWords(new Map([['lib/a.ts', `one\n${line}`]]))).toEqual([expect.objectContaining({ line: 2 })])
})

it.each([
  "import { a } from '../root/a.ts'",
  "const url = 'https://example.org/home/'",
  '// biome-ignore lint/a/b: reason: the stock server does so',
])('[H3] allowed: %s', (line) => {
  expect(checkWords(new Map([['lib/a.ts', line]]))).toEqual([])
})

it('[H3] a lock file that names hosts is refused', () => {
  expect(checkLock('{ "version": "1.0.0" }')).toEqual([])
  expect(checkLock('{ "resolved": "https://registry.example.org/a.tgz" }')).toHaveLength(1)
})
