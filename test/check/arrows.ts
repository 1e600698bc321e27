/**
 * Which room may know which. Arrows point one way:
 *
 *   base <- wire <- {identity, roster} <- {awareness, signaling, links, yjs} <- root files <- channel <- realtime
 *        <- {index, react, testing}
 *
 * Rooms of one rank do not know each other; the channel introduces them.
 */
import { posix } from 'node:path'
import { importsOf, isTypeScript, type Problem, type Sources, targetOf } from './source.ts'

const FACADE = 'root files'

/** Lower ranks first. A new room gets its place here, or the check refuses it. */
const RANKS: readonly (readonly string[])[] = [
  ['base'],
  ['wire'],
  ['identity', 'roster'],
  ['awareness', 'signaling', 'links', 'yjs'],
  [FACADE],
  ['channel'],
  ['realtime'],
  ['index', 'react', 'testing'],
]

const SERVER_MAY_KNOW = ['wire', 'identity', 'base']
const PUBLIC_ENTRIES = ['lib/index.ts', 'lib/testing/index.ts', 'signaling-server/index.ts']
/** What may lie at the top of the project, dot-files apart. */
const TOP_LEVEL = [
  ...['lib', 'signaling-server', 'demo', 'test', 'package.json', 'package-lock.json', 'tsconfig.json'],
  ...['README.md', 'LICENSE'],
]

/** The room of a file of lib: its folder, or for a root file itself where it has a rank of its own. */
export function roomOf(file: string): string {
  const [, first = '', second] = file.split('/')
  if (second !== undefined) return first
  const name = posix.basename(first, '.ts')
  return RANKS.some((rank) => rank.includes(name)) ? name : FACADE
}

const rankOf = (room: string): number => RANKS.findIndex((rank) => rank.includes(room))

/** Wrong arrows and cycles in lib, signaling-server and demo. */
export function checkArrows(sources: Sources): Problem[] {
  const problems: Problem[] = []
  const graph = new Map<string, string[]>()
  for (const [file, text] of sources) {
    if (!isTypeScript(file)) continue
    const targets: string[] = []
    for (const { specifier, line, isEager } of importsOf(file, text)) {
      const target = targetOf(file, specifier)
      if (target !== undefined) targets.push(target)
      const problem = target === undefined ? wrongPackage(file, specifier, isEager) : wrongArrow(file, target)
      if (problem !== undefined) problems.push({ file, line, text: problem })
    }
    graph.set(file, targets)
  }
  return [...problems, ...cyclesOf(graph)]
}

function wrongArrow(file: string, target: string): string | undefined {
  const [from] = file.split('/')
  const [to] = target.split('/')
  if (from === 'lib') return to === 'lib' ? wrongRooms(roomOf(file), roomOf(target)) : `lib does not know ${to}`
  if (from === to) return undefined
  if (from === 'signaling-server') {
    const isAllowed = to === 'lib' && SERVER_MAY_KNOW.includes(roomOf(target))
    return isAllowed ? undefined : `the server knows only ${SERVER_MAY_KNOW.join(', ')} of lib, not ${target}`
  }
  return PUBLIC_ENTRIES.includes(target) ? undefined : `${from} knows only what users can import, not ${target}`
}

function wrongRooms(from: string, to: string): string | undefined {
  for (const room of [from, to])
    if (rankOf(room) < 0) return `the room ${room} has no rank; give it one in test/check/arrows.ts`
  if (from === to || rankOf(to) < rankOf(from)) return undefined
  return rankOf(from) === rankOf(to) ? `${from} and ${to} are rooms of one rank` : `${from} must not know ${to}`
}

function wrongPackage(file: string, specifier: string, isEager: boolean): string | undefined {
  if (!file.startsWith('lib/') || !isEager) return undefined
  const isOfNode = specifier.startsWith('node:') || specifier === 'ws'
  return isOfNode ? `lib runs in browsers: ${specifier} only by import() where it is needed` : undefined
}

/** Each cycle once, told where it closes. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): Problem[] {
  const problems: Problem[] = []
  const done = new Set<string>()
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) problems.push({ file, text: `a cycle: ${[...trail.slice(start), file].join(' -> ')}` })
    if (start >= 0 || done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return problems
}

/** Names at the top of the project that the house does not have. */
export function checkTopLevel(names: readonly string[]): Problem[] {
  return names
    .filter((name) => !name.startsWith('.') && !TOP_LEVEL.includes(name))
    .map((file) => ({ file, text: `the top level holds only ${TOP_LEVEL.join(', ')} and dot-files` }))
}
