/** Attacks on what is shown: entries and goodbyes of others, counts, shapes and sizes (T1 to T13). */
import * as frame from '../../lib/wire/link-frame.ts'
import {
  type Attack,
  change,
  entries,
  entry,
  FLOOD,
  OWN_CLIENT_ID,
  say,
  sayOwn,
  stateOf,
  times,
} from './attack-words.ts'

const MAX_COUNT = 2 ** 48

export const ATTACKS_ON_ENTRIES: Readonly<Record<string, Attack>> = {
  'its own entry, and other data in it for each': {
    threats: ['T5'],
    try: (needs) => sayOwn(needs, { data: { for: needs.victim.name } }),
  },
  'an entry of another, over its own link': {
    threats: ['T1'],
    try(needs) {
      const { connectionId } = needs.mallory
      const forged = { ...needs.other, clock: needs.next(), field: { id: needs.other.name } }
      say(needs, entry(forged))
      const own = { clientId: OWN_CLIENT_ID, clock: needs.next(), connectionId }
      say(needs, entry(own))
      say(needs, change(own, { ...forged, clock: needs.next() }))
    },
  },
  'the entry of the victim itself': {
    threats: ['T1', 'T4'],
    try: (needs) => say(needs, entry({ ...needs.victim, clock: needs.next() })),
  },
  'a removal of another': {
    threats: ['T2'],
    try: (needs) => say(needs, entries([[needs.other.clientId, needs.next() + 1_000, 'null']])),
  },
  'its own entry under the client id of another': {
    threats: ['T4'],
    try: (needs) => sayOwn(needs, {}, needs.other.clientId),
  },
  'a goodbye under the client id of another': {
    threats: ['T2', 'T4'],
    try(needs) {
      const { connectionId } = needs.mallory
      say(needs, entry({ clientId: needs.other.clientId, clock: needs.next() + 1_000, connectionId }))
      say(needs, frame.GOODBYE_FRAME)
    },
  },
  'its own entry under the client id of the victim': {
    threats: ['T4'],
    try: (needs) => sayOwn(needs, {}, needs.victim.clientId),
  },
  'clocks without bounds': {
    threats: ['T3'],
    try(needs) {
      const { connectionId } = needs.mallory
      for (const clientId of [OWN_CLIENT_ID, needs.other.clientId, needs.victim.clientId])
        for (const clock of [MAX_COUNT, MAX_COUNT + 1, Number.MAX_SAFE_INTEGER])
          say(needs, entry({ clientId, clock, connectionId }))
    },
  },
  'times and counts without bounds': {
    threats: ['T3'],
    try: (needs) =>
      sayOwn(needs, { timestamp: Number.MAX_SAFE_INTEGER, joinedAt: -1, sent: MAX_COUNT, seq: MAX_COUNT }),
  },
  'several entries in one': {
    threats: ['T1', 'T9', 'T12'],
    try(needs) {
      const { mallory, next, other } = needs
      const own = stateOf({ clientId: OWN_CLIENT_ID, clock: 1, connectionId: mallory.connectionId })
      const another = stateOf({ ...other, clock: 1 })
      say(
        needs,
        entries([
          [OWN_CLIENT_ID, next(), own],
          [other.clientId, next(), another],
        ]),
      )
    },
  },
  'states that are no states': {
    threats: ['T7', 'T9', 'T10'],
    try(needs) {
      const deep = `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`
      for (const json of ['null', '[]', '7', '"x"', '{', '{"__proto__":{"isAdmin":true}}', deep])
        say(needs, entries([[OWN_CLIENT_ID, needs.next(), json]]))
    },
  },
  'fields that are no fields': {
    threats: ['T9', 'T10'],
    try(needs) {
      for (const field of [
        { id: 7 },
        { data: 'x', name: null },
        { timestamp: 'now' },
        { __proto__: { x: 1 }, seq: -1 },
      ])
        sayOwn(needs, field)
    },
  },
  'a giant entry': { threats: ['T6'], try: (needs) => sayOwn(needs, { data: { big: 'x'.repeat(70_000) } }) },
  'frames cut short': {
    threats: ['T8', 'T9'],
    try(needs) {
      const { connectionId } = needs.mallory
      const whole = entry({ clientId: OWN_CLIENT_ID, clock: needs.next(), connectionId })
      say(needs, whole.subarray(0, needs.dice.below(whole.length)))
    },
  },
  'many clients of one link': {
    threats: ['T12'],
    try: (needs) => times(FLOOD, (index) => sayOwn(needs, {}, OWN_CLIENT_ID + index)),
  },
  'a coming and going without end': {
    threats: ['T13'],
    try: (needs) =>
      times(FLOOD, (index) => {
        sayOwn(needs, {}, OWN_CLIENT_ID + index)
        say(needs, frame.GOODBYE_FRAME)
      }),
  },
  'a goodbye, and here again': {
    threats: ['T13'],
    try(needs) {
      sayOwn(needs)
      say(needs, frame.GOODBYE_FRAME)
      sayOwn(needs)
    },
  },
}
