import { describe, expect, it } from 'vitest'
import type { Moment } from '../../lib/base/clock.ts'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import type { JsonObject, JsonValue } from '../../lib/base/json.ts'
import {
  applyEvidence,
  CLOSED_HOLD_MS,
  DEPARTED_TTL_MS,
  emptyRoster,
  expireHolds,
  loseAllPaths,
  MAX_DEPARTED,
  nextExpiry,
  type RosterState,
  type RosterStep,
  restartHolds,
  SILENT_HOLD_MS,
} from '../../lib/roster/roster.ts'
import type { Evidence, Path, PathId, PathKind } from '../../lib/wire/transport.ts'

const OWN = 'own-connection-0123456' as ConnectionId
const RULES = { ownConnectionId: OWN, maxDataBytes: 100 }
const START = 1_700_000_000_000

const at = (steadyMs: number): Moment => ({ unixMs: START + steadyMs, steadyMs })

const connectionOf = (who: string) => who.padEnd(22, '_')

interface EntryOptions {
  clientId?: number
  who?: string
  clock?: number
  seq?: number
  data?: JsonValue
  timestamp?: number
  joinedAt?: number
  via?: PathKind
  extra?: JsonObject
  field?: unknown
}

function path(clientId = 1, kind: PathKind = 'direct'): Path {
  return { id: `${kind}:${clientId}` as PathId, kind, clientId: clientId as ClientId }
}

function entry(options: EntryOptions = {}): Evidence {
  const {
    clientId = 1,
    who = 'alice',
    clock = 1,
    seq = 0,
    data = {},
    timestamp = START,
    joinedAt = START,
    via = 'direct',
    extra = {},
  } = options
  const field = {
    connectionId: connectionOf(who),
    id: who,
    name: who.toUpperCase(),
    data,
    timestamp,
    joinedAt,
    seq,
    sent: 0,
  }
  const state = { ...extra, copresence: ('field' in options ? options.field : field) as JsonValue }
  return { kind: 'entry', path: path(clientId, via), entry: { clientId: clientId as ClientId, clock, state } }
}

function foreign(name: string | undefined, clock: number, clientId = 7): Evidence {
  const state: JsonObject = name === undefined ? { cursor: 1 } : { user: { name } }
  return { kind: 'entry', path: path(clientId), entry: { clientId: clientId as ClientId, clock, state } }
}

/** Plays evidence in order and keeps what was told; a number lets that many ms pass and holds expire. */
function play(...inputs: (Evidence | number)[]) {
  let state: RosterState = emptyRoster
  let steadyMs = 0
  const told: string[] = []
  const rejected: string[] = []
  const entries: string[] = []
  const take = (step: RosterStep) => {
    state = step.state
    told.push(...step.events.map(({ kind, participant }) => `${kind} ${participant.id}`))
    entries.push(
      ...step.entries.map(({ clientId, clock, state: written }) => `${clientId}@${written === null ? 'gone' : clock}`),
    )
    if (step.rejected !== undefined) rejected.push(step.rejected)
  }
  for (const input of inputs) {
    if (typeof input === 'number') {
      steadyMs += input
      take(expireHolds(state, at(steadyMs)))
    } else take(applyEvidence(state, input, at(steadyMs), RULES))
  }
  return { state, told, rejected, entries, steadyMs }
}

const goodbye = (clock: number, clientId = 1, via: PathKind = 'direct'): Evidence => ({
  kind: 'goodbye',
  path: path(clientId, via),
  clock,
})
const closed = (clientId = 1, via: PathKind = 'direct'): Evidence => ({ kind: 'closed', path: path(clientId, via) })
const lost = (clientId = 1, via: PathKind = 'direct'): Evidence => ({ kind: 'lost', path: path(clientId, via) })

describe('grades of evidence', () => {
  it('[O1] a goodbye of the owner ends the membership at once, with its last record', () => {
    const { told, state, entries } = play(entry(), entry({ clock: 2, seq: 1, data: { a: 1 } }), goodbye(3))
    expect(told).toEqual(['joined alice', 'update alice', 'leave alice'])
    expect(entries).toEqual(['1@1', '1@2', '1@gone'])
    expect(state.members.size).toBe(0)
    const last = applyEvidence(play(entry({ data: { a: 1 } })).state, goodbye(2), at(0), RULES).events[0]
    expect(last?.participant.data).toEqual({ a: 1 })
  })

  it('[O1] a goodbye older than the entry we have is stale', () => {
    expect(play(entry({ clock: 5 }), goodbye(4))).toMatchObject({ told: ['joined alice'], rejected: ['stale'] })
  })

  it('[O2] a closed path starts a hold of 1.5 s, and after it the member is gone', () => {
    expect(play(entry(), closed(), CLOSED_HOLD_MS - 1).told).toEqual(['joined alice'])
    expect(play(entry(), closed(), CLOSED_HOLD_MS).told).toEqual(['joined alice', 'leave alice'])
    expect(nextExpiry(play(entry(), closed()).state)).toBe(CLOSED_HOLD_MS)
    expect(nextExpiry(play(entry()).state)).toBeUndefined()
  })

  it('[O3] a path that we lost starts a hold of 13.5 s: longer than a gap of 10 s and a retry, shorter than 15 s', () => {
    expect(SILENT_HOLD_MS).toBeGreaterThan(11_500)
    expect(SILENT_HOLD_MS).toBeLessThan(15_000)
    expect(play(entry(), lost(), SILENT_HOLD_MS - 1).told).toEqual(['joined alice'])
    expect(play(entry(), lost(), SILENT_HOLD_MS).told).toEqual(['joined alice', 'leave alice'])
  })

  it('[O3] the end of a path that was lost before only brings the end of a hold nearer', () => {
    expect(play(entry(), lost(), 1_000, closed(), CLOSED_HOLD_MS).told).toEqual(['joined alice', 'leave alice'])
    expect(play(entry(), closed(), 1_000, lost(), CLOSED_HOLD_MS - 1_000).told).toEqual(['joined alice', 'leave alice'])
  })

  it('[O3] silence counts from its beginning: one cut off after 12 s of it is held for 1.5 s at most, 13.5 s from its start', () => {
    const cutOff = (silentMs: number): Evidence => ({ ...closed(1, 'relay'), silentMs }) as Evidence
    const viaRelay = entry({ via: 'relay' })
    expect(nextExpiry(play(viaRelay, cutOff(12_500)).state)).toBe(SILENT_HOLD_MS - 12_500)
    expect(nextExpiry(play(viaRelay, cutOff(2_000)).state)).toBe(CLOSED_HOLD_MS)
    expect(play(entry(), viaRelay, cutOff(12_500), 1_000, closed(), 0).told).toEqual(['joined alice', 'leave alice'])
    const heardSince = [entry(), viaRelay, cutOff(12_500), entry({ clock: 2 }), 1_000, closed(), 0]
    expect(play(...heardSince).told).toEqual(['joined alice'])
  })

  it('[O4] a member who returns inside a hold was never gone, with the same entry or a newer one', () => {
    for (const hold of [closed(), lost()]) {
      const { told, state } = play(entry(), hold, 1_000, entry(), 60_000)
      expect(told).toEqual(['joined alice'])
      expect(nextExpiry(state)).toBeUndefined()
    }
    expect(play(entry(), lost(), 10_000, entry({ clock: 2, seq: 1, via: 'relay' }), 60_000).told).toEqual([
      'joined alice',
      'update alice',
    ])
  })

  it('[O5] one reached by two paths stays while one is left', () => {
    const both = [entry(), entry({ via: 'relay' })]
    expect(play(...both, closed(), 60_000).told).toEqual(['joined alice'])
    expect(play(...both, lost(1, 'relay'), 60_000).told).toEqual(['joined alice'])
    expect(play(...both, lost(1, 'relay'), 60_000, closed(), CLOSED_HOLD_MS).told).toEqual([
      'joined alice',
      'leave alice',
    ])
    expect(play(...both, closed(1, 'tab'), 60_000).told).toEqual(['joined alice'])
  })
})

describe('coming back', () => {
  it('[O6] a late frame of another path does not bring a departed member back; a newer entry of it does', () => {
    const departed = [entry({ clock: 4 }), goodbye(5)]
    expect(play(...departed, entry({ clock: 3, via: 'relay' })).rejected).toEqual(['stale'])
    expect(play(...departed, entry({ clock: 5, via: 'relay' })).told).toEqual(['joined alice', 'leave alice'])
    expect(play(...departed, entry({ clock: 6 })).told).toEqual(['joined alice', 'leave alice', 'joined alice'])
    expect(play(goodbye(5), entry({ clock: 4, via: 'relay' })).told).toEqual([])
  })

  it('[O8] one who was silent for longer than the hold leaves once and joins once, with the entry it had', () => {
    expect(play(entry({ clock: 4 }), lost(), SILENT_HOLD_MS, entry({ clock: 3 }), entry({ clock: 4 })).told).toEqual([
      'joined alice',
      'leave alice',
      'joined alice',
    ])
  })

  it('[O13] whoever departed with an inflated clock may come back when its time is over', () => {
    const inflated = [entry({ clock: 4 }), goodbye(2 ** 48), DEPARTED_TTL_MS - 1, entry({ clock: 5 })]
    expect(play(...inflated).rejected).toEqual(['stale'])
    expect(play(...inflated, 2, entry({ clock: 6 })).told).toEqual(['joined alice', 'leave alice', 'joined alice'])
  })

  it('[O13] the memory of the departed is bounded and aged', () => {
    const churn: (Evidence | number)[] = []
    for (let clientId = 1; clientId <= MAX_DEPARTED + 50; clientId++) {
      churn.push(entry({ clientId, who: `member-${clientId}` }), goodbye(2, clientId))
    }
    const { state } = play(...churn)
    expect([state.members.size, state.waiting.size, state.departed.size]).toEqual([0, 0, MAX_DEPARTED])
    expect(play(...churn, DEPARTED_TTL_MS + 1, entry({ clientId: 1 }), goodbye(2)).state.departed.size).toBe(1)
  })

  it('[O12] after our own sleep every hold starts again', () => {
    const { state } = play(entry(), lost())
    const awake = restartHolds(state, at(3_600_000))
    expect(expireHolds(awake, at(3_600_000)).events).toEqual([])
    expect(nextExpiry(awake)).toBe(3_600_000 + SILENT_HOLD_MS)
  })
})

describe('one connection, several memberships', () => {
  it('[O4] an answer ends a hold as an entry does, and brings nobody back', () => {
    const open = (clientId = 1): Evidence => ({ kind: 'open', path: path(clientId) })
    const { told, state } = play(entry(), lost(), 13_000, open(), 60_000)
    expect(told).toEqual(['joined alice'])
    expect(state.members.get(1 as ClientId)?.paths.size).toBe(1)
    expect(play(entry(), closed(), open(), closed(), CLOSED_HOLD_MS, open()).told).toEqual([
      'joined alice',
      'leave alice',
    ])
    expect(play(open(2)).state.members.size).toBe(0)
  })

  it('[O7] a newer membership begins when the older one ends: leave, then joined, never both at once', () => {
    const rejoin = entry({ clientId: 2, clock: 1, data: { fresh: true } })
    const { told, state, entries } = play(entry(), rejoin, entry({ clientId: 2, clock: 1, via: 'relay' }), goodbye(2))
    expect(told).toEqual(['joined alice', 'leave alice', 'joined alice'])
    expect(entries).toEqual(['1@1', '1@gone', '2@1'])
    expect(state.members.get(2 as ClientId)?.paths.size).toBe(2)
    expect(play(entry(), closed(), rejoin).told).toEqual(['joined alice', 'leave alice', 'joined alice'])
    expect(play(entry(), rejoin, closed(), CLOSED_HOLD_MS).told).toEqual([
      'joined alice',
      'leave alice',
      'joined alice',
    ])
  })

  it('[O7] one under the same client id, of a document that came back, ends the older one by its first entry', () => {
    const older = [entry(), entry({ clock: 2, seq: 5, data: { old: true } })]
    const rejoin = entry({ clock: 100, seq: 0, joinedAt: START + 1, data: { fresh: true } })
    const { told, state, entries, rejected } = play(...older, rejoin, entry({ clock: 3, seq: 6 }), goodbye(2))
    expect(told).toEqual(['joined alice', 'update alice', 'leave alice', 'joined alice'])
    expect(entries).toEqual(['1@1', '1@2', '1@gone', '1@100'])
    expect(rejected).toEqual(['stale', 'stale'])
    expect(state.members.get(1 as ClientId)?.participant.data).toEqual({ fresh: true })
    expect(play(...older, lost(), rejoin).told).toEqual(['joined alice', 'update alice', 'leave alice', 'joined alice'])
  })

  it('[O7] one that ends while it waits is never told', () => {
    const rejoin = entry({ clientId: 2 })
    for (const end of [goodbye(2, 2), closed(2), lost(2)]) {
      const { told, state } = play(entry(), rejoin, end, goodbye(2))
      expect(told).toEqual(['joined alice', 'leave alice'])
      expect(state.waiting.size).toBe(0)
    }
  })

  it('[C13] of all our ways none is left: everybody is held anew, and who was to succeed somebody comes anew', () => {
    const { state } = play(entry(), closed(), entry({ clientId: 2, who: 'bob' }), entry({ clientId: 3, who: 'bob' }))
    const held = loseAllPaths(state, at(1_000))
    for (const member of held.members.values())
      expect([member.paths.size, member.holdUntil]).toEqual([0, 1_000 + SILENT_HOLD_MS])
    expect([held.members.size, held.waiting.size]).toEqual([2, 0])
    expect(expireHolds(held, at(1_000 + SILENT_HOLD_MS)).events.map(({ kind }) => kind)).toEqual(['leave', 'leave'])
  })

  it('[O9] an entry that claims our own connection is refused', () => {
    const claim = {
      connectionId: OWN,
      id: 'mallory',
      name: '',
      data: {},
      timestamp: START,
      joinedAt: START,
      seq: 0,
      sent: 0,
    }
    expect(play(entry({ field: claim }))).toMatchObject({ told: [], rejected: ['own-entry'] })
  })

  it('[O9] a client cannot change the connection that its entry names', () => {
    expect(play(entry(), entry({ who: 'bob', clock: 2 }))).toMatchObject({
      told: ['joined alice'],
      rejected: ['bad-presence'],
    })
  })
})

describe('entries', () => {
  it('[O10] a room holds 128 members, ourselves included; further ones are refused and counted', () => {
    const crowd = Array.from({ length: 130 }, (_, index) => entry({ clientId: index + 1, who: `member-${index}` }))
    const { state, rejected } = play(...crowd)
    expect(state.members.size).toBe(127)
    expect(rejected).toEqual(['room-full', 'room-full', 'room-full'])
  })

  it('[O11] an older clock, or an older count of updates under a newer clock, changes nothing', () => {
    const { told, rejected, state } = play(
      entry({ clock: 5, seq: 3, data: 'new' }),
      entry({ clock: 4, seq: 4, data: 'old' }),
      entry({ clock: 6, seq: 2, data: 'older' }),
    )
    expect([told, rejected]).toEqual([['joined alice'], ['stale', 'stale']])
    expect(state.members.get(1 as ClientId)?.participant.data).toBe('new')
  })

  it('[O11] the same entry by another path, or a renewal, tells nothing', () => {
    const { told, entries } = play(
      entry(),
      entry({ via: 'relay' }),
      entry({ clock: 2 }),
      entry({ clock: 2, via: 'relay' }),
    )
    expect(told).toEqual(['joined alice'])
    expect(entries).toEqual(['1@1', '1@2'])
  })

  it('[O14] a foreign Yjs client is a participant: id = its client id, name = user.name; only a new name is an update', () => {
    const { told, state } = play(foreign(undefined, 1), foreign('Fred', 2), foreign('Fred', 3))
    expect(told).toEqual(['joined 7', 'update 7'])
    expect(state.members.get(7 as ClientId)?.participant).toEqual({
      connectionId: 'yjs.0000000000000007',
      data: {},
      id: '7',
      name: 'Fred',
      timestamp: START,
    })
  })

  it('[O16] a presence field that is no presence is refused whole', () => {
    const good = {
      connectionId: connectionOf('alice'),
      id: 'alice',
      name: '',
      data: {},
      timestamp: START,
      joinedAt: START,
      seq: 0,
      sent: 0,
    }
    const bad: unknown[] = [
      null,
      'text',
      { ...good, connectionId: 'short' },
      { ...good, connectionId: 'yjs.0000000000000007' },
      { ...good, connectionId: { toString: 1 } },
      { ...good, id: '' },
      { ...good, id: 'x'.repeat(65) },
      { ...good, name: 7 },
      { ...good, name: 'x'.repeat(1_025) },
      { ...good, timestamp: -1 },
      { ...good, timestamp: 2 ** 49 },
      { ...good, joinedAt: 'now' },
      { ...good, seq: 0.5 },
      { ...good, seq: null },
      { ...good, sent: undefined },
    ]
    for (const field of bad) expect([field, play(entry({ field })).rejected]).toEqual([field, ['bad-presence']])
    expect(play(entry({ data: 'x'.repeat(99) })).rejected).toEqual(['too-large'])
    expect(play(entry({ data: 'x'.repeat(98) })).told).toEqual(['joined alice'])
  })

  it('[O17] a timestamp never goes back, whatever its owner says', () => {
    const { state } = play(entry({ timestamp: START + 500 }), entry({ clock: 2, seq: 1, timestamp: START }))
    expect(state.members.get(1 as ClientId)?.participant.timestamp).toBe(START + 500)
  })

  it('[O18] the step is pure: the state it was given is not changed', () => {
    const { state } = play(entry(), entry({ clientId: 2, who: 'bob' }))
    const frozen = JSON.stringify([...state.members], (_key, value) => (value instanceof Map ? [...value] : value))
    for (const evidence of [entry({ clock: 2, seq: 1 }), goodbye(2), closed(), lost(2)])
      applyEvidence(state, evidence, at(9), RULES)
    expireHolds(state, at(99_999))
    expect(JSON.stringify([...state.members], (_key, value) => (value instanceof Map ? [...value] : value))).toBe(
      frozen,
    )
  })
})
