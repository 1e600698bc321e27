/** The log: what happened, in words, with the time it was seen here. */
import { create, find, setData, setVariable } from './dom.ts'

export type LogEvent = 'joined' | 'left' | 'updated' | 'said' | 'server' | 'room'

export interface LogEntry {
  readonly event: LogEvent
  readonly text: string
  readonly name?: string
  readonly color?: string
}

export interface Log {
  add(entry: LogEntry): void
}

/** Lines that are kept; older ones go. */
const MAX_LINES = 100
/** Closer to the end than this, in px, the log follows what is new; further up somebody is reading. */
const FOLLOW_WITHIN_PX = 40

export function createLog(): Log {
  const list = find('log', HTMLOListElement)
  const panel = find('log-panel', HTMLDetailsElement)
  if (matchMedia('(max-width: 760px)').matches) panel.open = false
  const timeFormat = new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  return {
    add({ event, text, name = '', color }) {
      // Whoever is somewhere else than the address said has to see why, on a small screen too.
      if (event === 'room') panel.open = true
      const isFollowing = list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_WITHIN_PX
      const now = new Date()
      const time = create('time', 'log-time', timeFormat.format(now))
      time.dateTime = now.toISOString()
      const line = create('li', 'log-line')
      setData(line, { event, name })
      if (color !== undefined) setVariable(line, '--color', color)
      line.append(create('span', 'log-text', text), time)
      list.append(line)
      while (list.childElementCount > MAX_LINES) list.firstElementChild?.remove()
      if (isFollowing) list.scrollTop = list.scrollHeight
    },
  }
}
