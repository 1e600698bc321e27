/**
 * What rooms of 2, 4, 8 and 16 members send while nobody does anything, over 60 s, ours beside the stock providers. All
 * rooms are there at once, each with its own server. Pings of WebSocket and the consent checks of ICE are below what is
 * counted; the stock signaling's own `ping` message is not, and is in its column.
 */
import type { Counts, Lane } from './counting.ts'
import { minus, sumCounts } from './members.ts'
import { printTable, progress, rounded, writeSection } from './report.ts'
import { createWorld, type World, type WorldName } from './worlds.ts'

const SIZES = [2, 4, 8, 16]
const WORLD_NAMES: WorldName[] = ['ours', 'oursRelay', 'yWebrtc', 'yWebsocket']
const IDLE_MS = 60_000
/** After the last join, for what a join brings with it. */
const SETTLE_MS = 5_000

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Rate {
  readonly messages: number
  readonly bytes: number
}

interface Idle {
  /** Everything, per second of the whole room: each direct message once, each relayed one up and at every receiver. */
  readonly all: Rate
  readonly direct: Rate
  readonly relay: Rate
  readonly signaling: Rate
  /** Messages that carry entries, in the whole time. */
  readonly entryMessages: number
}

function summarise(counts: Counts, seconds: number): Idle {
  const rate = (...lanes: Lane[]): Rate => ({
    messages: rounded(lanes.reduce((sum, lane) => sum + counts[lane].messages, 0) / seconds, 2),
    bytes: rounded(lanes.reduce((sum, lane) => sum + counts[lane].bytes, 0) / seconds, 1),
  })
  return {
    all: rate('direct', 'relayUp', 'relayDown', 'signalingUp', 'signalingDown'),
    direct: rate('direct'),
    relay: rate('relayUp', 'relayDown'),
    signaling: rate('signalingUp', 'signalingDown'),
    entryMessages: counts.direct.entryMessages + counts.relayUp.entryMessages + counts.relayDown.entryMessages,
  }
}

const worlds: World[] = []
const results: Record<string, Record<string, Idle>> = {}
try {
  for (const size of SIZES) {
    for (const name of WORLD_NAMES) {
      const world = await createWorld(name, size)
      worlds.push(world)
      await world.grow(size)
      progress(`${world.title}: ${size} members have met`)
    }
  }
  await wait(SETTLE_MS)
  progress(`idle for ${IDLE_MS / 1000} s`)
  const startedAt = performance.now()
  const before = await Promise.all(worlds.map(({ members }) => sumCounts(members)))
  await wait(IDLE_MS)
  const after = await Promise.all(worlds.map(({ members }) => sumCounts(members)))
  const seconds = (performance.now() - startedAt) / 1000
  for (const [index, { name, members }] of worlds.entries()) {
    const [first, last] = [before[index], after[index]]
    if (first === undefined || last === undefined) throw new Error('A world without counts.')
    results[members.length] = { ...results[members.length], [name]: summarise(minus(last, first), seconds) }
  }
} finally {
  await Promise.all(worlds.map((world) => world.close()))
}

printTable(
  'An idle room: messages and bytes a second, all members together',
  ['', 'messages/s', 'B/s', 'direct', 'relay', 'signaling', 'direct B', 'relay B', 'signaling B', '× ours B'],
  SIZES.flatMap((size) =>
    Object.entries(results[size] ?? {}).map(([name, { all, direct, relay, signaling }]) => [
      `${size} members, ${name}`,
      all.messages,
      all.bytes,
      direct.messages,
      relay.messages,
      signaling.messages,
      direct.bytes,
      relay.bytes,
      signaling.bytes,
      all.bytes / (results[size]?.ours?.all.bytes ?? Number.NaN),
    ]),
  ),
)
writeSection('idle', { seconds: IDLE_MS / 1000, ...results })
