/**
 * One Realtime in a run, and what it was told: every event is checked when it comes against what its owner really said.
 * Knows what may be shown, not when: times are the judge's.
 */
import type { Channel, Participant } from '../../lib/index.ts'
import { PresenceEvents } from '../../lib/index.ts'
import type { Resident } from '../../lib/testing/world.ts'

/** [F3] The time in which a killed member is gone again. */
export const KILLED_MS = 3_000

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
  readonly said: Said[]
  readonly seen: Map<string, Seen>
  readonly fold: Map<string, Participant>
  readonly heard: Map<string, { stay: number; seq: number }>
  published: { readonly atMs: number }[]
  endedAtMs: number | undefined
  endedBy: 'goodbye' | 'kill' | undefined
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
}

export interface Life {
  readonly name: string
  readonly member: number
  readonly resident: Resident
  readonly connectionId: string
  readonly stays: Stay[]
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
  onEvent(kind: 'joined' | 'update' | 'leave' | 'message'): void
}

/** Joins; everything that the channel tells from now on is checked. */
export async function join(life: Life, rules: LifeRules): Promise<void> {
  const channel = await life.resident.realtime.connect(ROOM)
  const stay: Stay = {
    life,
    index: life.stays.length,
    channel,
    joinedAtMs: rules.log.nowMs(),
    said: [],
    seen: new Map(),
    fold: new Map(),
    heard: new Map(),
    published: [],
    endedAtMs: undefined,
    endedBy: undefined,
  }
  life.stays.push(stay)
  say(stay, rules)
  const presence = channel.participant
  presence.subscribe(PresenceEvents.JOINED_ROOM, (participant) => take(stay, 'joined', participant, rules))
  presence.subscribe(PresenceEvents.UPDATE, (participant) => take(stay, 'update', participant, rules))
  presence.subscribe(PresenceEvents.LEAVE, (participant) => take(stay, 'leave', participant, rules))
  channel.subscribe<{ stay: number; seq: number }>('chat', (message) => hear(stay, message, rules))
}

/** Remembers what our own record is now. */
function say(stay: Stay, { log }: LifeRules): void {
  const own = ownRecord(stay)
  if (own === undefined) {
    log.fail(`${stay.life.name} is not in its own getAll()`)
    return
  }
  stay.said.push({
    order: stay.life.said++,
    atMs: log.nowMs(),
    timestamp: own.timestamp,
    json: JSON.stringify(own.data),
  })
}

export function update(stay: Stay, rules: LifeRules): void {
  const data = { by: stay.life.name, n: stay.life.said }
  stay.channel.participant.update(data)
  say(stay, rules)
  if (stay.said.at(-1)?.json !== JSON.stringify(data)) rules.log.fail(`${stay.life.name} does not show its own update`)
}

export function publish(stay: Stay, { log }: LifeRules): void {
  stay.published.push({ atMs: log.nowMs() })
  stay.channel.publish('chat', { stay: stay.index, seq: stay.published.length })
}

const ownRecord = ({ channel, life }: Stay): Participant | undefined =>
  channel.participant.getAll().find(({ connectionId }) => connectionId === life.connectionId)

/** Our own record is what we said last, and everybody else's what events told. */
export function checkShown(stay: Stay, { log }: Pick<LifeRules, 'log'>): void {
  const { channel, fold, life } = stay
  const all = channel.participant.getAll()
  const own = ownRecord(stay)
  const last = stay.said.at(-1)
  if (last !== undefined && (JSON.stringify(own?.data) !== last.json || own?.timestamp !== last.timestamp))
    log.fail(`${life.name}'s own entry changed by itself to ${JSON.stringify(own)}`)
  const others = all.filter(({ connectionId }) => connectionId !== life.connectionId)
  const isFold = others.length === fold.size && others.every((other) => fold.get(other.connectionId) === other)
  if (!isFold) log.fail(`getAll() of ${life.name} is not what its events told`)
}

function take(stay: Stay, kind: 'joined' | 'update' | 'leave', participant: Participant, rules: LifeRules): void {
  const { log } = rules
  const { connectionId } = participant
  const { life } = stay
  if (stay.endedAtMs !== undefined) {
    log.fail(`${life.name} hears ${kind} after its end`)
    return
  }
  rules.onEvent(kind)
  if (connectionId === life.connectionId) {
    if (kind === 'leave') log.fail(`${life.name} hears its own leave`)
    checkShown(stay, rules)
    return
  }
  const subject = rules.find(connectionId)
  const name = subject?.name ?? 'mallory'
  log.note(life.name, kind, name, JSON.stringify(participant.data), participant.timestamp)
  const seen = stay.seen.get(connectionId) ?? {
    ...{ isPresent: false, order: -1, timestamp: 0, stay: -1, leftAtMs: undefined, joinedAtMs: 0 },
  }
  stay.seen.set(connectionId, seen)
  if (seen.isPresent !== (kind !== 'joined'))
    log.fail(`${life.name} hears ${kind} of ${name}, who is ${seen.isPresent ? '' : 'not '}here`)
  seen.isPresent = kind !== 'leave'
  if (kind === 'joined') seen.joinedAtMs = log.nowMs()
  if (kind === 'leave') {
    if (stay.fold.get(connectionId) !== participant)
      log.fail(`${life.name} hears a leave of ${name} with another record`)
    stay.fold.delete(connectionId)
    if (subject !== undefined) checkLeave(stay, subject, seen, rules)
    seen.leftAtMs = log.nowMs()
  } else {
    stay.fold.set(connectionId, participant)
    if (subject !== undefined) checkRecord(stay, subject, seen, participant, kind, rules)
  }
  checkShown(stay, rules)
}

function checkLeave(stay: Stay, subject: Life, seen: Seen, rules: LifeRules): void {
  const hasEnded = subject.stays[seen.stay]?.endedAtMs !== undefined
  if (!hasEnded && !rules.isLeaveDue(stay, subject))
    rules.log.fail(`${stay.life.name} hears a leave of ${subject.name}, who was in reach`)
}

function checkRecord(
  observer: Stay,
  subject: Life,
  seen: Seen,
  participant: Participant,
  kind: 'joined' | 'update',
  { log }: LifeRules,
): void {
  const who = `${observer.life.name} hears ${kind} of ${subject.name}`
  const json = JSON.stringify(participant.data)
  const stay = subject.stays.findLast(({ said }) =>
    said.some((one) => one.json === json && one.timestamp === participant.timestamp),
  )
  const said = stay?.said.findLast((one) => one.json === json && one.timestamp === participant.timestamp)
  if (stay === undefined || said === undefined) {
    log.fail(`${who} with what it never said: ${json}`)
    return
  }
  if (participant.id !== subject.name) log.fail(`${who} under another id`)
  if (said.order < seen.order) log.fail(`${who} with an older value: ${json}`)
  if (kind === 'update' && said.order === seen.order) log.fail(`${who} twice: ${json}`)
  if (participant.timestamp < seen.timestamp) log.fail(`${who} with an older time`)
  const endedAtMs = stay.endedAtMs ?? Number.POSITIVE_INFINITY
  const isOver = seen.leftAtMs !== undefined && endedAtMs <= seen.leftAtMs
  // A leave is of the stay that was seen. The first word of the next one may still be under way when that ends too.
  const isUnderWay = stay.index > seen.stay && log.nowMs() - endedAtMs < KILLED_MS
  const isGhost = kind === 'joined' && isOver && !isUnderWay
  if (isGhost) log.fail(`${who}, who had left`)
  Object.assign(seen, { order: said.order, timestamp: participant.timestamp, stay: stay.index })
}

function hear(
  stay: Stay,
  message: { connectionId: string; data: { stay: number; seq: number } },
  rules: LifeRules,
): void {
  const { life } = stay
  if (stay.endedAtMs !== undefined) {
    rules.log.fail(`${life.name} hears a message after its end`)
    return
  }
  const subject = rules.find(message.connectionId)
  if (subject === undefined) return
  rules.onEvent('message')
  const { stay: of, seq } = message.data
  rules.log.note(life.name, 'message', subject.name, of, seq)
  const last = stay.heard.get(message.connectionId) ?? { stay: -1, seq: 0 }
  const isNewer = of > last.stay || (of === last.stay && seq > last.seq)
  if (!isNewer)
    rules.log.fail(`${life.name} hears message ${of}.${seq} of ${subject.name} after ${last.stay}.${last.seq}`)
  stay.heard.set(message.connectionId, { stay: of, seq })
}
