/**
 * Our field in an awareness state. Bindings keep theirs (`user`, `cursor`, …) beside it.
 *
 *   state.copresence = { connectionId, id, name, data, timestamp, joinedAt, seq, sent }
 *
 * `seq` counts the owner's updates from 0 (its join), so that an update that changes nothing is told from a renewal. `sent`
 * is the number of its last message, so that whoever meets it knows which one is due.
 */
import type { ClientId, ConnectionId, ParticipantId } from '../base/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts'
import { utf8Bytes } from '../base/utf8.ts'
import type { AwarenessEntry } from './awareness-update.ts'
import { MAX_COUNT, MAX_ID_LENGTH, MAX_NAME_LENGTH } from './limits.ts'
import { accept, type Result, reject } from './result.ts'

/** The key of our field in an awareness state. */
export const PRESENCE_FIELD = 'copresence'

/** What one member says of itself. Times are Unix ms of the owner's clock; frozen deeply. */
export interface PresenceField {
  readonly connectionId: ConnectionId
  readonly id: ParticipantId
  readonly name: string
  readonly data: JsonValue
  readonly timestamp: number
  readonly joinedAt: number
  readonly seq: number
  readonly sent: number
}

const CONNECTION_ID = /^[A-Za-z0-9_-]{20,24}$/

/** Connection ids of foreign Yjs clients begin so: with a character that none of ours has. */
const FOREIGN_PREFIX = 'yjs.'

/** The connection id that a Yjs client without our field is shown under: `yjs.` and 16 digits. */
export const foreignConnectionId = (clientId: ClientId): ConnectionId =>
  `${FOREIGN_PREFIX}${String(clientId).padStart(16, '0')}` as ConnectionId

/** Whether the state carries our field at all, well-formed or not. */
export const hasPresenceField = (state: JsonObject): boolean => Object.hasOwn(state, PRESENCE_FIELD)

/** Reads and checks our field; `maxDataBytes` bounds the JSON of the data. */
export function readPresenceField(state: JsonObject, maxDataBytes: number): Result<PresenceField> {
  const field = state[PRESENCE_FIELD]
  if (!isJsonObject(field)) return reject('bad-presence')
  const { connectionId, id, name, data, timestamp, joinedAt, seq, sent } = field
  if (typeof connectionId !== 'string' || !CONNECTION_ID.test(connectionId)) return reject('bad-presence')
  if (!isText(id, MAX_ID_LENGTH) || id === '' || !isText(name, MAX_NAME_LENGTH) || data === undefined)
    return reject('bad-presence')
  if (!isCount(timestamp) || !isCount(joinedAt) || !isCount(seq) || !isCount(sent)) return reject('bad-presence')
  if (utf8Bytes(JSON.stringify(data)) > maxDataBytes) return reject('too-large')
  return accept(Object.freeze({ connectionId, id, name, data, timestamp, joinedAt, seq, sent } as PresenceField))
}

/** What a Yjs client that is not ours says of itself: its id is the client id, its name is `user.name`. */
export function readForeignEntry({ clientId, state }: AwarenessEntry): { id: ParticipantId; name: string } {
  const user = state?.user
  const name = isJsonObject(user) && typeof user.name === 'string' ? user.name.slice(0, MAX_NAME_LENGTH) : ''
  return { id: String(clientId) as ParticipantId, name }
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT
}
