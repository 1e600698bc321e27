/**
 * What an observer is told of presence, checked when it comes against what its owner really said: each event exactly once, no
 * value that goes back, nobody's own entry changed by others. Knows what may be shown, not when: times are the judge's.
 */
import type { Participant } from '../../lib/index.ts'
import { hasEnded, isStay, type Life, type LifeRules, type Seen, type Stay } from './life.ts'

type Kind = 'joined' | 'update' | 'leave'

/** Our own record is what we said last, and everybody else's what events told. */
export function checkShown(stay: Stay, { log }: Pick<LifeRules, 'log'>): void {
  const { channel, fold, life } = stay
  const all = channel.participant.getAll()
  const own = all.find(({ connectionId }) => connectionId === life.connectionId)
  const last = stay.said.at(-1)
  if (last !== undefined && (JSON.stringify(own?.data) !== last.json || own?.timestamp !== last.timestamp))
    log.fail(`${life.name}'s own entry changed by itself to ${JSON.stringify(own)}`)
  const isFold =
    all.length === fold.size + (own === undefined ? 0 : 1) &&
    all.every((one) => one === own || fold.get(one.connectionId) === one)
  if (!isFold) log.fail(`getAll() of ${life.name} is not what its events told`)
}

export function take(stay: Stay, kind: Kind, participant: Participant, rules: LifeRules) {
  const { log } = rules
  const { connectionId } = participant
  const { life } = stay
  if (hasEnded(stay)) return log.fail(`${life.name} hears ${kind} after its end`)
  rules.onEvent(kind)
  if (connectionId === life.connectionId) takeOwn(stay, kind, rules)
  else takeOther(stay, kind, participant, rules)
  checkShown(stay, rules)
}

/** [P13] */
function takeOwn(stay: Stay, kind: Kind, { log }: LifeRules): void {
  const { life, own, said } = stay
  if (kind === 'leave') log.fail(`${life.name} hears its own leave`)
  else if (kind === 'joined') own.joined += 1
  else own.updates += 1
  if (own.joined > 1) log.fail(`${life.name} hears its own joined twice`)
  if (own.updates > said.length - 1) log.fail(`${life.name} hears an update of its own that it never said`)
}

function takeOther(stay: Stay, kind: Kind, participant: Participant, rules: LifeRules): void {
  const { log } = rules
  const { connectionId } = participant
  const { life } = stay
  const subject = rules.find(connectionId)
  const name = subject?.name ?? 'mallory'
  log.note(life.name, kind, name, JSON.stringify(participant.data), participant.timestamp)
  if (subject === undefined && !rules.mayShowStrangers) log.fail(`${life.name} hears ${kind} of one without the secret`)
  const seen = stay.seen.get(connectionId) ?? {
    ...{ isPresent: false, order: -1, timestamp: 0, stay: -1, leftAtMs: undefined, joinedAtMs: 0, left: -1 },
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
    if (subject !== undefined) checkRecord(stay, subject, { seen, participant, kind }, rules)
  }
}

/** Each end is told once, and may come late: what was said before it is shown of the stay that goes on with it, too. */
function checkLeave(stay: Stay, subject: Life, seen: Seen, rules: LifeRules): void {
  const shown = subject.stays[seen.stay]
  const end = subject.stays.findLast(
    (one) =>
      one.endedAtMs !== undefined &&
      one.index > seen.left &&
      (one === shown || isStay(one, seen.stay) || isStay(shown, one.index)),
  )
  if (end !== undefined) seen.left = end.index
  else if (!rules.isLeaveDue(stay, subject))
    rules.log.fail(`${stay.life.name} hears a leave of ${subject.name}, who was in reach`)
}

interface Shown {
  readonly seen: Seen
  readonly participant: Participant
  readonly kind: 'joined' | 'update'
}

function checkRecord(observer: Stay, subject: Life, { seen, participant, kind }: Shown, { log }: LifeRules) {
  const who = `${observer.life.name} hears ${kind} of ${subject.name}`
  const json = JSON.stringify(participant.data)
  const isIt = (one: { json: string; timestamp: number }) =>
    one.json === json && one.timestamp === participant.timestamp
  const stay = subject.stays.findLast(({ said }) => said.some(isIt))
  const said = stay?.said.findLast(isIt)
  if (stay === undefined || said === undefined) return log.fail(`${who} with what it never said: ${json}`)
  if (participant.id !== subject.name || participant.name !== '') log.fail(`${who} under another id or name`)
  if (said.order < seen.order) log.fail(`${who} with an older value: ${json}`)
  if (kind === 'update' && said.order === seen.order) log.fail(`${who} twice: ${json}`)
  if (participant.timestamp < seen.timestamp) log.fail(`${who} with an older time`)
  // One that had come and gone unseen may be told of late, by words that were under way: it is gone in time all the same.
  const isGhost =
    kind === 'joined' &&
    seen.leftAtMs !== undefined &&
    stay.index <= seen.stay &&
    (stay.endedAtMs ?? Infinity) <= seen.leftAtMs
  if (isGhost) log.fail(`${who}, who had left`)
  Object.assign(seen, { order: said.order, timestamp: participant.timestamp, stay: stay.index })
}
