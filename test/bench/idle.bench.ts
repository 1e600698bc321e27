/**
 * What rooms of 2 to 32 members send while nobody does anything, over 60 s, ours beside the stock providers. The rooms of one
 * round are there at once, each with its own server and one process per member. Pings of WebSocket and the consent checks of
 * ICE are below what is counted; messages by which members and servers ask each other are in the column of signaling.
 *
 * Full meshes of 32 are left out, as is 16 of all kinds at once: with them the machine would be busy, and no room idle.
 */
import { type Counts, LANES, type Lane, minus, type Tally, total } from './counts.ts'
import { isEntry } from './kinds.ts'
import { sumCounts } from './members.ts'
import { printTable, progress, rounded, writeSection } from './report.ts'
import { createWorld, type World, type WorldName } from './worlds.ts'

const WORLD_NAMES: WorldName[] = ['ours', 'oursRelay', 'oursYjs', 'oursYjsRelay', 'yWebrtc', 'yWebsocket']
const ROUNDS: readonly { readonly sizes: readonly number[]; readonly names: readonly WorldName[] }[] = [
  { sizes: [2, 4, 8], names: WORLD_NAMES },
  { sizes: [16], names: ['ours', 'oursRelay'] },
  { sizes: [16], names: ['oursYjs', 'oursYjsRelay'] },
  { sizes: [16], names: ['yWebrtc', 'yWebsocket'] },
  { sizes: [32], names: ['oursRelay', 'oursYjsRelay', 'yWebsocket'] },
]
/** The sizes, and worlds, that are named on the command line are printed and not kept; without a name it is all of them. */
const chosen = process.argv
  .slice(2)
  .filter((word) => /^\d+$/.test(word))
  .map(Number)
const chosenNames = process.argv.slice(2).filter((word) => !/^\d+$/.test(word))
const SIZES = [...new Set(ROUNDS.flatMap(({ sizes }) => sizes))].filter(
  (size) => chosen.length === 0 || chosen.includes(size),
)
/** Four renewals of the stock providers; a pair of ours asks once or twice in it. */
const IDLE_MS = 60_000
/** After the last join, for what a join brings with it. */
const SETTLE_MS = 5_000

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Idle {
  /** Everything, per second of the whole room: each direct message once, each relayed one up and at every receiver. */
  readonly all: Tally
  readonly direct: Tally
  readonly relay: Tally
  readonly signaling: Tally
  /** Messages that carry entries, in the whole time. */
  readonly entryMessages: number
  /** The same rates by what the messages are. */
  readonly kinds: Record<string, Tally>
}

function summarise(counts: Counts, seconds: number): Idle {
  const perSecond = ({ messages, bytes }: Tally): Tally => ({
    messages: rounded(messages / seconds, 2),
    bytes: rounded(bytes / seconds, 1),
  })
  const rate = (...lanes: Lane[]) => perSecond(total(counts, lanes))
  const kinds = new Set(LANES.flatMap((lane) => Object.keys(counts.kinds[lane])))
  const byKind = [...kinds].map((kind) => [kind, perSecond(total(counts, LANES, (other) => other === kind))] as const)
  return {
    all: rate(...LANES),
    direct: rate('direct'),
    relay: rate('relayUp', 'relayDown'),
    signaling: rate('signalingUp', 'signalingDown'),
    entryMessages: total(counts, LANES, isEntry).messages,
    kinds: Object.fromEntries(byKind.filter(([, { messages }]) => messages > 0)),
  }
}

const results: Record<string, Record<string, Idle>> = {}

/** Makes the rooms of one round, leaves them alone, and keeps what they sent. */
async function measureRound(sizes: readonly number[], names: readonly WorldName[]): Promise<void> {
  if (sizes.length === 0 || names.length === 0) return
  const worlds: World[] = []
  try {
    for (const size of sizes) {
      for (const name of names) {
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
}

for (const { sizes, names } of ROUNDS)
  await measureRound(
    sizes.filter((size) => SIZES.includes(size)),
    names.filter((name) => chosenNames.length === 0 || chosenNames.includes(name)),
  )

printTable(
  'An idle room: messages and bytes a second, all members together',
  [
    '',
    'messages/s',
    'B/s',
    'direct',
    'relay',
    'signaling',
    'direct B',
    'relay B',
    'signaling B',
    '× ours B',
    'by kind, messages/s',
  ],
  SIZES.flatMap((size) =>
    Object.entries(results[size] ?? {}).map(([name, { all, direct, relay, signaling, kinds }]) => [
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
      Object.entries(kinds)
        .map(([kind, { messages }]) => `${kind} ${messages}`)
        .join(', '),
    ]),
  ),
)
if (process.argv.length === 2) writeSection('idle', { seconds: IDLE_MS / 1000, ...results })
