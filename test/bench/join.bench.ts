/**
 * What one more member costs: from its connect until all see all, have their data channels and fall quiet, in rooms that
 * grow to 16 one by one. Signaling deliveries are the messages that the server sends to members at `/`. The mesh is what
 * all joins so far have cost together.
 */
import type { Counts } from './counting.ts'
import { minus, sumCounts } from './members.ts'
import { printTable, progress, writeSection } from './report.ts'
import { createWorld, type World, type WorldName } from './worlds.ts'

const SIZES = [2, 4, 8, 16]
const LARGEST = 16
const WORLD_NAMES: WorldName[] = ['ours', 'oursRelay', 'yWebrtc', 'yWebsocket']
/** After all have met, for candidates and answers that are still under way. */
const SETTLE_MS = 1_000

interface Cost {
  readonly deliveries: number
  readonly deliveredBytes: number
  /** Messages that members send to the signaling. */
  readonly signalingUp: number
  /** Awareness entries over data channels, to the relay and from it. */
  readonly entryMessages: number
  readonly entryBytes: number
  readonly directEntryBytes: number
}

interface Join extends Cost {
  /** Until all see all, by whatever way was first. */
  readonly allSeeAllMs: number
  /** Until each has a data channel to each, where the stack makes them. */
  readonly allConnectedMs: number
  readonly mesh: Cost
}

function costOf({ direct, relayUp, relayDown, signalingUp, signalingDown }: Counts): Cost {
  return {
    deliveries: signalingDown.messages,
    deliveredBytes: signalingDown.bytes,
    signalingUp: signalingUp.messages,
    entryMessages: direct.entryMessages + relayUp.entryMessages + relayDown.entryMessages,
    entryBytes: direct.entryBytes + relayUp.entryBytes + relayDown.entryBytes,
    directEntryBytes: direct.entryBytes,
  }
}

async function measureJoin(world: World): Promise<Join> {
  const before = await sumCounts(world.members)
  const startedAt = await world.joinNext()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const { members } = world
  const after = await sumCounts(members)
  /** When the last member's view became so and stayed so. */
  const lastAt = (isSo: (view: { seen: number; direct: number }) => boolean) =>
    Math.max(
      ...members.map(
        ({ views }) => views.find((view, index) => isSo(view) && views.slice(index).every(isSo))?.at ?? Number.NaN,
      ),
    )
  return {
    ...costOf(minus(after, before)),
    allSeeAllMs: lastAt(({ seen }) => seen === members.length) - startedAt,
    allConnectedMs:
      lastAt(({ seen, direct }) => seen === members.length && direct === members[0]?.view().direct) - startedAt,
    mesh: costOf(after),
  }
}

const results: Record<string, Record<string, Join>> = {}
for (const name of WORLD_NAMES) {
  progress(`${name}: starting ${LARGEST} processes`)
  const world = await createWorld(name, LARGEST)
  try {
    await world.grow(1)
    for (let size = 2; size <= LARGEST; size++) {
      const join = await measureJoin(world)
      if (!SIZES.includes(size)) continue
      results[size] = { ...results[size], [name]: join }
      progress(`${world.title}, join ${size}: ${join.deliveries} deliveries, ${join.allSeeAllMs} ms`)
    }
  } finally {
    await world.close()
  }
}

const tableOf = (title: string, pick: (join: Join) => Cost, more: (join: Join) => number[] = () => []) =>
  printTable(
    title,
    ['', 'deliveries', 'bytes', 'sent', 'entries', 'entry B', 'entry B direct', 'all see all ms', 'connected ms'],
    SIZES.flatMap((size) =>
      Object.entries(results[size] ?? {}).map(([name, join]) => {
        const { deliveries, deliveredBytes, signalingUp, entryMessages, entryBytes, directEntryBytes } = pick(join)
        const costs = [deliveries, deliveredBytes, signalingUp, entryMessages, entryBytes, directEntryBytes]
        return [`${size} members, ${name}`, ...costs, ...more(join)]
      }),
    ),
  )
tableOf(
  'The last join: signaling deliveries and their bytes, messages sent to the signaling, messages and bytes of entries',
  (join) => join,
  ({ allSeeAllMs, allConnectedMs }) => [allSeeAllMs, allConnectedMs],
)
tableOf('The whole mesh, from its first member on', ({ mesh }) => mesh)
writeSection('join', results)
