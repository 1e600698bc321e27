/**
 * What an observer hears of messages: in the sender's order, each once, none that nobody sent, and none left out that is owed:
 * published while the two saw each other, and neither has seen the other leave since (M1, M4, M8).
 */
import { hasEnded, isStay, type LifeRules, type Stay } from './life.ts'

export interface Published {
  readonly atMs: number
}

interface Heard {
  readonly connectionId: string
  readonly data: { readonly stay: number; readonly seq: number }
}

export function hear(observer: Stay, message: Heard, rules: LifeRules) {
  const { log } = rules
  const { life } = observer
  if (hasEnded(observer)) return log.fail(`${life.name} hears a message after its end`)
  const subject = rules.find(message.connectionId)
  // A member gone bad says what it likes, in its own name.
  if (subject === undefined) return
  rules.onEvent('message')
  const { stay: of, seq } = message.data
  log.note(life.name, 'message', subject.name, of, seq)
  const stay = subject.stays[of]
  if (stay === undefined || seq > stay.published.length)
    return log.fail(`${life.name} hears message ${of}.${seq} of ${subject.name}, who never sent it`)
  const last = observer.heard.get(message.connectionId) ?? { stay: -1, seq: 0 }
  const isNewer = of > last.stay || (of === last.stay && seq > last.seq)
  if (!isNewer) log.fail(`${life.name} hears message ${of}.${seq} of ${subject.name} after ${last.stay}.${last.seq}`)
  observer.heard.set(message.connectionId, { stay: of, seq })
  for (let missed = of === last.stay ? last.seq + 1 : 1; missed < seq; missed++)
    if (isOwed(observer, stay, missed, rules))
      return log.fail(`${life.name} hears message ${of}.${seq} of ${subject.name} without ${missed}`)
}

/** The first message that is owed and was due so long ago, by its number; undefined where there is none. */
export function findOverdue(observer: Stay, stay: Stay, dueMs: number, rules: LifeRules): number | undefined {
  const { log } = rules
  const last = observer.heard.get(stay.life.connectionId)
  const heard = last?.stay === stay.index ? last.seq : 0
  for (let seq = heard + 1; seq <= stay.published.length; seq++) {
    const { atMs } = stay.published[seq - 1] ?? { atMs: Number.POSITIVE_INFINITY }
    if (log.nowMs() - atMs <= dueMs) return undefined
    if (isOwed(observer, stay, seq, rules)) return seq
  }
  return undefined
}

function isOwed(observer: Stay, stay: Stay, seq: number, rules: LifeRules): boolean {
  const { atMs } = stay.published[seq - 1] ?? { atMs: Number.NEGATIVE_INFINITY }
  const hasSeen = (one: Stay, other: Stay): boolean => {
    const seen = one.seen.get(other.life.connectionId)
    return seen?.isPresent === true && isStay(other, seen.stay) && seen.joinedAtMs < atMs
  }
  if (!hasSeen(observer, stay) || !hasSeen(stay, observer)) return false
  // [M2] Nobody waits for more than a second: neither for one whose timers are slow, nor for an answer that is lost.
  if (rules.mayComeLate(atMs, observer.life, stay.life)) return false
  return rules.lastSlowMs(stay.life) < atMs && rules.lastSlowMs(observer.life) < atMs
}
