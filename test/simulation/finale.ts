/** The end of a run, when every fault is over: nothing is told any more, all views are one, and who leaves leaves nothing. */
import type { Adversary } from './adversary.ts'
import type { Coverage } from './coverage.ts'
import { currentStay, type Life, type Log } from './life.ts'
import type { Stage } from './stage.ts'

/** The end of a run in which nothing at all may happen, and in which traffic is counted. */
const REST_MS = 10_000
/** Messages of one pair in a second of rest, both ways and a server's forwards included: a ping and its pong in 3 s. */
const MAX_REST_PER_PAIR = 2
/** Until a leave, and the end of what was open, have gone through. */
const LEAVE_MS = 3_000

export interface FinaleNeeds {
  readonly stage: Stage
  readonly coverage: Coverage
  readonly log: Log
  readonly adversary: Adversary | undefined
  /** Whether the two have a way to each other, by the harness's own view. */
  isLinked(one: Life, other: Life): boolean
  sentCount(): number
  passTo(untilMs: number): Promise<void>
}

export function createFinale(needs: FinaleNeeds): {
  rest(): Promise<void>
  checkAgreement(): void
  leaveAll(): Promise<void>
} {
  const { adversary, coverage, log, passTo, stage } = needs
  const present = (): Life[] => stage.lives.filter((life) => currentStay(life) !== undefined)
  const told = (): number => ['joined', 'update', 'leave'].reduce((sum, kind) => sum + (coverage.get(kind) ?? 0), 0)

  const nameOf = (id: string): string =>
    stage.lives.find(({ connectionId }) => connectionId === id)?.name ?? (adversary?.isOwn(id) ? 'mallory' : id)
  /** By a way of their own, or by a neighbour of both. */
  const isMet = (one: Life, other: Life): boolean =>
    needs.isLinked(one, other) || present().some((by) => needs.isLinked(one, by) && needs.isLinked(by, other))

  function checkRecords(observer: Life, others: readonly Life[]): void {
    const shown = currentStay(observer)?.channel.participant.getAll() ?? []
    for (const other of others) {
      const record = shown.find(({ connectionId }) => connectionId === other.connectionId)
      const last = currentStay(other)?.said.at(-1)
      if (record === undefined) continue
      const json = JSON.stringify(record.data)
      if (json !== last?.json || record.timestamp !== last.timestamp)
        log.fail(`${observer.name} shows ${json} of ${other.name} at the end, not ${last?.json}`)
    }
  }

  return {
    async rest() {
      const members = present().length
      const [toldBefore, sentBefore] = [told(), needs.sentCount()]
      await passTo(log.nowMs() + REST_MS)
      if (told() !== toldBefore) log.fail('something was told at rest')
      const pairs = (members * (members - 1)) / 2
      const sent = needs.sentCount() - sentBefore
      const most = (MAX_REST_PER_PAIR * pairs + members * stage.servers.length) * (REST_MS / 1_000)
      if (sent > most) log.fail(`${sent} messages in ${REST_MS} ms of rest, at most ${most} are due`)
    },

    /** Everybody left is seen by everybody left whom any way leads to it, and nobody else is. */
    checkAgreement() {
      const members = present()
      const orders = members.map((life) => {
        const shown = (currentStay(life)?.channel.participant.getAll() ?? []).map(({ connectionId }) => connectionId)
        const names = shown.map(nameOf)
        const isWrong = (other: Life) => other !== life && isMet(life, other) && !names.includes(other.name)
        const isNobody = (id: string) => !members.some(({ connectionId }) => connectionId === id)
        if (members.some(isWrong) || shown.some(isNobody)) log.fail(`${life.name} shows ${names.join()} at the end`)
        checkRecords(life, members)
        return shown
      })
      for (const [index, order] of orders.entries()) {
        const first = orders[0] ?? []
        const both = (ids: readonly string[]) => ids.filter((id) => first.includes(id) && order.includes(id)).join()
        if (both(order) !== both(first)) log.fail(`${members[index]?.name} shows another order`)
      }
    },

    /** One after the other leaves; what each had open is closed. */
    async leaveAll() {
      for (const life of stage.lives) {
        const { host, openCount } = life.resident
        if (host.state !== 'running') continue
        stage.destroy(life.member)
        await passTo(log.nowMs() + LEAVE_MS)
        if (openCount() > 0) log.fail(`${life.name} leaves ${openCount()} sockets or channels behind`)
        if (host.timerCount() > 0) log.fail(`${life.name} leaves ${host.timerCount()} timers behind`)
      }
    },
  }
}
