/** What a member gone bad has at hand: its victims, its lines, and entries of any form. Knows the frames, and no attack. */
import * as encoding from 'lib0/encoding'
import { toBase64Url } from '../../lib/base/base64-url.ts'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import type { Dice } from '../../lib/testing/dice.ts'
import { encodeEntryChange, type Version, versionOf } from '../../lib/wire/entry-change.ts'
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

export interface Attack {
  /** Which rows of the threats it tries. */
  readonly threats: readonly string[]
  try(needs: AttackNeeds): void
}

interface Claim {
  readonly clientId: number
  readonly clock: number
  readonly connectionId: string
  readonly field?: object
}

export const OWN_CLIENT_ID = 66_666
/** Enough to be a flood, and few enough that the answers of the honest are none. */
export const FLOOD = 20

export const entries = (all: readonly (readonly [clientId: number, clock: number, json: string])[]): Uint8Array =>
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

export const stateOf = ({ connectionId, clock, field = {} }: Claim): string => {
  const presence = { connectionId, id: 'mallory', name: '', data: { by: 'mallory' }, timestamp: 1, joinedAt: 1 }
  return JSON.stringify({ [PRESENCE_FIELD]: { ...presence, seq: clock, sent: 0, ...field } })
}
export const entry = (claim: Claim): Uint8Array => entries([[claim.clientId, claim.clock, stateOf(claim)]])

/** The second claim, told as a change of the first. */
export const change = (from: Claim, to: Claim): Uint8Array =>
  frame.encodeChange(encodeEntryChange(versionOfClaim(from), versionOfClaim(to)))

const versionOfClaim = (claim: Claim): Version =>
  versionOf({ clientId: claim.clientId as ClientId, clock: claim.clock, state: JSON.parse(stateOf(claim)) })

export const strangers = (dice: Dice, count: number): ConnectionId[] =>
  Array.from({ length: count }, () => toBase64Url(dice.bytes(17)).slice(0, 22) as ConnectionId)

/** Says its own entry, with anything else in it. */
export function sayOwn({ mallory, victim, next }: AttackNeeds, field: object = {}, clientId = OWN_CLIENT_ID): void {
  const { connectionId } = mallory
  mallory.say(victim.connectionId, entry({ clientId, clock: next(), connectionId, field }))
}

export const say = ({ mallory, victim }: AttackNeeds, bytes: Uint8Array): void =>
  mallory.say(victim.connectionId, bytes)
export const sayRaw = ({ mallory, victim }: AttackNeeds, bytes: Uint8Array): void =>
  mallory.sayRaw(victim.connectionId, bytes)

export const times = (count: number, act: (index: number) => void): void => {
  for (let index = 0; index < count; index++) act(index)
}
