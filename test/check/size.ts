/** How large a file may be, and what no file may say. */
import { isTypeScript, type Problem, type Sources } from './source.ts'

/** Lines at which a file is split, whatever it holds. */
const MAX_LINES = 400
/** Where admired libraries grew their thousand-line file. */
const MAX_LINES_OF: Readonly<Record<string, number>> = { 'lib/presence.ts': 200, 'lib/channel.ts': 250 }

interface Ban {
  readonly pattern: RegExp
  readonly reason: string
}

const BANS: readonly Ban[] = [
  { pattern: /(?<![\w.])\/(?:work|root|home\/[\w-]+|Users\/[\w-]+)\//, reason: 'a path of one machine' },
  { pattern: /https?:\/\/(?:registry\.|[\w.-]*artifactory)/, reason: 'the host of a package registry' },
  { pattern: /\b(?:TODO|FIXME|XXX)\b/, reason: 'an unfinished note; finish it or file an issue' },
  { pattern: /(?:biome-ignore|@ts-ignore|@ts-nocheck)\b(?!.*reason:)/, reason: 'a suppression without `reason:`' },
]

/** Whether the file is prose or data that quotes; only its machine paths and hosts are looked at. */
const isQuoting = (file: string): boolean => file.endsWith('.md') || file.endsWith('.json')

export function checkSize(sources: Sources): Problem[] {
  const problems: Problem[] = []
  for (const [file, text] of sources) {
    if (!isTypeScript(file)) continue
    const lines = text.trimEnd().split('\n').length
    const limit = MAX_LINES_OF[file] ?? MAX_LINES
    if (lines > limit) problems.push({ file, text: `${lines} lines, the limit is ${limit}: split it` })
  }
  return problems
}

export function checkWords(sources: Sources): Problem[] {
  const problems: Problem[] = []
  for (const [file, text] of sources) {
    const bans = isQuoting(file) ? BANS.slice(0, 2) : BANS
    for (const [index, line] of text.split('\n').entries()) {
      for (const { pattern, reason } of bans)
        if (pattern.test(line)) problems.push({ file, line: index + 1, text: reason })
    }
  }
  return problems
}

/** The lock file names no host: a clone installs from whatever registry its owner uses. */
export function checkLock(lock: string): Problem[] {
  return lock.includes('"resolved"')
    ? [{ file: 'package-lock.json', text: 'holds "resolved" addresses; leave them out' }]
    : []
}
