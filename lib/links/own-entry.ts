/**
 * Our own entry on its way to the others: to each the latest, no faster than the way to it takes it. What a way does not
 * take now waits here as one value, never as a queue (L53). Who has the one before it, by the way that this one goes, is
 * told what has changed (L67).
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import { type AwarenessEntry, encodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { encodeEntryChange, type Version, versionOf } from '../wire/entry-change.ts'
import { MAX_CHANGED_BYTES } from '../wire/limits.ts'
import { encodeChange, encodeEntry } from '../wire/link-frame.ts'
import type { Carrier } from './carrier.ts'
import type { Link } from './link.ts'

/** How often those who are behind are looked at. */
export const DRAIN_MS = 50

export interface OwnEntryNeeds {
  readonly clock: Clock
  readonly clientId: ClientId
  readonly nextClock: () => number
  /** Sends to all for whom there is room now, and returns the others. `frameFor`: what serves all of those links. */
  spread(frameFor: (links: readonly Link[]) => Uint8Array, links: readonly Link[]): readonly Link[]
  /** All links that are in reach. */
  reachable(): readonly Link[]
}

export interface OwnEntry {
  /** Says a new value to all. */
  publish(state: JsonObject): void
  /** A new value for those who come: nobody who has the entry needs to hear. */
  hold(state: JsonObject): void
  /** To those who come or come back: whole. */
  sayTo(links: readonly Link[]): void
  /** The last value goes to those who wait for it, room or not. */
  finish(): void
  stop(): void
}

/** What has changed, for those who have the entry of that clock. */
interface Change {
  readonly since: number
  readonly frame: Uint8Array
}

const frameOf = (entry: AwarenessEntry): Uint8Array => encodeEntry(encodeAwarenessUpdate(entry))

/** None of a large entry: others would put it together, and read it, as often as a few bytes come. */
const changeOf = (from: Version, to: Version): Change | undefined =>
  to.body.length > MAX_CHANGED_BYTES
    ? undefined
    : { since: from.clock, frame: encodeChange(encodeEntryChange(from, to)) }

export function createOwnEntry(needs: OwnEntryNeeds): OwnEntry {
  const { clientId, clock, nextClock } = needs
  let entry: AwarenessEntry | undefined
  /** The entry was changed without a send. */
  let isHeldOnly = false
  /** As it was last published. */
  let version: Version | undefined
  /** The clock under which each was told it, and by what: what goes by another way may overtake it. */
  const said = new WeakMap<Link, { readonly clock: number; readonly by: Carrier | undefined }>()
  /** Who lacks the latest entry, the longest waiting first. */
  const behind = new Set<Link>()
  let cancelDrain: CancelTimer | undefined

  /** Whoever comes back takes what was held meanwhile only under a newer clock; it may have been lost without our knowing. */
  function latest(): AwarenessEntry | undefined {
    if (isHeldOnly && entry !== undefined) entry = { ...entry, clock: nextClock() }
    isHeldOnly = false
    return entry
  }

  function sayTo(links: readonly Link[], change?: Change): void {
    const now = latest()
    if (now === undefined || links.length === 0) return
    const takesChange = (link: Link): boolean => {
      const last = said.get(link)
      return last !== undefined && last.clock === change?.since && last.by === link.best()
    }
    // Those who wait come first: where there is never room for all, each has its turn.
    const all = new Set(links)
    const waiting = [...behind].filter((link) => all.has(link))
    for (const link of waiting) behind.delete(link)
    const inTurn = [...new Set([...waiting, ...links])]
    let full: Uint8Array | undefined
    const frameFor = (those: readonly Link[]): Uint8Array => {
      if (change !== undefined && those.every(takesChange)) return change.frame
      full ??= frameOf(now)
      return full
    }
    for (const link of needs.spread(frameFor, inTurn)) behind.add(link)
    for (const link of inTurn) if (!behind.has(link)) said.set(link, { clock: now.clock, by: link.best() })
    if (behind.size > 0) cancelDrain ??= clock.setTimer(drain, DRAIN_MS)
  }

  function drain(): void {
    cancelDrain = undefined
    const waiting = [...behind].filter((link) => link.isReachable())
    // Who is out of reach is told when it is back.
    for (const link of behind) if (!waiting.includes(link)) behind.delete(link)
    sayTo(waiting)
  }

  return {
    publish(state) {
      entry = { clientId, clock: nextClock(), state }
      isHeldOnly = false
      const former = version
      version = versionOf(entry)
      sayTo(needs.reachable(), former === undefined ? undefined : changeOf(former, version))
    },
    hold(state) {
      if (entry === undefined) return
      entry = { ...entry, state }
      isHeldOnly = true
    },
    sayTo: (links) => sayTo(links),
    finish() {
      const now = latest()
      if (now !== undefined) for (const link of behind) if (link.isReachable()) link.send(frameOf(now))
      behind.clear()
    },
    stop() {
      cancelDrain?.()
      behind.clear()
    },
  }
}
