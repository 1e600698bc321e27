/**
 * Our own entry on its way to the others: to each the latest, no faster than the way to it takes it. What a way does not
 * take now waits here as one value, never as a queue (L53).
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import { type AwarenessEntry, encodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { encodeEntry } from '../wire/link-frame.ts'
import type { Link } from './link.ts'

/** How often those who are behind are looked at. */
export const DRAIN_MS = 50

export interface OwnEntryNeeds {
  readonly clock: Clock
  readonly clientId: ClientId
  readonly nextClock: () => number
  /** Sends to all for whom there is room now, and returns the others. */
  spread(frame: Uint8Array, links: readonly Link[]): readonly Link[]
  /** All links that are in reach. */
  reachable(): readonly Link[]
}

export interface OwnEntry {
  /** Says a new value to all. */
  publish(state: JsonObject): void
  /** A new value for those who come: nobody who has the entry needs to hear. */
  hold(state: JsonObject): void
  /** Whoever comes back takes what has changed since only under a newer clock. */
  refresh(): void
  sayTo(links: readonly Link[]): void
  /** The last value goes to those who wait for it, room or not. */
  finish(): void
  stop(): void
}

export function createOwnEntry(needs: OwnEntryNeeds): OwnEntry {
  const { clientId, clock, nextClock } = needs
  let entry: AwarenessEntry | undefined
  /** The entry was changed without a send. */
  let isHeldOnly = false
  /** Who lacks the latest entry, the longest waiting first. */
  const behind = new Set<Link>()
  let cancelDrain: CancelTimer | undefined

  function sayTo(links: readonly Link[]): void {
    if (entry === undefined || links.length === 0) return
    // Those who wait come first: where there is never room for all, each has its turn.
    const all = new Set(links)
    const waiting = [...behind].filter((link) => all.has(link))
    for (const link of waiting) behind.delete(link)
    const inTurn = [...new Set([...waiting, ...links])]
    for (const link of needs.spread(encodeEntry(encodeAwarenessUpdate(entry)), inTurn)) behind.add(link)
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
      sayTo(needs.reachable())
    },
    hold(state) {
      if (entry === undefined) return
      entry = { ...entry, state }
      isHeldOnly = true
    },
    refresh() {
      if (isHeldOnly && entry !== undefined) entry = { ...entry, clock: nextClock() }
      isHeldOnly = false
    },
    sayTo,
    finish() {
      if (entry === undefined) return
      const frame = encodeEntry(encodeAwarenessUpdate(entry))
      for (const link of behind) if (link.isReachable()) link.send(frame)
      behind.clear()
    },
    stop() {
      cancelDrain?.()
      behind.clear()
    },
  }
}
