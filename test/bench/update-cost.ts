/**
 * Messages and bytes of one presence update: a value as long as a cursor's, beside a profile that stays. A message belongs to the update if it holds the update's unique text, wherever
 * it is sent or passed on, sealed or not (counting.ts); what else was sent meanwhile is told beside it, as liveness and
 * renewals go on in the background.
 */
import { until } from '../kit/until.ts'
import { addTo, type Counts, emptyTally, LANES, type Lane, minus, type Tally, total } from './counts.ts'
import { UNOPENED } from './kinds.ts'
import { type BenchMember, sumCounts } from './members.ts'
import { median, progress } from './report.ts'
import { WORLDS, type World, type WorldName } from './worlds.ts'

const UPDATES = 3
/** 214 bytes of JSON. */
export const PROFILE = {
  color: '#30bced',
  avatar: `https://example.org/${'a'.repeat(127)}.png`,
  role: 'editor',
  team: 'design',
}
/** Nothing that belongs to an update came for so long: it is over. Re-broadcasts on one machine take a few ms. */
const QUIET_MS = 300
const HEARD_MS = 20_000

export interface UpdateCost extends Tally {
  readonly lanes: Record<Lane, Tally>
  /** The fewest other messages that were seen during one of the updates. */
  readonly besides: number
}

export interface MeasuredUpdate extends UpdateCost {
  /** The first update after the last join: over the relay it gives the others the key of those that follow. */
  readonly first: UpdateCost
}

/** The first member updates several times; the counts of all but the first must be the same each time. */
export async function measureUpdate(world: World): Promise<MeasuredUpdate> {
  const first = await measureOnce(world, 0)
  const runs: UpdateCost[] = []
  for (let run = 1; run <= UPDATES; run++) runs.push(await measureOnce(world, run))
  return { ...unite(world, runs), first }
}

async function measureOnce(world: World, run: number): Promise<UpdateCost> {
  const { members } = world
  const [sender] = members
  if (sender === undefined) throw new Error('An empty room.')
  // Of one length in every world, so that bytes can be compared.
  const place = (Object.keys(WORLDS) as WorldName[]).indexOf(world.name)
  // Unlike the one before from its first character to its last, since what stays the same may not be sent.
  const tag = `${run} ${place} ${String(members.length).padStart(2, '0')} updated ${run}`
  await Promise.all(members.map((member) => member.lookFor(tag)))
  const before = await sumCounts(members)
  await sender.update({ profile: PROFILE, tag })
  const isHeard = (member: BenchMember) =>
    member.told.some(({ event, data }) => event === 'update' && (data as { tag?: string }).tag === tag)
  await until(`all to hear ${tag}`, () => members.every((member) => member === sender || isHeard(member)), {
    timeoutMs: HEARD_MS,
    seen: () => members.filter((member) => !isHeard(member)).map(({ id }) => id),
  })
  const after = await untilQuiet(members)
  return summarise(world, after, minus(after, before))
}

const sumTagged = (counts: Counts): Tally => {
  const sum = emptyTally()
  for (const lane of LANES) addTo(sum, counts.tagged[lane])
  return sum
}

/** The counts once no tagged message was added for `QUIET_MS`. */
async function untilQuiet(members: readonly BenchMember[]): Promise<Counts> {
  let [last, since] = [await sumCounts(members), performance.now()]
  await until(
    'the update to be over',
    async () => {
      const now = await sumCounts(members)
      if (sumTagged(now).messages !== sumTagged(last).messages) since = performance.now()
      last = now
      return performance.now() - since > QUIET_MS
    },
    { timeoutMs: HEARD_MS, everyMs: 50 },
  )
  return last
}

function summarise(world: World, counts: Counts, during: Counts): UpdateCost {
  const unopened = total(during, LANES, (kind) => kind === UNOPENED).messages
  if (unopened > 0)
    progress(`${world.title}, ${world.members.length}: ${unopened} casts came to members whom they were not for`)
  const sum = sumTagged(counts)
  return { ...sum, lanes: counts.tagged, besides: total(during).messages - sum.messages }
}

/** The median of those that are not the same each time, and it says so. */
function unite(world: World, runs: readonly UpdateCost[]): UpdateCost {
  const counts = new Set(runs.map(({ messages }) => messages))
  if (counts.size > 1) progress(`${world.title}, ${world.members.length}: between runs ${[...counts].join(', ')}`)
  const middle = median(runs.map(({ messages }) => messages))
  const found = runs.find(({ messages }) => messages === middle) ?? runs[0]
  if (found === undefined) throw new Error('No runs.')
  return { ...found, besides: Math.min(...runs.map(({ besides }) => besides)) }
}
