/** One other member as the roster keeps it, and how an entry makes or changes one. Pure. */
import type { Moment } from '../base/clock.ts'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import { foreignConnectionId, hasPresenceField, readForeignEntry, readPresenceField } from '../wire/presence-field.ts'
import { accept, type Result, reject } from '../wire/result.ts'
import type { Path, PathId } from '../wire/transport.ts'
import { createParticipant, type Participant } from './participant.ts'

export interface Member {
  readonly clientId: ClientId
  readonly connectionId: ConnectionId
  /** The record as users see it. */
  readonly participant: Participant
  /** Unix ms of the owner's join; for a foreign client, of when we first saw it. Never changes. */
  readonly joinedAt: number
  /** The owner's count of updates; a foreign client has none and stays at 0. */
  readonly seq: number
  /** The number of the owner's last message, by its newest entry; a foreign client sends none. */
  readonly sent: number
  /** The clock of the newest entry taken. */
  readonly clock: number
  /** The open ways by which it reaches us. */
  readonly paths: ReadonlyMap<PathId, Path>
  /** Since when nobody has had a sign of life, in steady ms, as the end of a path told; a newer entry ends it. */
  readonly silentSince?: number
  /** While no path is open: the steady ms after which the member is gone. */
  readonly holdUntil?: number
}

/** A member made of its first entry. `path` is where it came from. */
export function createMember(entry: AwarenessEntry, path: Path, now: Moment, maxDataBytes: number): Result<Member> {
  const { clientId, clock, state } = entry
  const base = { clientId, clock, paths: new Map([[path.id, path]]) }
  if (state === null) return reject('malformed')
  if (!hasPresenceField(state)) {
    const connectionId = foreignConnectionId(clientId)
    const participant = createParticipant({
      connectionId,
      data: Object.freeze({}),
      timestamp: now.unixMs,
      ...readForeignEntry(entry),
    })
    return accept({ ...base, connectionId, participant, joinedAt: now.unixMs, seq: 0, sent: 0 })
  }
  const field = readPresenceField(state, maxDataBytes)
  if (!field.ok) return field
  const { connectionId, joinedAt, seq, sent } = field.value
  return accept({ ...base, connectionId, participant: createParticipant(field.value), joinedAt, seq, sent })
}

/**
 * The member after a newer entry of its own; `newer-membership` where the entry is of one that has begun since. The record
 * changes only where the owner updated its presence: a renewal or a binding's own field leaves the very same record. Time never
 * goes back for one connection.
 */
export function renewMember(
  member: Member,
  entry: AwarenessEntry,
  path: Path,
  now: Moment,
  maxDataBytes: number,
): Result<Member> | 'newer-membership' {
  const renewed = createMember(entry, path, now, maxDataBytes)
  if (!renewed.ok) return renewed
  const { connectionId, joinedAt, participant, sent, seq } = renewed.value
  const isForeign = entry.state === null || !hasPresenceField(entry.state)
  if (connectionId !== member.connectionId) return reject('bad-presence')
  // [O7] A document that comes back brings its client id along.
  if (!isForeign && joinedAt > member.joinedAt) return 'newer-membership'
  if (seq < member.seq) return reject('stale')
  const isUpdate = isForeign ? participant.name !== member.participant.name : seq > member.seq
  const timestamp = Math.max(participant.timestamp, member.participant.timestamp)
  const { silentSince: _ended, ...heard } = member
  return accept({
    ...heard,
    clock: entry.clock,
    seq,
    sent,
    participant: isUpdate ? Object.freeze({ ...participant, timestamp }) : member.participant,
  })
}

/** The member with one path more, and so with no hold. */
export function withPath(member: Member, path: Path): Member {
  if (member.holdUntil === undefined && member.paths.has(path.id)) return member
  const { holdUntil: _ended, ...kept } = member
  return { ...kept, paths: new Map(member.paths).set(path.id, path) }
}

/** The member without that path; where it was the last one, held until `holdUntil`. */
export function withoutPath(member: Member, path: Path, holdUntil: number): Member {
  const paths = new Map(member.paths)
  paths.delete(path.id)
  return paths.size > 0 ? { ...member, paths } : { ...member, paths, holdUntil }
}
