/**
 * What the far ends of our links say of themselves, as evidence: each its own entry and goodbye, and nobody else's. Which
 * members that makes is the roster's to decide.
 */
import type { Clock } from '../base/clock.ts'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import { isJsonObject } from '../base/json.ts'
import type { RandomBytes } from '../base/random.ts'
import { createTokenBucket, type TokenBucket } from '../base/token-bucket.ts'
import { type AwarenessEntry, decodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { changed, clockOf, type EntryChange, entryOf, type Version, versionOf } from '../wire/entry-change.ts'
import type { MessageFrame } from '../wire/frame.ts'
import { MAX_CHANGED_BYTES } from '../wire/limits.ts'
import { PRESENCE_FIELD } from '../wire/presence-field.ts'
import type { RejectCounter, RejectReason } from '../wire/result.ts'
import type { Evidence, LinkReport, Path, PathId, ShownMember } from '../wire/transport.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import type { Link } from './link.ts'

/** [T38] Bytes of entries that one far end may have us make of changes: twice what the largest take at 60 Hz. */
const CHANGED = { perSecond: 2 * 1_048_576, burst: 2 * 1_048_576 }

/**
 * Changes that wait for those before them, and messages for their sender's first entry, of 16 KiB each at most: what a server
 * without order mixes up, or two ways do, is close together.
 */
const MAX_WAITING = 4

export interface FarEndsNeeds {
  readonly clock: Clock
  /** Our own. */
  readonly clientId: ClientId
  readonly maxEntryBytes: number
  readonly random: RandomBytes
  readonly rejects: RejectCounter
  shown(): readonly ShownMember[]
  onEvidence(evidence: Evidence): void
  onMessage(path: Path, message: MessageFrame, isEarly: boolean): void
  /** A newer membership has begun, by another way than the data channel: that one is of the older, and so are its words. */
  onSucceeded(link: Link): void
}

export interface FarEnds {
  receiveEntry(link: Link, update: Uint8Array, carrier: Carrier): void
  /** As that, told as a change; what it is a change of may be missing, and is asked for then. */
  receiveChange(link: Link, change: EntryChange, carrier: Carrier): void
  receiveMessage(link: Link, message: MessageFrame): void
  /** It is in reach again. */
  reached(link: Link): void
  /** It is out of reach. */
  lost(link: Link, how: CarrierEnd, silentMs: number): void
  /** It said goodbye. */
  end(link: Link): void
  /** The link is no more. */
  forget(peer: ConnectionId): void
  /** Whether a link leads to the member whom we know by that client id. */
  isClient(link: Link, clientId: ClientId): boolean
  paths(links: readonly Link[]): Path[]
  /** Links whose far end has not said who it is are nobody's. */
  report(links: readonly Link[]): Map<ClientId, LinkReport>
}

interface Far {
  /** The client id that it says it has. */
  readonly saidId: ClientId
  /** The one that we know it by: another where a second one claims the same. */
  readonly clientId: ClientId
  clock: number
  /** Its entry as it was last told: what changes are made of. */
  version: Version
  /** When its membership began, as it says. */
  joinedAt: unknown
  /** How its link ended, while nothing reaches it. */
  end: CarrierEnd | undefined
}

export function createFarEnds(needs: FarEndsNeeds): FarEnds {
  const { onEvidence, rejects } = needs
  const now = () => needs.clock.moment().steadyMs
  const farEnds = new Map<ConnectionId, Far>()
  /**
   * Of links, since a far end may have another client id with each entry: the bytes that it may have us read, and changes of
   * entries that have not come yet, the newest first, and messages from before the first one.
   */
  const intakes = new WeakMap<
    Link,
    { readonly rate: TokenBucket; readonly early: EntryChange[]; readonly messages: MessageFrame[] }
  >()

  const pathOf = (link: Link, far: Far): Path => ({
    id: `link:${link.peer}` as PathId,
    kind: link.best()?.kind ?? 'relay',
    clientId: far.clientId,
    connectionId: link.peer,
  })

  /**
   * [T4] Client ids are not proved. Whoever claims one that another has gets a name of ours, and keeps nobody out; nor does it
   * get that of a member whose link was forgotten, in a page that returns or has slept, and who is shown still. Such a page
   * goes on with the names that it gave.
   */
  function name(saidId: ClientId, peer: ConnectionId, joinedAt: unknown): Pick<Far, 'saidId' | 'clientId'> {
    const shown = needs.shown()
    const others = [...farEnds.values(), ...shown.filter(({ connectionId }) => connectionId !== peer)]
    const known = shown.find((one) => one.connectionId === peer && one.joinedAt === joinedAt)
    const wanted = known?.clientId ?? saidId
    if (!others.some(({ clientId }) => clientId === wanted)) return { saidId, clientId: wanted }
    const random = needs.random(6).reduce((number, byte) => number * 256 + byte, 0)
    return { saidId, clientId: random as ClientId }
  }

  function end(link: Link): void {
    const far = farEnds.get(link.peer)
    if (far === undefined) return
    farEnds.delete(link.peer)
    const path = pathOf(link, far)
    onEvidence({ kind: 'goodbye', path, clock: far.clock })
    // [T3] Where its clock went back, its goodbye is of before its last entry: its way has ended all the same.
    onEvidence({ kind: 'closed', path })
  }

  /** [T1] A link writes the entry of its far end, under its far end's connection, and no other. */
  function take(link: Link, said: AwarenessEntry, version: Version, carrier: Carrier) {
    if (said.clientId === needs.clientId) return rejects.count('own-entry')
    const field = said.state?.[PRESENCE_FIELD]
    const { connectionId, joinedAt } = isJsonObject(field) ? field : {}
    if (connectionId !== link.peer) return rejects.count('not-owner')
    const known = farEnds.get(link.peer)
    // Opened after its sender's end, of which we knew nothing: whoever is back is asked.
    if (known === undefined && !link.isReachable()) return rejects.count('stale')
    const isOther = known?.saidId !== said.clientId
    const isNewer = isOther || (said.clock > known.clock && joinedAt !== known.joinedAt)
    if (known !== undefined && isNewer && !carrier.isPrivate) needs.onSucceeded(link)
    // One link, a newer membership: the older one has ended, even where its goodbye went by a carrier that is gone.
    if (isOther) end(link)
    const far = farEnds.get(link.peer) ?? {
      ...name(said.clientId, link.peer, joinedAt),
      clock: said.clock,
      version,
      joinedAt,
      end: known?.end,
    }
    if (said.clock > far.clock) far.joinedAt = joinedAt
    if (said.clock >= far.clock) far.version = version
    far.clock = Math.max(far.clock, said.clock)
    farEnds.set(link.peer, far)
    // What came before this, of a membership that nobody had told of, was taken for late words of the one before.
    if (known !== undefined && isNewer) link.askAnew()
    const path = pathOf(link, far)
    onEvidence({ kind: 'entry', path, entry: { ...said, clientId: far.clientId } })
    // Opened late: what carried it has ended meanwhile, and opens no way any more.
    if (!link.isReachable()) onEvidence({ kind: far.end ?? 'lost', path })
    const early = intakeOf(link).messages.splice(0)
    for (const message of early.sort((one, other) => one.seq - other.seq)) hand(link, message, true)
    takeWaiting(link, far.clock, carrier)
  }

  function hand(link: Link, message: MessageFrame, isEarly: boolean): void {
    const far = farEnds.get(link.peer)
    if (far?.saidId !== message.clientId) rejects.count('not-owner')
    else needs.onMessage(pathOf(link, far), { ...message, clientId: far.clientId }, isEarly)
  }

  function receiveChange(link: Link, change: EntryChange, carrier: Carrier) {
    const { early, rate } = intakeOf(link)
    const far = farEnds.get(link.peer)
    const clock = far === undefined ? 0 : clockOf(change, far.clock)
    if (far !== undefined && clock <= far.clock) return rejects.count('stale')
    if (far === undefined || clock - change.since !== far.clock) {
      early.unshift({ ...change, json: change.json.slice(0, MAX_CHANGED_BYTES) })
      early.splice(MAX_WAITING)
      return miss(link, 'stale')
    }
    // [T38] A few bytes have us put together, and read, an entry.
    if (!rate.take(far.version.body.length)) return miss(link, 'too-often')
    const version = changed(far.version, change)
    const said = version.ok ? entryOf(version.value) : version
    if (!version.ok || !said.ok) return miss(link, said.ok ? 'stale' : said.reason)
    take(link, said.value, version.value, carrier)
  }

  /** What came before that which it is a change of: a server that keeps no order may have been the last to hear its sender. */
  function takeWaiting(link: Link, clock: number, carrier: Carrier): void {
    const { early } = intakeOf(link)
    const index = early.findIndex((change) => clockOf(change, clock) - change.since === clock)
    const [next] = index < 0 ? [] : early.splice(index, 1)
    if (next !== undefined) receiveChange(link, next, carrier)
  }

  function intakeOf(link: Link) {
    const intake = intakes.get(link) ?? { rate: createTokenBucket(CHANGED, now), early: [], messages: [] }
    intakes.set(link, intake)
    return intake
  }

  function miss(link: Link, reason: RejectReason): void {
    rejects.count(reason)
    link.askAnew()
  }

  return {
    receiveEntry(link, update, carrier) {
      const decoded = decodeAwarenessUpdate(update, needs.maxEntryBytes)
      if (!decoded.ok) return rejects.count(decoded.reason)
      const [said, ...more] = decoded.value
      if (said === undefined || more.length > 0 || said.state === null) return rejects.count('malformed')
      take(link, said, versionOf(said), carrier)
    },
    receiveChange,
    receiveMessage(link, message) {
      const { messages } = intakeOf(link)
      // [M5] It has overtaken its sender's first entry.
      const isEarly =
        !farEnds.has(link.peer) && messages.length < MAX_WAITING && message.body.length <= MAX_CHANGED_BYTES
      if (isEarly) messages.push(message)
      else hand(link, message, false)
    },
    reached(link) {
      const far = farEnds.get(link.peer)
      if (far?.end === undefined) return
      far.end = undefined
      // It has answered: that is a sign of life, also where its next word is held up.
      onEvidence({ kind: 'open', path: pathOf(link, far) })
    },
    lost(link, how, silentMs) {
      const far = farEnds.get(link.peer)
      if (far === undefined) return
      // Its end is taken back: from here on it is no more than silent.
      if (far.end === 'closed' && how === 'lost') onEvidence({ kind: 'open', path: pathOf(link, far) })
      far.end = how
      onEvidence({ kind: how, path: pathOf(link, far), ...(silentMs > 0 && { silentMs }) })
    },
    end,
    forget: (peer) => void farEnds.delete(peer),
    isClient: (link, clientId) => farEnds.get(link.peer)?.clientId === clientId,
    paths: (links) => links.flatMap((link) => pathsOf(link, farEnds.get(link.peer))),
    report: (links) =>
      new Map(
        links.flatMap((link) => {
          const far = farEnds.get(link.peer)
          return far === undefined ? [] : [[far.clientId, link.report()] as const]
        }),
      ),
  }
}

/** Every open way to a far end that has said who it is, the best first. */
function pathsOf(link: Link, far: Far | undefined): Path[] {
  if (far === undefined || !link.isReachable()) return []
  const carriers = link.carriers().filter(({ isIntroduction }) => isIntroduction !== true)
  return carriers.map(({ id, kind }) => ({ id: `${id}:${link.peer}` as PathId, kind, clientId: far.clientId }))
}
