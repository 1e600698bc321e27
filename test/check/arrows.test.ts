/** The check of the arrows refuses what is planted here. */
import { expect, it } from 'vitest'
import { checkArrows, checkTopLevel } from './arrows.ts'

const problemsOf = (files: Record<string, string>): string[] =>
  checkArrows(new Map(Object.entries(files))).map(({ file, text }) => `${file}: ${text}`)

it('[H1] arrows that point down pass, type imports and import() included', () => {
  const problems = problemsOf({
    'lib/base/ids.ts': '',
    'lib/wire/frame.ts': "import type { ClientId } from '../base/ids.ts'",
    'lib/yjs/transport.ts': "import { a } from '../wire/frame.ts'\nimport { b } from './guard.ts'",
    'lib/yjs/guard.ts': "export * from '../base/ids.ts'",
    'lib/merge.ts': "import { c } from './base/ids.ts'",
    'lib/presence.ts': "import { c } from './merge.ts'",
    'lib/channel.ts': "import { d } from './presence.ts'",
    'lib/realtime.ts': "const e = () => import('./yjs/transport.ts')\nimport { d } from './channel.ts'",
    'lib/index.ts': "export { Realtime } from './realtime.ts'",
    'signaling-server/index.ts': "import { a } from '../lib/wire/frame.ts'\nimport { WebSocket } from 'ws'",
    'demo/main.ts': "import { Realtime } from '../lib/index.ts'\nimport { a } from './a.ts'",
  })
  expect(problems).toEqual([])
})

it.each([
  ['lib/base/a.ts', "import { b } from '../wire/b.ts'", 'base must not know wire'],
  ['lib/roster/a.ts', "import type { b } from '../identity/b.ts'", 'roster and identity are rooms of one rank'],
  ['lib/yjs/a.ts', "export { b } from '../awareness/b.ts'", 'yjs and awareness are rooms of one rank'],
  ['lib/wire/a.ts', "const b = () => import('../roster/b.ts')", 'wire must not know roster'],
  ['lib/roster/a.ts', "type B = import('../../lib/presence.ts').B", 'roster must not know root files'],
  ['lib/presence.ts', "import { b } from './channel.ts'", 'root files must not know channel'],
  ['lib/react/a.ts', "import { b } from '../index.ts'", 'react and index are rooms of one rank'],
  ['lib/attic/a.ts', "import { b } from '../base/b.ts'", 'the room attic has no rank'],
  ['lib/base/a.ts', "import { b } from '../../signaling-server/b.ts'", 'lib does not know signaling-server'],
  ['lib/base/a.ts', "import { b } from 'node:fs'", 'lib runs in browsers'],
  ['lib/base/a.ts', "import { WebSocket } from 'ws'", 'lib runs in browsers'],
  ['signaling-server/a.ts', "import { b } from '../lib/roster/b.ts'", 'the server knows only'],
  ['demo/a.ts', "import { b } from '../lib/presence.ts'", 'demo knows only what users can import'],
])('[H1] refused: %s with %s', (file, text, problem) => {
  expect(problemsOf({ [file]: text })).toEqual([expect.stringContaining(problem)])
})

it('[H1] a cycle is told once, with its way round', () => {
  const problems = problemsOf({
    'lib/base/a.ts': "import { b } from './b.ts'",
    'lib/base/b.ts': "import type { c } from './c.ts'",
    'lib/base/c.ts': "import { a } from './a.ts'",
  })
  expect(problems).toEqual(['lib/base/a.ts: a cycle: lib/base/a.ts -> lib/base/b.ts -> lib/base/c.ts -> lib/base/a.ts'])
})

it('[H1] the top level has an allow-list', () => {
  expect(checkTopLevel(['lib', 'README.md', '.ci', 'package.json'])).toEqual([])
  expect(checkTopLevel(['scripts', 'vite.config.ts']).map(({ file }) => file)).toEqual(['scripts', 'vite.config.ts'])
})
