/**
 * Messages and bytes of one presence update in rooms of 2, 4, 8 and 16 members, ours beside the stock providers. A message
 * belongs to the update if it holds the update's unique text, wherever it is sent or passed on; what else was sent
 * meanwhile is shown beside it, as renewals go on in the background.
 */
import { until } from '../kit/until.ts'
import { type Counts, LANES, type Lane } from './counting.ts'
import { type BenchMember, minus, sumCounts } from './members.ts'
import { median, printTable, progress, type Row, writeSection } from './report.ts'
import { createWorld, type World, type WorldName } from './worlds.ts'

const SIZES = [2, 4, 8, 16]
const WORLD_NAMES: WorldName[] = ['ours', 'oursRelay', 'yWebrtc', 'yWebsocket', 'yWebsocketHere']
const UPDATES = 5
/** Nothing that belongs to an update came for so long: it is over. Re-broadcasts on one machine take a few ms. */
const QUIET_MS = 400

interface Measured {
  readonly messages: number
  readonly bytes: number
  readonly lanes: Record<Lane, { readonly messages: number; readonly bytes: number }>
  /** The fewest other messages that were seen during one of the updates. */
  readonly besides: number
}

async function measureUpdate(world: World, run: number): Promise<Measured> {
  const { members } = world
  const [sender] = members
  if (sender === undefined) throw new Error('An empty room.')
  // Of one length in every world, so that bytes can be compared.
  const tag = `<update ${WORLD_NAMES.indexOf(world.name)} ${String(members.length).padStart(2, '0')} ${run}>`
  await Promise.all(members.map((member) => member.lookFor(tag)))
  const before = await sumCounts(members)
  await sender.update({ status: 'online', cursor: { x: 640, y: 360 }, tag })
  const isHeard = (member: BenchMember) =>
    member.told.some(({ event, data }) => event === 'update' && (data as { tag?: string }).tag === tag)
  await until(`all to hear ${tag}`, () => members.every((member) => member === sender || isHeard(member)), {
    timeoutMs: 10_000,
  })
  const after = await untilQuiet(members)
  return summarise(after, minus(after, before))
}

/** The counts once no tagged message was added for `QUIET_MS`. */
async function untilQuiet(members: readonly BenchMember[]): Promise<Counts> {
  let [last, since] = [await sumCounts(members), performance.now()]
  const tagged = (counts: Counts) => LANES.reduce((sum, lane) => sum + counts[lane].taggedMessages, 0)
  await until(
    'the update to be over',
    async () => {
      const now = await sumCounts(members)
      if (tagged(now) !== tagged(last)) since = performance.now()
      last = now
      return performance.now() - since > QUIET_MS
    },
    { timeoutMs: 20_000, everyMs: 50 },
  )
  return last
}

function summarise(counts: Counts, during: Counts): Measured {
  const lanes = Object.fromEntries(
    LANES.map((lane) => [lane, { messages: counts[lane].taggedMessages, bytes: counts[lane].taggedBytes }]),
  ) as Measured['lanes']
  const sum = (pick: (lane: Lane) => number) => LANES.reduce((total, lane) => total + pick(lane), 0)
  const messages = sum((lane) => lanes[lane].messages)
  return {
    messages,
    bytes: sum((lane) => lanes[lane].bytes),
    lanes,
    besides: sum((lane) => during[lane].messages) - messages,
  }
}

/** The counts must be the same each time; the median is of those that are not, and it says so. */
function unite(world: World, runs: readonly Measured[]): Measured {
  const counts = new Set(runs.map(({ messages }) => messages))
  if (counts.size > 1) progress(`${world.title}, ${world.members.length}: between runs ${[...counts].join(', ')}`)
  const middle = median(runs.map(({ messages }) => messages))
  const found = runs.find(({ messages }) => messages === middle) ?? runs[0]
  if (found === undefined) throw new Error('No runs.')
  return { ...found, besides: Math.min(...runs.map(({ besides }) => besides)) }
}

const results: Record<string, Record<string, Measured>> = {}
for (const name of WORLD_NAMES) {
  progress(`${name}: starting ${SIZES.at(-1)} processes`)
  const world = await createWorld(name, SIZES.at(-1) ?? 0)
  try {
    for (const size of SIZES) {
      await world.grow(size)
      const runs: Measured[] = []
      for (let run = 0; run < UPDATES; run++) runs.push(await measureUpdate(world, run))
      const measured = unite(world, runs)
      results[size] = { ...results[size], [name]: measured }
      progress(`${world.title}, ${size} members: ${measured.messages} messages, ${measured.bytes} B`)
    }
  } finally {
    await world.close()
  }
}

const rows: Row[] = SIZES.flatMap((size) =>
  Object.entries(results[size] ?? {}).map(([name, { messages, bytes, lanes, besides }]): Row => {
    const { direct, relayUp, relayDown } = lanes
    const lane = [direct.messages, relayUp.messages, relayDown.messages, direct.bytes, relayUp.bytes, relayDown.bytes]
    return [`${size} members, ${name}`, messages, bytes, ...lane, ...timesOurs(size, messages), besides]
  }),
)
printTable(
  'One update: messages and bytes, by data channels, to the relay, from the relay; times those of ours',
  ['', 'messages', 'bytes', 'direct', 'up', 'down', 'direct B', 'up B', 'down B', '× ours', '× ours direct', 'besides'],
  rows,
)
writeSection('update', {
  updates: UPDATES,
  ...results,
  timesOursDirect: Object.fromEntries(
    SIZES.map((size) => [size, timesOurs(size, results[size]?.yWebrtc?.messages ?? Number.NaN)[1]]),
  ),
})

/** Times all of our messages, and times the direct ones alone. */
function timesOurs(size: number, messages: number): [number, number] {
  const ours = results[size]?.ours
  return [messages / (ours?.messages ?? Number.NaN), messages / (ours?.lanes.direct.messages ?? Number.NaN)]
}
