/**
 * Rooms that grow one by one to 32 members, ours beside the stock providers: at each size what the last join cost, and what
 * one update does then. One process per member, as people are one browser each. A room that does not come so far within
 * `LIMIT_MS` of its last size is told as such, with how far it came.
 */
import { type Cost, type JoinCost, measureJoin } from './join-cost.ts'
import { printTable, progress, type Row, rounded, writeSection } from './report.ts'
import { type MeasuredUpdate, measureUpdate } from './update-cost.ts'
import { createWorld, WORLDS, type World, type WorldName } from './worlds.ts'

const chosen = process.argv.slice(2)
/** All of them, or those that are named on the command line. */
const WORLD_NAMES = (Object.keys(WORLDS) as WorldName[]).filter((name) => chosen.length === 0 || chosen.includes(name))
const SIZES = [2, 4, 8, 16, 32]
/** From one size to the next. */
const LIMIT_MS = 120_000

/** How far a room came, and after how long it was given up. */
interface Unmet {
  readonly unmet: { readonly members: number; readonly seconds: number }
}
type Results<Value> = Record<string, Record<string, Value | Unmet>>

const joins: Results<JoinCost> = {}
const updates: Results<MeasuredUpdate> = {}
const isUnmet = (value: object): value is Unmet => 'unmet' in value

/** Grows by one member at a time to `size`; the last join is the measured one. */
async function growTo(world: World, size: number): Promise<JoinCost> {
  const giveUpAt = performance.now() + LIMIT_MS
  while (world.members.length < size - 1) {
    await world.joinNext(giveUpAt - performance.now())
  }
  return measureJoin(world, giveUpAt - performance.now())
}

async function measure(world: World, size: number): Promise<boolean> {
  const { name, title } = world
  const startedAt = performance.now()
  try {
    const join = await growTo(world, size)
    joins[size] = { ...joins[size], [name]: join }
    progress(`${title}, join ${size}: ${join.deliveries} deliveries, all see all after ${join.allSeeAllMs} ms`)
    const update = await measureUpdate(world)
    updates[size] = { ...updates[size], [name]: update }
    progress(`${title}, ${size} members: ${update.messages} messages, ${update.bytes} B`)
    return true
  } catch (error) {
    const unmet = { members: world.members.length, seconds: rounded((performance.now() - startedAt) / 1000, 0) }
    joins[size] = { ...joins[size], [name]: { unmet } }
    updates[size] = { ...updates[size], [name]: { unmet } }
    progress(`${title}, ${size} members: given up at the join of ${unmet.members}: ${String(error).slice(0, 300)}`)
    return false
  }
}

for (const name of WORLD_NAMES) {
  progress(`${name}: starting ${SIZES.at(-1)} processes`)
  const world = await createWorld(name, SIZES.at(-1) ?? 0)
  try {
    await world.grow(1)
    for (const size of SIZES) if (!(await measure(world, size))) break
  } finally {
    await world.close()
  }
}

/** One row for each size and world; a world that did not come so far says so. */
const rowsOf = <Value extends object>(results: Results<Value>, cells: (value: Value, size: number) => Row): Row[] =>
  SIZES.flatMap((size) =>
    Object.entries(results[size] ?? {}).map(([name, value]): Row => {
      const label = `${size} members, ${name}`
      if (!isUnmet(value)) return [label, ...cells(value, size)]
      return [`${label}: not met, join ${value.unmet.members} given up, ${value.unmet.seconds} s`]
    }),
  )

printTable(
  'One update: messages and bytes by data channels, to the relay, from the relay; the first update; other messages',
  [
    '',
    'messages',
    'bytes',
    'direct',
    'up',
    'down',
    'direct B',
    'up B',
    'down B',
    '× ours',
    'first',
    'besides it',
    'besides',
  ],
  rowsOf(updates, ({ messages, bytes, lanes, first, besides }, size) => {
    const { direct, relayUp, relayDown } = lanes
    const lane = [direct.messages, relayUp.messages, relayDown.messages, direct.bytes, relayUp.bytes, relayDown.bytes]
    return [messages, bytes, ...lane, timesOurs(size, messages), first.messages, first.besides, besides]
  }),
)

const HEAD = ['', 'deliveries', 'bytes', 'sent', 'hellos', 'hello B', 'signals', 'signal B', 'candidates']
const MORE = ['direct signals', 'entries', 'entry B', 'relay, other', 'B', 'all', 'all B']
const costCells = (cost: Cost): number[] => {
  const { deliveries, deliveredBytes, signalingUp, hellos, signals, candidates, relayOther, all } = cost
  return [
    ...[deliveries, deliveredBytes, signalingUp, hellos.messages, hellos.bytes, signals.messages, signals.bytes],
    ...[candidates, cost.directSignals, cost.entryMessages, cost.entryBytes],
    ...[relayOther.messages, relayOther.bytes, all.messages, all.bytes],
  ]
}
printTable(
  'The last join: deliveries of signaling and their bytes, messages sent to it, hellos and signals of those, entries',
  [...HEAD, ...MORE, 'all see all ms', 'connected ms'],
  rowsOf(joins, (join) => [...costCells(join), join.allSeeAllMs, join.allConnectedMs]),
)
printTable(
  'The whole mesh, from its first member on',
  [...HEAD, ...MORE],
  rowsOf(joins, ({ mesh }) => costCells(mesh)),
)

if (chosen.length === 0) {
  const file = 'growth'
  const timesOursDirect = Object.fromEntries(SIZES.map((size) => [size, timesOurs(size, messagesOf(size, 'yWebrtc'))]))
  writeSection('update', { ...updates, timesOursDirect }, file)
  writeSection('join', joins, file)
}

function messagesOf(size: number, name: WorldName): number {
  const measured = updates[size]?.[name]
  return measured === undefined || isUnmet(measured) ? Number.NaN : measured.messages
}

/** Times our messages: with WebRTC all of them are direct. */
function timesOurs(size: number, messages: number): number {
  return messages / messagesOf(size, 'ours')
}
