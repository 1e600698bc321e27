/** `npm run check`, its step `house`: runs every check over the project and prints what is wrong. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkArrows, checkTopLevel } from './arrows.ts'
import { checkLock, checkSize, checkWords } from './size.ts'
import { type Problem, readSources, root } from './source.ts'
import { checkSpec } from './spec.ts'
import { checkWirePage } from './wire.ts'

/** Left by tools, and git-ignored. */
const GENERATED = ['node_modules', 'dist', '.cache', '.git']

const rooms = readSources(['lib', 'signaling-server', 'demo'])
const everything = readSources([...readdirSync(root).filter((name) => !GENERATED.includes(name))])
const problems: Problem[] = [
  ...checkTopLevel(readdirSync(root).filter((name) => !GENERATED.includes(name))),
  ...checkArrows(rooms),
  ...checkSpec(everything),
  ...checkSize(everything),
  ...checkWirePage(rooms),
  // The planted violations of the checks' own tests are the one place that may say anything.
  ...checkWords(new Map([...everything].filter(([file]) => !file.startsWith('test/check/')))),
  ...checkLock(readFileSync(join(root, 'package-lock.json'), 'utf8')),
]

for (const { file, line, text } of problems) console.error(`${file}${line === undefined ? '' : `:${line}`}  ${text}`)
console.log(problems.length === 0 ? 'The house is in order.' : `${problems.length} problems.`)
process.exitCode = problems.length === 0 ? 0 : 1
