/**
 * Sends what is for everybody: once by a server to all whom it serves best and who have our key, and by their own links to
 * the others. Decides who gets which key, and when there must be a new one; sealing is the identity room's.
 *
 * A key is made when something is to be said, never before, and only those in reach have it: as soon as one of them is out
 * of reach, or gone, the next word goes out link by link, and with it a new key.
 */
import type { Clock } from '../base/clock.ts'
import { reportListenerError } from '../base/errors.ts'
import { type CastKey, type CastNeeds, type CastSender, createCastSender } from '../identity/cast.ts'
import { CAST_TAG_BYTES } from '../wire/cast.ts'
import { encodeCastEnvelope } from '../wire/envelope.ts'
import { type CastAckFrame, encodeCastKey } from '../wire/link-frame.ts'
import { type Group, MAX_WAITING_BYTES, takes } from './carrier.ts'
import type { Link } from './link.ts'

/** Below so many receivers a cast saves nothing. */
const LEAST_RECEIVERS = 2
/** A key that was not acknowledged is given again after this: longer than a round trip of a slow line. */
const GIVE_AGAIN_MS = 2_000
/** Somebody who comes and goes all the time costs us a new key at most this often; link by link meanwhile. */
const RENEW_AFTER_MS = 1_000

export interface CastingNeeds extends CastNeeds {
  readonly clock: Clock
}

export interface Casting {
  /**
   * Sends one frame to these links, each of which is in reach, in their order: an entry where it need not wait behind others,
   * anything else as the rates of servers allow. Those for whom there is no room yet are returned. `frameFor`: what serves all
   * of those links.
   */
  spread(frameFor: (links: readonly Link[]) => Uint8Array, links: readonly Link[], isEntry: boolean): Link[]
  /** The last word: to those whom a cast serves; the others are returned. */
  castAlone(frame: Uint8Array, links: readonly Link[]): Link[]
  /** It has the key that it was given. */
  acknowledge(link: Link, ack: CastAckFrame): void
  /** It may have lost what it had of us: link by link until it has acknowledged the key anew. */
  doubt(link: Link): void
}

interface Receiver {
  given: CastKey
  givenAtMs: number
  state: 'given' | 'acknowledged' | 'doubted'
}

export function createCasting(needs: CastingNeeds): Casting {
  const { clock } = needs
  const receivers = new Map<Link, Receiver>()
  let sender: CastSender | undefined
  let isSpent = false
  let madeAtMs = Number.NEGATIVE_INFINITY
  let count = 0
  let last: Promise<unknown> = Promise.resolve()

  /** The key as it may be used now, or a new one where somebody has it who is not in reach any more. */
  function currentSender(): CastSender | undefined {
    const isStale = [...receivers.keys()].some((link) => !link.isReachable())
    if (sender !== undefined && !isStale && !isSpent) return sender
    const nowMs = clock.moment().steadyMs
    if (nowMs - madeAtMs < RENEW_AFTER_MS) return undefined
    madeAtMs = nowMs
    isSpent = false
    receivers.clear()
    sender = createCastSender(needs, ++count)
    return sender
  }

  function give(link: Link, by: CastSender): void {
    const nowMs = clock.moment().steadyMs
    const known = receivers.get(link)
    if (known?.state === 'given' && nowMs - known.givenAtMs < GIVE_AGAIN_MS) return
    // In doubt it gets another slot, so that no late word about the former one counts.
    const given = known?.state === 'given' ? known.given : by.give()
    // All slots are given: with the next word there is a new key.
    if (given === undefined) isSpent = true
    else {
      receivers.set(link, { given, givenAtMs: nowMs, state: 'given' })
      link.send(encodeCastKey(given))
    }
  }

  /** Behind all that was said before to those who get it, and before all that is said to `links` from now on. */
  function cast(
    frame: Uint8Array,
    group: Group,
    by: CastSender,
    links: readonly Link[],
    served: readonly Link[],
  ): void {
    const keys = links.flatMap((link) => receivers.get(link)?.given ?? [])
    last = Promise.all([last, ...served.map((link) => link.settled())])
      .then(async () => {
        const sealed = await by.seal(frame, keys)
        group.cast(encodeCastEnvelope(sealed))
        for (const link of links) link.countCast(sealed.length)
      })
      .catch(reportListenerError)
    for (const link of links) link.follow(last)
  }

  /**
   * Casts where that is worth it, and returns whom nothing was sent to. `isLast`: nobody needs a key any more. `hasRoom`: whether
   * it may be sent now.
   */
  function castByGroups(
    frameFor: (links: readonly Link[]) => Uint8Array,
    links: readonly Link[],
    { isLast = false, hasRoom = (_frame: Uint8Array, _group: Group, _served: readonly Link[]): boolean => true } = {},
  ): { readonly rest: Link[]; readonly late: Link[] } {
    const rest = new Set(links)
    const late: Link[] = []
    for (const [group, served] of byGroup(links)) {
      // [L41] At least half of those who get it need it: a server never sends more than twice as much.
      if (served.length < LEAST_RECEIVERS || 2 * served.length < group.size()) continue
      const by = currentSender()
      if (by === undefined) continue
      const ready = served.filter((link) => receivers.get(link)?.state === 'acknowledged')
      // Before the cast, which they get too: who lacks a key of ours asks for our entry.
      if (!isLast) for (const link of served) if (!ready.includes(link)) give(link, by)
      if (ready.length < LEAST_RECEIVERS) continue
      for (const link of ready) rest.delete(link)
      const frame = frameFor(ready)
      if (hasRoom(frame, group, ready)) cast(frame, group, by, ready, served)
      else late.push(...ready)
    }
    return { rest: [...rest], late }
  }

  return {
    spread(frameFor, links, isEntry) {
      // What is no single value waits for no far end that does not read, nor do the others: a full carrier loses it.
      const { rest, late } = castByGroups(frameFor, links, {
        hasRoom: (frame, group, ready) =>
          (!isEntry || (ready[0]?.best()?.backlogBytes() ?? 0) <= MAX_WAITING_BYTES) &&
          group.admit(frame.length + CAST_TAG_BYTES * ready.length, isEntry),
      })
      for (const link of rest) {
        const frame = frameFor([link])
        const carrier = link.best()
        const hasRoom = isEntry ? takes(carrier, frame.length, true) : (carrier?.admit?.(frame.length, false) ?? true)
        if (hasRoom) link.send(frame)
        else late.push(link)
      }
      return late
    },
    castAlone: (frame, links) => castByGroups(() => frame, links, { isLast: true }).rest,
    acknowledge(link, { number, slot }) {
      const receiver = receivers.get(link)
      if (receiver?.given.number === number && receiver.given.slot === slot) receiver.state = 'acknowledged'
    },
    doubt(link) {
      const receiver = receivers.get(link)
      if (receiver !== undefined) receiver.state = 'doubted'
    },
  }
}

function byGroup(links: readonly Link[]): Map<Group, Link[]> {
  const groups = new Map<Group, Link[]>()
  for (const link of links) {
    const group = link.best()?.group
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), link])
  }
  return groups
}
