/**
 * The end of a run, when every fault is over: nothing is told any more, all views are one, a word reaches everybody at once and
 * costs what it should, and who leaves leaves nothing.
 */
import type { Adversary } from './adversary.ts'
import { type Coverage, count } from './coverage.ts'
import { areOne, edit, findMissingItem, isUntouched } from './documents.ts'
import { currentStay, type Life, type LifeRules, type Log, publish, type Stay, update } from './life.ts'
import { findOverdue } from './messages.ts'
import type { Reach } from './reach.ts'
import type { Schedule } from './schedule.ts'
import type { Stage } from './stage.ts'

/** The end of a run in which nothing at all may happen, and in which traffic is counted. */
const REST_MS = 10_000
/** Messages of one pair in a second of rest, both ways and a server's forwards included: a ping and its pong in 3 s. */
const MAX_REST_PER_PAIR = 2
/** A word of everybody has reached everybody by then: 1 s, and a way over two lines (loss and disorder are over). */
const TALK_MS = 1_300
/** Words of one member one after the other, each in a send of its own. */
const BURST = 20
const BURST_EVERY_MS = 50
/** Until a leave, and the end of what was open, have gone through. */
const LEAVE_MS = 2_000
const NOTICED_GAP_MS = 10_000
const SHORT_GAP_MS = 2_000

export interface FinaleNeeds {
  readonly stage: Stage
  readonly schedule: Schedule
  readonly coverage: Coverage
  readonly log: Log
  readonly rules: LifeRules
  readonly adversary: Adversary | undefined
  readonly reach: Reach
  sentCount(): number
  passTo(untilMs: number): Promise<void>
}

export interface Finale {
  rest(): Promise<void>
  checkAgreement(): void
  talk(): Promise<void>
  leaveAll(): Promise<void>
}

export function createFinale(needs: FinaleNeeds): Finale {
  const { adversary, coverage, log, passTo, reach, rules, schedule, stage } = needs
  const stays = (): Stay[] => stage.lives.flatMap((life) => currentStay(life) ?? [])
  const present = (): Life[] => stays().map(({ life }) => life)
  const told = (): number => ['joined', 'update', 'leave'].reduce((sum, kind) => sum + (coverage.get(kind) ?? 0), 0)

  const nameOf = (id: string): string =>
    stage.lives.find(({ connectionId }) => connectionId === id)?.name ?? (adversary?.isOwn(id) ? 'mallory' : id)
  const isLinked = (one: Life, other: Life): boolean => reach.pair(one, other).upMs > 0
  /** By a way of their own, or by a neighbour of both. */
  const isMet = (one: Life, other: Life): boolean =>
    isLinked(one, other) || present().some((by) => isLinked(one, by) && isLinked(by, other))

  function mostAtRest(ms: number): number {
    const members = present().length
    const pairs = (members * (members - 1)) / 2
    // A socket and its server ask each other's sign of life every 3 s; mallory has a socket too.
    const sockets = (members + Number(adversary !== undefined)) * stage.servers.length
    return ((MAX_REST_PER_PAIR * pairs + sockets) * ms) / 1_000
  }

  function checkRecords(observer: Stay, others: readonly Stay[]): void {
    const shown = observer.channel.participant.getAll()
    for (const other of others) {
      const record = shown.find(({ connectionId }) => connectionId === other.life.connectionId)
      const last = other.said.at(-1)
      if (record === undefined) continue
      const json = JSON.stringify(record.data)
      if (json !== last?.json || record.timestamp !== last.timestamp)
        log.fail(`${observer.life.name} shows ${json} of ${other.life.name} at the end, not ${last?.json}`)
    }
  }

  /** [C12] Those who met have one document, and one that does not travel is as it was made. */
  function checkDocuments({ channel, life }: Stay, others: readonly Stay[]): void {
    if (life.doc === undefined && !isUntouched(channel.doc))
      log.fail(`something came into the document of ${life.name}`)
    for (const { life: other } of others) {
      if (life.doc === undefined || other.doc === undefined || life === other || !isMet(life, other)) continue
      if (!areOne(life.doc, other.doc)) log.fail(`the documents of ${life.name} and ${other.name} differ at the end`)
      if (other.edits.length > 0) count(coverage, 'an edit of another')
    }
    if (life.doc !== undefined) count(coverage, 'documents')
  }

  /** What one member's last words cost, and by which ways it reaches others; which refusals there were. */
  function countWays({ channel, life }: Stay): void {
    const { members, rejects } = channel.inspect()
    for (const { paths } of members) for (const kind of paths) count(coverage, `way ${kind}`)
    for (const [reason, times] of Object.entries(rejects)) count(coverage, `refused ${reason}`, times)
    for (const other of stage.lives) {
      const { longestDownMs } = reach.pair(life, other)
      if (longestDownMs > NOTICED_GAP_MS) count(coverage, 'gap over 10 s')
      else if (longestDownMs > SHORT_GAP_MS) count(coverage, 'gap of 2 to 10 s')
    }
  }

  /**
   * [L40] Twenty words of one member in a second: each goes once by every data channel, and by a server once up for all it
   * serves, as soon as it serves more than one, and once down to each.
   */
  async function checkCost(speaker: Stay): Promise<void> {
    const others = stays().filter(({ life }) => life !== speaker.life)
    const areServed = schedule.serverCount === 1 && schedule.members.every((plan) => !plan.webrtc && !plan.browser)
    const sentBefore = needs.sentCount()
    for (let left = BURST; left > 0; left--) {
      update(speaker, rules)
      await passTo(log.nowMs() + BURST_EVERY_MS)
    }
    await passTo(log.nowMs() + TALK_MS)
    const sent = needs.sentCount() - sentBefore
    // By a neighbour a word goes up and down twice.
    const ways = areServed ? 1 + others.length : 4 * others.length
    const most = BURST * ways + mostAtRest(BURST * BURST_EVERY_MS + TALK_MS)
    if (sent > most) log.fail(`${BURST} words of ${speaker.life.name} cost ${sent} messages, at most ${most} are due`)
    if (areServed && others.length > 1) count(coverage, 'one word for several')
  }

  /** [L12] What was said right before a goodbye comes before it. */
  async function sayLastWords(life: Life): Promise<void> {
    const stay = currentStay(life)
    const others = stays().filter((other) => other !== stay && isMet(other.life, life))
    if (stay !== undefined) {
      update(stay, rules)
      publish(stay, rules)
    }
    stage.destroy(life.member)
    await passTo(log.nowMs() + LEAVE_MS)
    for (const other of stay === undefined ? [] : others) {
      const heard = other.heard.get(life.connectionId)
      const hasSeen = other.seen.get(life.connectionId)?.order === stay?.said.at(-1)?.order
      if (!hasSeen || heard?.stay !== stay?.index || heard?.seq !== stay?.published.length)
        log.fail(`${other.life.name} has not heard the last words of ${life.name}`)
    }
  }

  return {
    async rest() {
      const [toldBefore, sentBefore] = [told(), needs.sentCount()]
      await passTo(log.nowMs() + REST_MS)
      if (told() !== toldBefore) log.fail('something was told at rest')
      const sent = needs.sentCount() - sentBefore
      const most = mostAtRest(REST_MS)
      if (sent > most) log.fail(`${sent} messages in ${REST_MS} ms of rest, at most ${most} are due`)
    },

    /** Everybody left is seen by everybody left whom any way leads to it, and nobody else is. */
    checkAgreement() {
      const all = stays()
      const members = present()
      const orders = all.map((stay) => {
        const { life } = stay
        const shown = stay.channel.participant.getAll().map(({ connectionId }) => connectionId)
        const names = shown.map(nameOf)
        const isWrong = (other: Life) => other !== life && isMet(life, other) && !shown.includes(other.connectionId)
        const isNobody = (id: string) => !members.some(({ connectionId }) => connectionId === id)
        if (members.some(isWrong) || shown.some(isNobody)) log.fail(`${life.name} shows ${names.join()} at the end`)
        checkRecords(stay, all)
        checkDocuments(stay, all)
        countWays(stay)
        return shown
      })
      for (const [index, order] of orders.entries()) {
        const first = orders[0] ?? []
        const both = (ids: readonly string[]) => ids.filter((id) => first.includes(id) && order.includes(id)).join()
        if (both(order) !== both(first)) log.fail(`${members[index]?.name} shows another order`)
      }
    },

    /** Everybody speaks at once, in every way, and everybody else has it in time; then one speaks a lot. */
    async talk() {
      const all = stays()
      for (const stay of all) {
        update(stay, rules)
        publish(stay, rules)
        edit(stay.life, log)
      }
      await passTo(log.nowMs() + TALK_MS)
      for (const one of all)
        for (const other of all) {
          if (one === other || !isMet(one.life, other.life)) continue
          const who = `${one.life.name} at the end, ${TALK_MS} ms after it was said by ${other.life.name}`
          if (one.seen.get(other.life.connectionId)?.order !== other.said.at(-1)?.order) log.fail(`no value: ${who}`)
          if (findOverdue(one, other, 0, rules) !== undefined) log.fail(`no message: ${who}`)
          if (findMissingItem(one, other.life, 0, log.nowMs()) !== undefined) log.fail(`no edit: ${who}`)
        }
      const [first] = all
      if (first !== undefined && all.length > 1) await checkCost(first)
    },

    /** One after the other leaves; what each had open is closed. */
    async leaveAll() {
      for (const life of stage.lives) {
        const { host, openCount } = life.resident
        if (host.state !== 'running') continue
        await sayLastWords(life)
        if (openCount() > 0) log.fail(`${life.name} leaves ${openCount()} sockets or channels behind`)
        if (host.timerCount() > 0) log.fail(`${life.name} leaves ${host.timerCount()} timers behind`)
      }
    },
  }
}
