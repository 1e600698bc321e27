/** The record that users get: exactly five keys, in this order, frozen deeply. */
import type { ConnectionId, ParticipantId } from '../base/ids.ts'
import type { JsonValue } from '../base/json.ts'

/** One member of a channel. `timestamp` is Unix ms of the owner's last update, its join counting as the first. */
export interface Participant<T = unknown> {
  readonly connectionId: string
  readonly data: T
  readonly id: string
  readonly name: string
  readonly timestamp: number
}

/** What a record is made of; `data` is frozen deeply already. */
export interface ParticipantFields {
  readonly connectionId: ConnectionId
  readonly data: JsonValue
  readonly id: ParticipantId
  readonly name: string
  readonly timestamp: number
}

export const createParticipant = (fields: ParticipantFields): Participant<JsonValue> =>
  Object.freeze({
    connectionId: fields.connectionId,
    data: fields.data,
    id: fields.id,
    name: fields.name,
    timestamp: fields.timestamp,
  })

/** The order of `getAll()`, the same on every member: by join time, then connectionId. */
export const byJoinOrder = (
  left: { readonly joinedAt: number; readonly participant: Participant },
  right: { readonly joinedAt: number; readonly participant: Participant },
): number => left.joinedAt - right.joinedAt || (left.participant.connectionId < right.participant.connectionId ? -1 : 1)
