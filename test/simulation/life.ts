/**
 * One Realtime in a run, and all that it ever said: joins, updates, messages and edits, with their times. Everything that it
 * is told is checked where it comes; what may be told is told.ts's and messages.ts's to know.
 */
import type { Doc } from 'yjs'
import type { Channel, Participant } from '../../lib/index.ts'
import { PresenceEvents } from '../../lib/index.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { Resident } from '../../lib/testing/world.ts'
import { hear, type Published } from './messages.ts'
import { checkShown, take } from './told.ts'

/** What the run does with a broken invariant and with each event. */
export interface Log {
  nowMs(): number
  fail(what: string): void
  note(...parts: readonly (string | number)[]): void
}

export interface Said {
  /** Counts everything that one connection ever said. */
  readonly order: number
  readonly atMs: number
  readonly timestamp: number
  readonly json: string
}

/** One membership: from `connect` to `disconnect`, or to the end of its process. */
export interface Stay {
  readonly life: Life
  readonly index: number
  readonly channel: Channel
  readonly joinedAtMs: number
  /** How many peer connections the network had seen by then: none of those is of this stay. */
  readonly formerPeers: number
  readonly said: Said[]
  readonly seen: Map<string, Seen>
  readonly fold: Map<string, Participant>
  /** The newest message of each connection, and of which of its stays. */
  readonly heard: Map<string, { stay: number; seq: number }>
  readonly published: Published[]
  /** What it was told of itself. */
  readonly own: { joined: number; updates: number }
  endedAtMs: number | undefined
  endedBy: 'goodbye' | 'kill' | undefined
  /** The one before it, where its page was left and is back: to itself the same membership, to whoever heard of it another one. */
  readonly former: Stay | undefined
  /** When a fault was last near it before its end. */
  faultMs: number | undefined
}

/** What one observer was told of one other connection. */
export interface Seen {
  isPresent: boolean
  order: number
  timestamp: number
  /** The newest of its stays that was shown. */
  stay: number
  leftAtMs: number | undefined
  joinedAtMs: number
  /** The newest of its stays whose end was told as a leave. */
  left: number
}

/** One thing that was written into a document, once. */
export interface Edit {
  readonly item: string
  readonly atMs: number
  /** When its writer took it back. */
  removedMs: number | undefined
}

export interface Life {
  readonly name: string
  readonly member: number
  readonly resident: Resident
  readonly connectionId: string
  /** Those that it is given. */
  readonly servers: readonly VirtualServer[]
  /** The document that it brings along and keeps over its stays; undefined where nothing is synced. */
  readonly doc: Doc | undefined
  readonly stays: Stay[]
  readonly edits: Edit[]
  said: number
}

export const ROOM = 'the room'

export const currentStay = (life: Life): Stay | undefined => {
  const stay = life.stays.at(-1)
  return stay === undefined || stay.endedAtMs !== undefined ? undefined : stay
}

export interface LifeRules {
  readonly log: Log
  find(connectionId: string): Life | undefined
  /** A leave of somebody who has not ended: whether it may be. */
  isLeaveDue(observer: Stay, subject: Life): boolean
  /** Whether somebody who is no life of the run may be shown: a member gone bad, but nobody without the secret. */
  readonly mayShowStrangers: boolean
  /** When that member last stood still or had slow timers, in ms; `Infinity` while it does. */
  lastSlowMs(life: Life): number
  /** Whether what one said then may have come to the other later than anybody waits for it. */
  mayComeLate(fromMs: number, one: Life, other: Life): boolean
  peerCount(): number
  onEvent(kind: 'joined' | 'update' | 'leave' | 'message'): void
}

/** Joins; everything that the channel tells from now on is checked. */
export async function join(life: Life, rules: LifeRules): Promise<void> {
  const sync = life.doc === undefined ? {} : { doc: life.doc, sync: true }
  const formerPeers = rules.peerCount()
  const channel = await life.resident.realtime.connect(ROOM, sync)
  const stay: Stay = {
    ...{ life, index: life.stays.length, channel, joinedAtMs: rules.log.nowMs(), formerPeers },
    ...{ said: [], seen: new Map(), fold: new Map(), heard: new Map(), published: [] },
    ...{
      own: { joined: 0, updates: 0 },
      endedAtMs: undefined,
      endedBy: undefined,
      former: undefined,
      faultMs: undefined,
    },
  }
  life.stays.push(stay)
  say(stay, rules)
  const presence = channel.participant
  const now = (): Stay => life.stays.findLast((one) => one.channel === channel) ?? stay
  presence.subscribe(PresenceEvents.JOINED_ROOM, (participant) => take(now(), 'joined', participant, rules))
  presence.subscribe(PresenceEvents.UPDATE, (participant) => take(now(), 'update', participant, rules))
  presence.subscribe(PresenceEvents.LEAVE, (participant) => take(now(), 'leave', participant, rules))
  channel.subscribe<{ stay: number; seq: number }>('chat', (message) => hear(now(), message, rules))
}

/** Somebody is back at the page that was left, and finds it as it was. */
export function comeBack(left: Stay, rules: LifeRules): void {
  const { life, own, said } = left
  life.stays.push({
    ...{
      ...left,
      former: left,
      index: life.stays.length,
      joinedAtMs: rules.log.nowMs(),
      formerPeers: rules.peerCount(),
    },
    ...{ said: said.slice(-1), published: [] },
    // What is queued is told still.
    own: { joined: own.joined, updates: own.updates - (said.length - 1) },
    ...{ endedAtMs: undefined, endedBy: undefined, faultMs: undefined },
  })
  life.resident.returnToPage()
}

/** Whether nothing may be told any more: a page that was about to be left goes on. */
export const hasEnded = ({ endedAtMs, channel }: Stay): boolean =>
  endedAtMs !== undefined && channel.state !== 'CONNECTED'

/** Whether it has that index, or goes on with one that has: who did not hear that its page was left shows it under that one. */
export const isStay = (stay: Stay | undefined, index: number): boolean =>
  stay !== undefined && (stay.index === index || isStay(stay.former, index))

/** Remembers what our own record is now. */
function say(stay: Stay, { log }: LifeRules): void {
  const own = stay.channel.participant.getAll().find(({ connectionId }) => connectionId === stay.life.connectionId)
  if (own === undefined) {
    log.fail(`${stay.life.name} is not in its own getAll()`)
    return
  }
  const { data, timestamp } = own
  stay.said.push({ order: stay.life.said++, atMs: log.nowMs(), timestamp, json: JSON.stringify(data) })
}

export function update(stay: Stay, rules: LifeRules): void {
  const data = { by: stay.life.name, n: stay.life.said }
  stay.channel.participant.update(data)
  say(stay, rules)
  if (stay.said.at(-1)?.json !== JSON.stringify(data)) rules.log.fail(`${stay.life.name} does not show its own update`)
  checkShown(stay, rules)
}

export function publish(stay: Stay, { log }: LifeRules): void {
  stay.published.push({ atMs: log.nowMs() })
  stay.channel.publish('chat', { stay: stay.index, seq: stay.published.length })
}
