/** Sums of messages and bytes, by the way that they go and by what they are. Plain data. */
import type { Kind } from './kinds.ts'

/**
 * What a message travels by. Signaling is what serves to meet, by whatever socket: the stock signaling, and of our own
 * server's socket its own words, hellos, offers, answers and candidates. The relay is what else a server carries. A direct
 * message is counted where it is sent, once.
 */
export const LANES = ['direct', 'relayUp', 'relayDown', 'signalingUp', 'signalingDown'] as const
export type Lane = (typeof LANES)[number]

export interface Tally {
  messages: number
  bytes: number
}

export interface Counts {
  readonly kinds: Record<Lane, Record<Kind, Tally>>
  /** Those of them that hold the tag that is looked for. */
  readonly tagged: Record<Lane, Tally>
}

const byLane = <Value>(make: () => Value): Record<Lane, Value> => ({
  direct: make(),
  relayUp: make(),
  relayDown: make(),
  signalingUp: make(),
  signalingDown: make(),
})

export const emptyTally = (): Tally => ({ messages: 0, bytes: 0 })

export const emptyCounts = (): Counts => ({ kinds: byLane(() => ({})), tagged: byLane(emptyTally) })

export function addTo(tally: Tally, { messages, bytes }: Tally, sign: 1 | -1 = 1): void {
  tally.messages += sign * messages
  tally.bytes += sign * bytes
}

/** The one of that kind, made where there is none. */
export function tallyOf(counts: Counts, lane: Lane, kind: Kind): Tally {
  const tallies = counts.kinds[lane]
  const tally = tallies[kind] ?? emptyTally()
  tallies[kind] = tally
  return tally
}

/** All that goes by these lanes and is of a kind that is asked for. */
export function total(counts: Counts, lanes: readonly Lane[] = LANES, isAsked: (kind: Kind) => boolean = () => true) {
  const sum = emptyTally()
  for (const lane of lanes)
    for (const [kind, tally] of Object.entries(counts.kinds[lane])) if (isAsked(kind)) addTo(sum, tally)
  return sum
}

export function combine(first: Counts, second: Counts, sign: 1 | -1): Counts {
  const result = structuredClone(first)
  for (const lane of LANES) {
    addTo(result.tagged[lane], second.tagged[lane], sign)
    for (const [kind, tally] of Object.entries(second.kinds[lane])) addTo(tallyOf(result, lane, kind), tally, sign)
  }
  return result
}

export const minus = (after: Counts, before: Counts): Counts => combine(after, before, -1)
