/** What nobody may use more of, whatever happens: timers, sockets and channels, and messages. */
import type { Machine, Wires } from '../../lib/testing/wires.ts'
import { LOOK_MS } from './judge.ts'
import { currentStay, type Life, type Log } from './life.ts'
import type { Stage } from './stage.ts'

/** Messages of one machine in one look: a storm. */
const MAX_PER_LOOK = 500
/** Timers of one member, and for each other one that ever was. */
const MAX_TIMERS = 40
const MAX_TIMERS_PER_LIFE = 4
/** For each half-open link: its hello's retry, and another beside it. A channel has room for so many. */
const MAX_TIMERS_PER_STRANGER = 2
const MAX_STRANGERS = 127
/** What is open beside a data channel and its successor for each other one: a socket and the one before it, two tab channels. */
const MAX_OPEN = 4
const MAX_OPEN_PER_LIFE = 2

export interface BoundsNeeds {
  readonly stage: Stage
  readonly wires: Wires
  readonly log: Log
  /** Whether somebody makes members up. */
  readonly hasStrangers: boolean
  /** One that says things of its own, as many as it likes. */
  readonly liar: Machine | undefined
  /** How many a server has made up: each is to be met again, as long as the server says that it is there. */
  inventedCount(): number
}

export function createBounds({ hasStrangers, inventedCount, liar, log, stage, wires }: BoundsNeeds): { look(): void } {
  const { lives } = stage
  const strangers = hasStrangers ? MAX_STRANGERS : 0
  const sentBefore = new Map<unknown, number>()

  function checkLife({ name, resident }: Life): void {
    const timers = resident.host.timerCount()
    const maxTimers =
      MAX_TIMERS + MAX_TIMERS_PER_LIFE * lives.length + MAX_TIMERS_PER_STRANGER * strangers + inventedCount()
    if (timers > maxTimers) log.fail(`${name} has ${timers} timers`)
    const open = resident.openCount()
    if (open > MAX_OPEN + MAX_OPEN_PER_LIFE * lives.length) log.fail(`${name} has ${open} sockets and channels open`)
  }

  return {
    look() {
      for (const life of lives) if (life.resident.host.state === 'running' && currentStay(life)) checkLife(life)
      for (const machine of stage.everyMachine()) {
        const sent = wires.sentCount(machine)
        const now = sent - (sentBefore.get(machine) ?? 0)
        sentBefore.set(machine, sent)
        if (now > MAX_PER_LOOK && machine !== liar) log.fail(`${machine.name} sent ${now} messages in ${LOOK_MS} ms`)
      }
    },
  }
}
