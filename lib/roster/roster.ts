/**
 * Who is here. A pure step: evidence and the time in, the next state and events out. It knows no socket, no timer and no
 * awareness; it never hears of ourselves.
 *
 * Grades of evidence: a goodbye of the owner ends a membership at once; a closed path and a lost path only start a hold,
 * and a member who returns inside it was never gone.
 */
import type { Moment } from '../base/clock.ts'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import { MAX_MEMBERS } from '../wire/limits.ts'
import type { RejectReason } from '../wire/result.ts'
import type { Evidence, Path } from '../wire/transport.ts'
import { createMember, type Member, renewMember, withoutPath, withPath } from './member.ts'
import type { Participant } from './participant.ts'

/** After the far end's last socket or channel ended. With a probe of 1 s before it, a killed member is gone in 3 s. */
export const CLOSED_HOLD_MS = 1_500
/**
 * After we lost our own last way to a member, e.g. with a server: longer than a gap of 10 s with both ends' retry (at
 * most 1.5 s each) after it, shorter than the 15 s in which a silent member must be gone.
 */
export const SILENT_HOLD_MS = 13_500
/** Nobody is held who was silent for so long: what is left of 15 s after a timer that is a little late. */
export const LONGEST_SILENCE_MS = 14_750
/** How long a departed client's clock is remembered, so that a late frame of another path cannot bring it back. */
export const DEPARTED_TTL_MS = 60_000
/** Departed clients remembered at most; the oldest go first (threat T13). */
export const MAX_DEPARTED = 1_024

/** The newest clock that a departed client may not come back with. */
interface Departure {
  /** Whose departure it was, where that is known: another connection may have that client id from now on. */
  readonly connectionId: ConnectionId | undefined
  readonly clock: number
  readonly at: number
}

/** A newer membership of a connection whose older one has not ended yet. */
interface Successor {
  readonly member: Member
  readonly entry: AwarenessEntry
}

export interface RosterState {
  readonly members: ReadonlyMap<ClientId, Member>
  readonly waiting: ReadonlyMap<ConnectionId, Successor>
  readonly departed: ReadonlyMap<ClientId, Departure>
}

export type RosterEventKind = 'joined' | 'update' | 'leave'

export interface RosterEvent {
  readonly kind: RosterEventKind
  readonly participant: Participant
  readonly joinedAt: number
}

export interface RosterStep {
  readonly state: RosterState
  readonly events: readonly RosterEvent[]
  /** What changed for the awareness: entries to write, or with a null state to remove. */
  readonly entries: readonly AwarenessEntry[]
  readonly rejected?: RejectReason
}

export interface RosterRules {
  /** Our own connection: nobody else's entry may claim it. */
  readonly ownConnectionId: ConnectionId
  readonly maxDataBytes: number
}

export const emptyRoster: RosterState = { members: new Map(), waiting: new Map(), departed: new Map() }

/** Takes one piece of evidence. */
export function applyEvidence(state: RosterState, evidence: Evidence, now: Moment, rules: RosterRules): RosterStep {
  switch (evidence.kind) {
    case 'entry':
      return applyEntry(state, evidence.entry, evidence.path, now, rules)
    case 'open':
      return applyOpen(state, evidence.path)
    case 'goodbye':
      return applyGoodbye(state, evidence.path, evidence.clock, now)
    case 'closed':
      return applyClosed(state, evidence.path, now, evidence.silentMs ?? 0)
    case 'lost': {
      // [F4] Whoever was silent before that is gone in time all the same.
      const holdMs = Math.min(SILENT_HOLD_MS, LONGEST_SILENCE_MS - (evidence.silentMs ?? 0))
      return applyPathEnd(state, evidence.path, now.steadyMs + holdMs)
    }
  }
}

/** Ends the memberships whose hold is over. */
export function expireHolds(state: RosterState, now: Moment): RosterStep {
  let step = unchanged(state)
  for (const member of state.members.values()) {
    // A clock of one less: back from silence, the owner may still send the entry that we know.
    if (member.holdUntil !== undefined && member.holdUntil <= now.steadyMs)
      step = then(step, endMembership(step.state, member, member.clock - 1, now))
  }
  return step
}

/** When `expireHolds` next has something to do, in steady ms. */
export function nextExpiry(state: RosterState): number | undefined {
  const holds = [...state.members.values()].flatMap(({ holdUntil }) => (holdUntil === undefined ? [] : [holdUntil]))
  return holds.length === 0 ? undefined : Math.min(...holds)
}

/** Our own ways have all ended: everybody is held from now on, and whoever was to succeed somebody comes anew. */
export function loseAllPaths(state: RosterState, now: Moment): RosterState {
  const members = new Map<ClientId, Member>()
  for (const [clientId, { silentSince: _told, ...member }] of state.members)
    members.set(clientId, { ...member, paths: new Map(), holdUntil: now.steadyMs + SILENT_HOLD_MS })
  return { ...state, members, waiting: new Map() }
}

/** After our own sleep nobody may be judged by the time that passed: every hold starts again. */
export const restartHolds = (state: RosterState, now: Moment): RosterState =>
  withHolds(state, () => now.steadyMs + SILENT_HOLD_MS)

/** What we stood still counts for nobody: every hold ends so much later. */
export const postponeHolds = (state: RosterState, byMs: number): RosterState =>
  withHolds(state, (untilMs) => untilMs + byMs)

function withHolds(state: RosterState, moved: (untilMs: number) => number): RosterState {
  const members = new Map(state.members)
  for (const [clientId, member] of members)
    if (member.holdUntil !== undefined) members.set(clientId, { ...member, holdUntil: moved(member.holdUntil) })
  return { ...state, members }
}

function applyEntry(
  state: RosterState,
  entry: AwarenessEntry,
  path: Path,
  now: Moment,
  rules: RosterRules,
): RosterStep {
  const member = state.members.get(entry.clientId)
  if (member !== undefined) return renew(state, member, entry, path, now, rules)
  const created = createMember(entry, path, now, rules.maxDataBytes)
  if (!created.ok) return refused(state, created.reason)
  if (hasDeparted(state, created.value, now)) return refused(state, 'stale')
  if (created.value.connectionId === rules.ownConnectionId) return refused(state, 'own-entry')
  const older = findByConnection(state, created.value.connectionId)
  if (older === undefined) return join(state, created.value, entry)
  // One connection, a newer membership: it begins when the older one ends.
  const known = state.waiting.get(older.connectionId)?.member
  const paths = known?.clientId === entry.clientId ? withPath(known, path).paths : created.value.paths
  const successor = { member: { ...created.value, paths }, entry }
  const waiting = { ...state, waiting: new Map(state.waiting).set(older.connectionId, successor) }
  return older.holdUntil === undefined ? unchanged(waiting) : endMembership(waiting, older, older.clock, now)
}

function hasDeparted({ departed }: RosterState, member: Member, { steadyMs }: Moment): boolean {
  const { clientId, connectionId, clock } = member
  const departure = departed.get(clientId)
  if (departure === undefined || clock > departure.clock || steadyMs - departure.at > DEPARTED_TTL_MS) return false
  // [T3] Nobody can use up the client id of another.
  return departure.connectionId === undefined || departure.connectionId === connectionId
}

function renew(
  state: RosterState,
  member: Member,
  entry: AwarenessEntry,
  path: Path,
  now: Moment,
  rules: RosterRules,
): RosterStep {
  const reached = withPath(member, path)
  const kept = reached === member ? state : withMember(state, reached)
  if (entry.clock <= member.clock) return entry.clock < member.clock ? refused(kept, 'stale') : unchanged(kept)
  const renewed = renewMember(reached, entry, path, now, rules.maxDataBytes)
  if (renewed === 'newer-membership') {
    const ended = endMembership(state, member, entry.clock - 1, now)
    return then(ended, applyEntry(ended.state, entry, path, now, rules))
  }
  if (!renewed.ok) return refused(kept, renewed.reason)
  const isUpdate = renewed.value.participant !== member.participant
  return {
    state: withMember(kept, renewed.value),
    events: isUpdate ? [eventOf('update', renewed.value)] : [],
    entries: [entry],
  }
}

/** [O4] Only for one who is held: it brings nobody back. */
function applyOpen(state: RosterState, path: Path): RosterStep {
  const member = state.members.get(path.clientId)
  if (member === undefined) return unchanged(state)
  const { silentSince: _ended, ...heard } = member
  return unchanged(withMember(state, withPath(heard, path)))
}

function applyGoodbye(state: RosterState, { clientId, connectionId }: Path, clock: number, now: Moment): RosterStep {
  const member = state.members.get(clientId)
  if (member !== undefined && clock >= member.clock) return endMembership(state, member, clock, now)
  if (member !== undefined) return refused(state, 'stale')
  const departure = { connectionId, clock, at: now.steadyMs }
  return unchanged(withDeparture(withoutSuccessor(state, clientId), clientId, departure))
}

/** [F4] Silence counts from its beginning: whoever was cut off after 12 s of it is not held as long as one just closed. */
function applyClosed(state: RosterState, path: Path, { steadyMs }: Moment, silentMs: number): RosterStep {
  const member = state.members.get(path.clientId)
  const silentSince = silentMs > 0 ? steadyMs - silentMs : member?.silentSince
  const holdUntil = steadyMs + CLOSED_HOLD_MS
  if (member === undefined || silentSince === undefined) return applyPathEnd(state, path, holdUntil)
  const known = withMember(state, { ...member, silentSince })
  return applyPathEnd(known, path, Math.min(holdUntil, silentSince + SILENT_HOLD_MS))
}

function applyPathEnd(state: RosterState, path: Path, holdUntil: number): RosterStep {
  const member = state.members.get(path.clientId)
  if (member === undefined) return unchanged(withoutSuccessor(state, path.clientId, path))
  if (member.paths.has(path.id)) return unchanged(withMember(state, withoutPath(member, path, holdUntil)))
  // The end of a path that we had lost before: it can only bring the end of the hold nearer.
  if (member.holdUntil === undefined || member.holdUntil <= holdUntil) return unchanged(state)
  return unchanged(withMember(state, { ...member, holdUntil }))
}

function join(state: RosterState, member: Member, entry: AwarenessEntry): RosterStep {
  // Oneself is a member too.
  if (state.members.size + 1 >= MAX_MEMBERS) return refused(state, 'room-full')
  return { state: withMember(state, member), events: [eventOf('joined', member)], entries: [entry] }
}

/** One leave; then, where a newer membership of the same connection waits, its joined. */
function endMembership(state: RosterState, member: Member, clock: number, now: Moment): RosterStep {
  const members = new Map(state.members)
  members.delete(member.clientId)
  const gone: RosterStep = {
    state: withDeparture({ ...state, members }, member.clientId, {
      connectionId: member.connectionId,
      ...{ clock, at: now.steadyMs },
    }),
    events: [eventOf('leave', member)],
    entries: [{ clientId: member.clientId, clock: member.clock, state: null }],
  }
  const successor = state.waiting.get(member.connectionId)
  if (successor === undefined) return gone
  return then(gone, join(withoutSuccessor(gone.state, successor.member.clientId), successor.member, successor.entry))
}

function withMember(state: RosterState, member: Member): RosterState {
  return { ...state, members: new Map(state.members).set(member.clientId, member) }
}

/** Without the waiting membership of that client, or without one of its paths while it has another. */
function withoutSuccessor(state: RosterState, clientId: ClientId, path?: Path): RosterState {
  const waiting = new Map(state.waiting)
  for (const [connectionId, { member, entry }] of state.waiting) {
    if (member.clientId !== clientId) continue
    const left = path === undefined ? undefined : withoutPath(member, path, 0)
    if (left === undefined || left.paths.size === 0) waiting.delete(connectionId)
    else waiting.set(connectionId, { member: left, entry })
  }
  return { ...state, waiting }
}

function withDeparture(state: RosterState, clientId: ClientId, departure: Departure): RosterState {
  const departed = new Map(state.departed)
  departed.delete(clientId)
  departed.set(clientId, departure)
  for (const [oldest, { at }] of departed) {
    if (departed.size <= MAX_DEPARTED && departure.at - at <= DEPARTED_TTL_MS) break
    departed.delete(oldest)
  }
  return { ...state, departed }
}

function findByConnection(state: RosterState, connectionId: ConnectionId): Member | undefined {
  for (const member of state.members.values()) if (member.connectionId === connectionId) return member
  return undefined
}

const eventOf = (kind: RosterEventKind, { participant, joinedAt }: Member): RosterEvent => ({
  kind,
  participant,
  joinedAt,
})

const unchanged = (state: RosterState): RosterStep => ({ state, events: [], entries: [] })

const refused = (state: RosterState, rejected: RejectReason): RosterStep => ({ ...unchanged(state), rejected })

/** Two steps as one. */
const then = (first: RosterStep, second: RosterStep): RosterStep => ({
  ...second,
  events: [...first.events, ...second.events],
  entries: [...first.entries, ...second.entries],
})
