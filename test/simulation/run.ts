/** Runs one schedule with the real library and checks every invariant while it runs. The same seed gives the same run. */
import type { Crypto } from '../../lib/identity/crypto.ts'
import type { Host } from '../../lib/testing/host.ts'
import { createWorld, type World } from '../../lib/testing/world.ts'
import { createActs } from './acts.ts'
import { createAdversary } from './adversary.ts'
import { type Coverage, count } from './coverage.ts'
import { createFaults } from './faults.ts'
import { createFinale } from './finale.ts'
import { createJudge, LOOK_MS } from './judge.ts'
import type { Life, LifeRules, Log } from './life.ts'
import { createReach } from './reach.ts'
import { drawSchedule, type Schedule } from './schedule.ts'
import { slowCrypto } from './slow-crypto.ts'
import { createStage, FIRST_SERVER } from './stage.ts'
import { createTrouble } from './trouble.ts'

/** After the last fault everybody is at rest by then: the latest retry, a hold, and the quiet in which timing is judged. */
const SETTLE_MS = 45_000
/** Messages of one machine in one look: a storm. */
const MAX_PER_LOOK = 500
/** Timers of one member, and for each other one that ever was. */
const MAX_TIMERS = 40
const MAX_TIMERS_PER_LIFE = 4
/** Six ways of a hello over a server, there and back, each by two slow lines. */
const SLOW_WAYS = 12
/** A message and its answer, lost and sent again three times. */
const LOSSES_MS = 6_000
const NOTICED_GAP_MS = 10_000

export interface Outcome {
  readonly seed: number
  readonly schedule: Schedule
  /** What was broken, in order; empty where all is well. */
  readonly failures: readonly string[]
  /** Everything that was told and when, as one number. */
  readonly hash: number
  readonly coverage: Coverage
}

export interface RunOptions {
  readonly schedule?: Schedule
  readonly onNote?: (line: string) => void
  /** Goes on after the first failure. */
  readonly isThorough?: boolean
}

class Stopped extends Error {}

export async function runSchedule(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const schedule = options.schedule ?? drawSchedule(seed)
  const failures: string[] = []
  const coverage: Coverage = new Map()
  let hash = 0x811c9dc5
  const world: World = createWorld({
    seed,
    ...(schedule.hasSlowCrypto
      ? { wrapCrypto: (crypto: Crypto, host: Host) => slowCrypto(crypto, host, world.scheduler, world.dice.fork()) }
      : {}),
  })
  const log: Log = {
    nowMs: world.scheduler.nowMs,
    fail(what) {
      const line = `at ${Math.round(world.scheduler.nowMs())} ms: ${what}`
      options.onNote?.(`!! ${line}`)
      failures.push(line)
    },
    note(...parts) {
      const line = `${world.scheduler.nowMs().toFixed(3)} ${parts.join(' ')}`
      for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193)
      options.onNote?.(line)
    },
  }
  const stopIfFailed = () => {
    if (failures.length > 0 && options.isThorough !== true) throw new Stopped()
  }
  try {
    await play({ schedule, world, log, coverage, stopIfFailed })
    stopIfFailed()
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return { seed, schedule, failures, hash: hash >>> 0, coverage }
}

interface PlayNeeds {
  readonly schedule: Schedule
  readonly world: World
  readonly log: Log
  readonly coverage: Coverage
  stopIfFailed(): void
}

async function play({ schedule, world, log, coverage, stopIfFailed }: PlayNeeds): Promise<void> {
  const { scheduler, wires } = world
  const trouble = createTrouble(log.nowMs)
  const rules: LifeRules = {
    log,
    find: (connectionId) => stage.lives.find((life) => life.connectionId === connectionId),
    isLeaveDue: (observer, subject) => judge.isLeaveDue(observer, subject),
    onEvent: (kind) => count(coverage, kind),
  }
  const onEnd = () => trouble.touch([])
  const stage = createStage({ world, schedule, log, coverage, rules, onEnd })
  const { lives } = stage
  const reach = createReach({ world, serversOf: stage.serversOf })
  const judge = createJudge({
    world,
    reach,
    log,
    lives: () => lives,
    lastFaultMs: (one, other) => Math.max(trouble.lastMs(one.member), trouble.lastMs(other.member)),
    lastBreakMs: (one, other) => Math.max(trouble.lastBreakMs(one.member), trouble.lastBreakMs(other.member)),
    lastSlowMs: trouble.lastSlowMs,
    hadFault: trouble.had,
    slackMs: () =>
      SLOW_WAYS * Math.max(40, ...lives.map(({ resident }) => resident.host.machine.slowMs)) +
      (trouble.isLosing() ? LOSSES_MS : 0),
  })
  const onAttack = (name: string) => count(coverage, `attack ${name}`)
  const adversary = schedule.hasAdversary ? createAdversary({ world, url: FIRST_SERVER, log, onAttack }) : undefined
  const faults = createFaults(world)
  const act = createActs({ schedule, stage, trouble, faults, wires, rules, coverage, adversary })
  let lastLookMs = 0

  function look(sentBefore: readonly number[]): void {
    reach.look(lives, log.nowMs() - lastLookMs)
    lastLookMs = log.nowMs()
    judge.look()
    for (const { name, resident } of lives) {
      const timers = resident.host.timerCount()
      if (timers > MAX_TIMERS + MAX_TIMERS_PER_LIFE * lives.length) log.fail(`${name} has ${timers} timers`)
    }
    for (const [index, machine] of stage.everyMachine().entries()) {
      const sent = wires.sentCount(machine) - (sentBefore[index] ?? 0)
      if (sent > MAX_PER_LOOK) log.fail(`${machine.name} sent ${sent} messages in ${LOOK_MS} ms`)
    }
    stopIfFailed()
  }

  async function passTo(untilMs: number): Promise<void> {
    // Sums of fractions of a ms end a little beside what they should.
    while (untilMs - scheduler.nowMs() > 0.001) {
      const sentBefore = stage.everyMachine().map(wires.sentCount)
      await scheduler.advance(Math.min(LOOK_MS, untilMs - scheduler.nowMs()))
      trouble.heal()
      look(sentBefore)
    }
  }

  const sentCount = () => stage.everyMachine().reduce((sum, machine) => sum + wires.sentCount(machine), 0)
  const isLinked = (one: Life, other: Life) => reach.pair(one, other).upMs > 0
  const finale = createFinale({ stage, coverage, log, adversary, isLinked, sentCount, passTo })

  if (schedule.hasSlowCrypto) count(coverage, 'slow crypto')
  for (const step of schedule.steps) {
    await passTo(step.atMs)
    await act(step)
  }
  await passTo(schedule.endMs)
  trouble.heal(true)
  adversary?.stop()
  await passTo(log.nowMs() + SETTLE_MS)
  await finale.rest()
  finale.checkAgreement()
  for (const life of lives)
    for (const other of lives) if (reach.pair(life, other).lastDownMs > NOTICED_GAP_MS) count(coverage, 'gap over 10 s')
  stopIfFailed()
  await finale.leaveAll()
}
