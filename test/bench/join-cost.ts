/**
 * What one more member costs: from its connect until all see all, have their data channels and fall quiet. Deliveries are
 * the messages of signaling that servers send to members. The mesh is what all joins so far have cost together.
 */
import { type Counts, LANES, type Lane, minus, type Tally, total } from './counts.ts'
import { isEntry, isSignal, type Kind } from './kinds.ts'
import { sumCounts } from './members.ts'
import type { World } from './worlds.ts'

/** Before a measured join and after all have met, for candidates and answers that are still under way. */
const SETTLE_MS = 1_000
const RELAY: readonly Lane[] = ['relayUp', 'relayDown']

export interface Cost {
  /** Every message of the room: a direct one once, others up and at every receiver. */
  readonly all: Tally
  readonly deliveries: number
  readonly deliveredBytes: number
  /** Messages that members send to the signaling. */
  readonly signalingUp: number
  /** Awareness entries over data channels, to the relay and from it. */
  readonly entryMessages: number
  readonly entryBytes: number
  readonly directEntryBytes: number
  /** Deliveries that are hellos of links, and those that are their offers, answers and candidates. */
  readonly hellos: Tally
  readonly signals: Tally
  /** Signals that went by data channels, which were open by then. */
  readonly directSignals: number
  /** Of all signals those that are candidates. */
  readonly candidates: number
  /** What a server carried that is neither signaling nor an entry: pings, keys of casts and their receipts. */
  readonly relayOther: Tally
}

export interface JoinCost extends Cost {
  /** Until all see all, by whatever way was first. */
  readonly allSeeAllMs: number
  /** Until each has the data channels that it ends up with, where the stack makes them. */
  readonly allConnectedMs: number
  readonly mesh: Cost
}

function costOf(counts: Counts): Cost {
  const delivered = total(counts, ['signalingDown'])
  const entries = total(counts, LANES, isEntry)
  const deliveriesOf = (isAsked: (kind: Kind) => boolean) => total(counts, ['signalingDown'], isAsked)
  return {
    all: total(counts),
    deliveries: delivered.messages,
    deliveredBytes: delivered.bytes,
    signalingUp: total(counts, ['signalingUp']).messages,
    entryMessages: entries.messages,
    entryBytes: entries.bytes,
    directEntryBytes: total(counts, ['direct'], isEntry).bytes,
    hellos: deliveriesOf((kind) => kind === 'hello' || kind === 'restart'),
    signals: deliveriesOf(isSignal),
    directSignals: total(counts, ['direct'], isSignal).messages,
    candidates: total(counts, ['signalingDown', 'direct'], (kind) => kind === 'signal:candidates').messages,
    relayOther: total(counts, RELAY, (kind) => !isEntry(kind)),
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS)) // reason: nothing tells that no more candidates come

/** The next member of the world joins, within so long. */
export async function measureJoin(world: World, limitMs?: number): Promise<JoinCost> {
  await settle()
  const before = await sumCounts(world.members)
  const startedAt = await world.joinNext(limitMs)
  await settle()
  const { members } = world
  const after = await sumCounts(members)
  /** When the last member's view became so and stayed so. */
  const lastAt = (isSo: (view: { seen: number; direct: number }, place: number) => boolean) =>
    Math.max(
      ...members.map(
        ({ views }, place) =>
          views.find((view, index) => isSo(view, place) && views.slice(index).every((later) => isSo(later, place)))
            ?.at ?? Number.NaN,
      ),
    )
  return {
    ...costOf(minus(after, before)),
    allSeeAllMs: lastAt(({ seen }) => seen === members.length) - startedAt,
    allConnectedMs:
      lastAt(({ seen, direct }, place) => seen === members.length && direct === members[place]?.view().direct) -
      startedAt,
    mesh: costOf(after),
  }
}
