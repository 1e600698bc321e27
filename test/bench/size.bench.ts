/** What a browser loads, by part: yjs, the cryptography, and each room of ours. `npm run bench:size`. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { weigh, yjsTransportOf } from '../kit/weight.ts'
import { root } from '../steps.ts'
import { printTable, writeSection } from './report.ts'

/** In the project, so that packages are found from there. */
const FOLDER = join(root, '.cache/size/')

mkdirSync(FOLDER, { recursive: true })
const entry = JSON.stringify(join(root, 'lib/index.ts'))
const weight = await weigh(FOLDER, `import { Realtime } from ${entry}\nglobalThis.made = new Realtime()`)
const { atImport, later, parts } = weight
const yjsTransport = yjsTransportOf(weight)
printTable(
  'kB of 1000 bytes in a page, minified and gzipped',
  ['what', 'kB'],
  [
    ['all that links need', atImport],
    ...Object.entries(parts).map(([part, weight]) => [`  of it ${part}, by itself`, weight]),
    ['the Yjs transport, later', yjsTransport],
    ...Object.entries(later).map(([chunk, weight]) => [`later, where it is needed: ${chunk}`, weight]),
  ],
)
writeSection('size', { atImport, yjsTransport, parts, later })
