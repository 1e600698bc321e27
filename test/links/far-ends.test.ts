/** What far ends say, of a link that a test plays: in which order, and after which end. */
import { expect, it } from 'vitest'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createFarEnds } from '../../lib/links/far-ends.ts'
import type { Link } from '../../lib/links/link.ts'
import { encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import type { ShownMember } from '../../lib/wire/transport.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

const ALICE = 'a'.repeat(22) as ConnectionId
const CLIENT = 7 as ClientId

function playedFarEnd(shown: readonly ShownMember[] = []) {
  const rejects = createRejectCounter()
  const told: string[] = []
  const names: number[] = []
  const state = { isReachable: true }
  const link = {
    ...{ peer: ALICE, isReachable: () => state.isReachable, best: () => undefined },
    askAnew: () => told.push('asked'),
  } as unknown as Link
  const farEnds = createFarEnds({
    ...{ clock: createVirtualClock(), clientId: 1 as ClientId, maxEntryBytes: 1_000, random: systemRandom, rejects },
    shown: () => shown,
    onEvidence({ kind, path }) {
      told.push(kind)
      names.push(path.clientId)
    },
    onMessage: (_path, { seq }, isEarly) => told.push(`message ${seq}${isEarly ? ', early' : ''}`),
    onSucceeded: () => undefined,
  })
  const entry = { clientId: CLIENT, clock: 1, state: { copresence: { connectionId: ALICE, joinedAt: 1 } } }
  return {
    ...{ farEnds, link, names, rejects, state, told },
    hearEntry: () => farEnds.receiveEntry(link, encodeAwarenessUpdate(entry), {} as Carrier),
    hearMessage: (seq: number, clientId = CLIENT, body = '{}') => farEnds.receiveMessage(link, { clientId, seq, body }),
  }
}

it('[M5] messages that overtook their sender’s first entry by another way are handed on behind it, four at most', () => {
  const { hearEntry, hearMessage, rejects, told } = playedFarEnd()
  for (const seq of [2, 1, 4, 3, 5]) hearMessage(seq)
  expect([told, rejects.totals()]).toEqual([[], { 'not-owner': 1 }])
  hearEntry()
  hearMessage(6)
  expect(told).toEqual(['entry', ...[1, 2, 3, 4].map((seq) => `message ${seq}, early`), 'message 6'])
})

it('[M5] none in the name of another, and none of more than 16 KiB', () => {
  const { hearEntry, hearMessage, rejects, told } = playedFarEnd()
  hearMessage(1, 8 as ClientId)
  hearMessage(2, CLIENT, 'x'.repeat(16_385))
  hearEntry()
  expect([told, rejects.totals()]).toEqual([['entry'], { 'not-owner': 2 }])
})

it('[T4] a page that is back goes on with the name that it gave to one whose client id another claims', () => {
  const claimed = { clientId: CLIENT, connectionId: 'm'.repeat(22) as ConnectionId, joinedAt: 5 }
  const named = { clientId: 99 as ClientId, connectionId: ALICE, joinedAt: 1 }
  const back = playedFarEnd([claimed, named])
  back.hearEntry()
  expect(back.names).toEqual([99])
  const free = playedFarEnd([named])
  free.hearEntry()
  expect(free.names).toEqual([99])
  const another = playedFarEnd([claimed, { ...named, joinedAt: 0 }])
  another.hearEntry()
  expect([CLIENT, 99]).not.toContain(another.names[0])
})

it('[T3] a goodbye ends the way of its sender, whatever clock that had', () => {
  const { farEnds, hearEntry, link, told } = playedFarEnd()
  hearEntry()
  farEnds.end(link)
  expect(told).toEqual(['entry', 'goodbye', 'closed'])
})

it('[F3] a first entry that is opened after its sender’s end shows nobody', () => {
  const { hearEntry, rejects, state, told } = playedFarEnd()
  state.isReachable = false
  hearEntry()
  expect([told, rejects.totals()]).toEqual([[], { stale: 1 }])
  state.isReachable = true
  hearEntry()
  expect(told).toEqual(['entry'])
})
