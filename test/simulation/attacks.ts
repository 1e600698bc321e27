/**
 * The corpus: what a member gone bad says. Each attack is tried against members in the middle of all the other trouble, and
 * honest views must be what they were without it (F24). Knows the frames, and nothing of what should come of them.
 */
import * as encoding from 'lib0/encoding'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import { toBase64Url } from '../../lib/identity/bytes.ts'
import type { Dice } from '../../lib/testing/dice.ts'
import { encodeHelloEnvelope, encodeSealedEnvelope, RESTART_ENVELOPE } from '../../lib/wire/envelope.ts'
import * as frame from '../../lib/wire/link-frame.ts'
import { PRESENCE_FIELD } from '../../lib/wire/presence-field.ts'
import type { Mallory } from './mallory.ts'

export interface Target {
  readonly connectionId: ConnectionId
  readonly clientId: number
  readonly name: string
}

export interface AttackNeeds {
  readonly mallory: Mallory
  readonly dice: Dice
  /** Who is attacked, and in whose name or about whom. */
  readonly victim: Target
  readonly other: Target
  /** A count that grows with every call. */
  next(): number
}

interface Claim {
  readonly clientId: number
  readonly clock: number
  readonly connectionId: string
  readonly field?: object
}

const OWN_CLIENT_ID = 66_666
const MAX_COUNT = 2 ** 48
/** Enough to be a flood, and few enough that the answers of the honest are none. */
const FLOOD = 20

const entries = (all: readonly (readonly [clientId: number, clock: number, json: string])[]): Uint8Array =>
  frame.encodeEntry(
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, all.length)
      for (const [clientId, clock, json] of all) {
        encoding.writeVarUint(encoder, clientId)
        encoding.writeVarUint(encoder, clock)
        encoding.writeVarString(encoder, json)
      }
    }),
  )

const stateOf = ({ connectionId, clock, field = {} }: Claim): string => {
  const presence = { connectionId, id: 'mallory', name: '', data: { by: 'mallory' }, timestamp: 1, joinedAt: 1 }
  return JSON.stringify({ [PRESENCE_FIELD]: { ...presence, seq: clock, sent: 0, ...field } })
}
const entry = (claim: Claim): Uint8Array => entries([[claim.clientId, claim.clock, stateOf(claim)]])
const strangers = (dice: Dice, count: number): ConnectionId[] =>
  Array.from({ length: count }, () => toBase64Url(dice.bytes(16)) as ConnectionId)

/** Says its own entry, with anything else in it. */
function sayOwn({ mallory, victim, next }: AttackNeeds, field: object = {}): void {
  const { connectionId } = mallory
  mallory.say(victim.connectionId, entry({ clientId: OWN_CLIENT_ID, clock: next(), connectionId, field }))
}

const say = ({ mallory, victim }: AttackNeeds, bytes: Uint8Array): void => mallory.say(victim.connectionId, bytes)
const times = (count: number, act: (index: number) => void): void => {
  for (let index = 0; index < count; index++) act(index)
}

/** By name; the run counts which of them were tried. */
export const ATTACKS: Readonly<Record<string, (needs: AttackNeeds) => void>> = {
  'its own entry, and other data in it for each': (needs) => sayOwn(needs, { data: { for: needs.victim.name } }),
  'an entry of another, over its own link': (needs) =>
    say(needs, entry({ ...needs.other, clock: needs.next(), field: { id: needs.other.name } })),
  'the entry of the victim itself': (needs) => say(needs, entry({ ...needs.victim, clock: needs.next() })),
  'a removal of another': ({ mallory, victim, other, next }) =>
    mallory.say(victim.connectionId, entries([[other.clientId, next() + 1_000, 'null']])),
  'its own entry under the client id of another': ({ mallory, victim, other, next }) => {
    const { connectionId } = mallory
    mallory.say(victim.connectionId, entry({ clientId: other.clientId, clock: next(), connectionId }))
  },
  'a goodbye under the client id of another': ({ mallory, victim, other, next }) => {
    const { connectionId } = mallory
    mallory.say(victim.connectionId, entry({ clientId: other.clientId, clock: next() + 1_000, connectionId }))
    mallory.say(victim.connectionId, frame.GOODBYE_FRAME)
  },
  'its own entry under the client id of the victim': ({ mallory, victim, next }) =>
    mallory.say(
      victim.connectionId,
      entry({ clientId: victim.clientId, clock: next(), connectionId: mallory.connectionId }),
    ),
  'clocks without bounds': ({ mallory, victim, other }) => {
    for (const clientId of [OWN_CLIENT_ID, other.clientId, victim.clientId])
      for (const clock of [MAX_COUNT, MAX_COUNT + 1, Number.MAX_SAFE_INTEGER])
        mallory.say(victim.connectionId, entry({ clientId, clock, connectionId: mallory.connectionId }))
  },
  'times and counts without bounds': (needs) =>
    sayOwn(needs, { timestamp: Number.MAX_SAFE_INTEGER, joinedAt: -1, sent: MAX_COUNT, seq: MAX_COUNT }),
  'several entries in one': ({ mallory, victim, other, next }) => {
    const { connectionId } = mallory
    const own = stateOf({ clientId: OWN_CLIENT_ID, clock: 1, connectionId })
    const another = stateOf({ ...other, clock: 1 })
    mallory.say(
      victim.connectionId,
      entries([
        [OWN_CLIENT_ID, next(), own],
        [other.clientId, next(), another],
      ]),
    )
  },
  'states that are no states': ({ mallory, victim, next }) => {
    const deep = `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`
    for (const json of ['null', '[]', '7', '"x"', '{', '{"__proto__":{"isAdmin":true}}', deep])
      mallory.say(victim.connectionId, entries([[OWN_CLIENT_ID, next(), json]]))
  },
  'a giant entry': (needs) => sayOwn(needs, { data: { big: 'x'.repeat(70_000) } }),
  'any bytes': ({ mallory, victim, dice }) =>
    times(FLOOD, () => {
      mallory.say(victim.connectionId, dice.bytes(dice.below(80)))
      mallory.sayRaw(victim.connectionId, dice.bytes(dice.below(80)))
    }),
  'frames cut short': ({ mallory, victim, dice, next }) => {
    const whole = entry({ clientId: OWN_CLIENT_ID, clock: next(), connectionId: mallory.connectionId })
    mallory.say(victim.connectionId, whole.subarray(0, dice.below(whole.length)))
  },
  'a replay of what the victim said': ({ mallory, victim }) => {
    for (const { from, bytes } of mallory.kept())
      if (from === victim.connectionId) mallory.sayRaw(victim.connectionId, bytes)
  },
  'a replay of what others said': ({ mallory, victim }) => {
    for (const { from, bytes } of mallory.kept())
      if (from !== victim.connectionId) mallory.sayRaw(victim.connectionId, bytes)
  },
  'a replay of what others said, as if passed on': ({ mallory, victim }) => {
    for (const { from, bytes } of mallory.kept())
      mallory.say(victim.connectionId, frame.encodeVia(from, bytes, 'passed'))
  },
  'hellos that prove nothing': ({ mallory, victim, dice }) =>
    times(FLOOD, () => mallory.sayRaw(victim.connectionId, encodeHelloEnvelope(dice.bytes(20 + dice.below(180))))),
  'sealed bytes of nobody’s keys': ({ mallory, victim, dice }) =>
    times(FLOOD, () => mallory.sayRaw(victim.connectionId, encodeSealedEnvelope(dice.bytes(20 + dice.below(80))))),
  'a request for new keys, again and again': ({ mallory, victim }) =>
    times(FLOOD, () => mallory.sayRaw(victim.connectionId, RESTART_ENVELOPE)),
  'a request for new keys in the name of another': (needs) =>
    say(needs, frame.encodeVia(needs.other.connectionId, RESTART_ENVELOPE, 'passed')),
  'lies about others, as if passed on': ({ mallory, victim, other, dice }) =>
    times(FLOOD, () => {
      const bytes = dice.chance(0.5) ? encodeSealedEnvelope(dice.bytes(60)) : encodeHelloEnvelope(dice.bytes(90))
      mallory.say(victim.connectionId, frame.encodeVia(other.connectionId, bytes, 'passed'))
    }),
  'rubbish to be passed on': ({ mallory, victim, other, dice }) =>
    times(FLOOD, () => mallory.say(victim.connectionId, frame.encodeVia(other.connectionId, dice.bytes(60)))),
  'members that it made up': (needs) => say(needs, frame.encodePeers(strangers(needs.dice, 8))),
  'a way to the others that leads nowhere': (needs) =>
    say(needs, frame.encodePeers([needs.other.connectionId, needs.victim.connectionId])),
  'questions for everybody': (needs) =>
    say(needs, frame.encodeFind([...strangers(needs.dice, 8), needs.other.connectionId])),
  'a word that nobody knows': (needs) => {
    sayOwn(needs)
    say(needs, Uint8Array.of(9, 224, 212, 3))
  },
  'pings, pongs and questions': ({ mallory, victim, dice }) =>
    times(FLOOD, (index) => {
      mallory.say(
        victim.connectionId,
        index % 2 === 0 ? frame.encodePing(index) : frame.encodePong(dice.below(2 ** 40)),
      )
      mallory.say(victim.connectionId, frame.ASK_FRAME)
    }),
  'signals of no connection': ({ mallory, victim, dice }) => {
    for (const json of [
      '',
      '{}',
      '7',
      '{"type":"offer","sdp":"v=0"}',
      '{"type":"answer","sdp":7}',
      '{"candidate":"x"}',
    ])
      for (const kind of ['description', 'candidate', 'restart'] as const)
        if (dice.chance(0.5)) mallory.say(victim.connectionId, frame.encodeSignal(kind, json))
  },
  'a document nobody asked for': ({ mallory, victim, dice }) => {
    for (const step of [0, 1, 2] as const)
      mallory.say(victim.connectionId, frame.encodeDocument(step, dice.bytes(dice.below(40))))
  },
  'messages in the name of another': ({ mallory, victim, other, next }) => {
    const body = JSON.stringify({ name: 'chat', data: { stay: 0, seq: 1_000 }, timestamp: 1 })
    for (const clientId of [other.clientId, victim.clientId])
      mallory.say(victim.connectionId, frame.encodeMessage({ clientId: clientId as ClientId, seq: next(), body }))
  },
  'a goodbye, and here again': (needs) => {
    sayOwn(needs)
    say(needs, frame.GOODBYE_FRAME)
    sayOwn(needs)
  },
}
