/**
 * Loads the sources with a bug in them: a module that is asked for with `?planted=<name>`, and everything that it imports,
 * is another module than the sound one. Knows how, not which bugs there are.
 */
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { type Change, PLANTED } from './planted.ts'

const QUERY = '?planted='
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What holds no bug and no state of its own is the same for all. */
const isOurs = (id: string): boolean => id.startsWith(ROOT) && !id.includes('/node_modules/')

export function plantBugs(): Plugin {
  return {
    name: 'plant-bugs',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      const name = importer?.split(QUERY)[1]
      if (name === undefined || source.includes(QUERY)) return null
      const found = await this.resolve(source, importer?.split(QUERY)[0], { ...options, skipSelf: true })
      return found !== null && isOurs(found.id) ? { ...found, id: `${found.id}${QUERY}${name}` } : found
    },
    transform(code, id) {
      const [path = '', name] = id.split(QUERY)
      if (name === undefined) return null
      const bug = PLANTED[name]
      if (bug === undefined) throw new Error(`there is no planted bug ${name}`)
      const changes = bug.filter(({ file }) => path === `${ROOT}${file}`)
      return changes.length === 0 ? null : changes.reduce(plant, code)
    },
  }
}

function plant(code: string, { file, from, to }: Change): string {
  const parts = code.split(from)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`)
  return parts.join(to)
}
