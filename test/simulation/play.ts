/** Plays one schedule from its first step to the last leave: introduces members, faults, adversaries and judges to each other. */

import { deriveSecretKey } from '../../lib/identity/secret-key.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import type { World } from '../../lib/testing/world.ts'
import { createActs } from './acts.ts'
import { createAdversary } from './adversary.ts'
import { createBounds } from './bounds.ts'
import { type Coverage, count } from './coverage.ts'
import { createDocumentCheck } from './documents.ts'
import { createFaults } from './faults.ts'
import { createFinale } from './finale.ts'
import { createJudge, LOOK_MS, MESSAGES_KEPT_MS, UNNOTICED_BREAK_MS } from './judge.ts'
import { createLeases } from './leases.ts'
import type { Liar } from './liar.ts'
import { createLies } from './lies.ts'
import { type Life, type LifeRules, type Log, ROOM } from './life.ts'
import type { MalloryKeys } from './mallory.ts'
import { createReach } from './reach.ts'
import type { Schedule } from './schedule.ts'
import { createStage, FIRST_SERVER, SECRET } from './stage.ts'
import { createTrouble } from './trouble.ts'

/** After the last fault everybody is at rest by then: the latest retry, a hold, and the quiet in which timing is judged. */
const SETTLE_MS = 45_000
/** Whoever ended is asked by the others, where a neighbour is a way to it, until its link is forgotten: 60 s. */
const LOOKED_FOR_MS = 61_000
/** So long after its waking whoever slept through an end holds the one that ended. */
const HOLD_MS = 14_500
/** Six ways of a hello over a server, there and back, each by two slow lines. */
const SLOW_WAYS = 12
/** The longest way of a line that is not slow, in ms. */
const LONGEST_WAY_MS = 40
/** A message and its answer, lost and sent again three times. */
const LOSSES_MS = 6_000

export interface PlayNeeds {
  readonly schedule: Schedule
  readonly world: World
  readonly log: Log
  readonly coverage: Coverage
  readonly liar: Liar | undefined
  stopIfFailed(): void
}

export async function play(needs: PlayNeeds): Promise<void> {
  const { coverage, log, schedule, stopIfFailed, world } = needs
  const { scheduler, wires } = world
  const parts = await setUp(needs)
  const { act, adversary, bounds, documents, judge, lies, lives, reach, stage, trouble } = parts
  let lastLookMs = 0

  function look(): void {
    reach.look(lives, log.nowMs() - lastLookMs)
    lastLookMs = log.nowMs()
    judge.look()
    documents.look()
    bounds.look()
    stopIfFailed()
  }

  async function passTo(untilMs: number): Promise<void> {
    // Sums of fractions of a ms end a little beside what they should.
    while (untilMs - scheduler.nowMs() > 0.001) {
      await scheduler.advance(Math.min(LOOK_MS, untilMs - scheduler.nowMs()))
      trouble.heal()
      look()
    }
  }

  const sentCount = () => stage.everyMachine().reduce((sum, machine) => sum + wires.sentCount(machine), 0)
  const finale = createFinale({
    stage,
    schedule,
    coverage,
    log,
    adversary,
    reach,
    sentCount,
    passTo,
    rules: parts.rules,
  })

  if (schedule.hasSlowCrypto) count(coverage, 'slow crypto')
  if (schedule.hasSecret) count(coverage, 'a secret')
  if (schedule.scene !== undefined) count(coverage, `scene ${schedule.scene}`)
  for (const step of schedule.steps) {
    await passTo(step.atMs)
    await act(step)
  }
  await passTo(schedule.endMs)
  trouble.heal(true)
  adversary?.stop()
  lies?.stop()
  const endedMs = Math.max(0, ...lives.flatMap(({ stays }) => stays.map(({ endedAtMs = 0 }) => endedAtMs)))
  const sleptMs = Math.max(0, ...lives.map(trouble.lastSlowMs).filter(Number.isFinite))
  const heldMs = endedMs > 0 && sleptMs > 0 ? sleptMs + HOLD_MS : 0
  await passTo(Math.max(log.nowMs() + SETTLE_MS, Math.max(endedMs, heldMs) + LOOKED_FOR_MS))
  await finale.rest()
  finale.checkAgreement()
  stopIfFailed()
  await finale.talk()
  stopIfFailed()
  await finale.leaveAll()
}

/** Everybody who has a part in a run, introduced to each other. */
async function setUp({ coverage, liar, log, schedule, world }: PlayNeeds) {
  const { scheduler, wires } = world
  const trouble = createTrouble(log.nowMs)
  const byConnection = new Map<string, Life>()
  const rules: LifeRules = {
    log,
    find: (connectionId) => byConnection.get(connectionId),
    isLeaveDue: (observer, subject) => judge.isLeaveDue(observer, subject),
    mayShowStrangers: !schedule.isAdversaryOutside,
    lastSlowMs: trouble.lastSlowMs,
    // With several ways, one of them may have broken unnoticed: whoever misses something asks by it in vain for a while.
    mayComeLate(fromMs, one, other) {
      const untilMs = fromMs + MESSAGES_KEPT_MS
      if (trouble.hasLostSince(fromMs)) return true
      if (reach.isOneWay(one, other, fromMs - UNNOTICED_BREAK_MS)) return reach.wasApart(one, other, fromMs, untilMs)
      return trouble.had([one.member, other.member], fromMs - UNNOTICED_BREAK_MS, untilMs)
    },
    peerCount: () => world.peers.count,
    onEvent: (kind) => count(coverage, kind),
  }
  const documents = createDocumentCheck(() => stage.lives, log)
  const stage = createStage({
    ...{ world, schedule, log, coverage, rules },
    onBirth(life) {
      byConnection.set(life.connectionId, life)
      documents.watch(life)
    },
    onEnd(stay) {
      stay.faultMs = trouble.lastMs(stay.life.member)
      trouble.touch([])
    },
  })
  const lies =
    liar &&
    createLies({
      ...{ liar, scheduler, server: world.server(FIRST_SERVER), dice: world.dice.fork() },
      onLie: countTried('lie', coverage),
    })
  const reach = createReach({ world, lies })
  const keys = await keysOf(schedule, world)
  const onAttack = countTried('attack', coverage)
  const adversary = schedule.hasAdversary
    ? createAdversary({ world, url: FIRST_SERVER, keys, log, onAttack })
    : undefined
  if (adversary !== undefined && schedule.isAdversaryOutside) count(coverage, 'threat T16')
  const faults = createFaults(world)
  const leases = createLeases({ reach, trouble, faults, lives: () => stage.lives, nowMs: log.nowMs })
  const judge = createJudge({
    ...{ reach, log, rules, trouble, leases, lives: () => stage.lives },
    slackMs: () =>
      SLOW_WAYS * Math.max(LONGEST_WAY_MS, ...stage.lives.map(({ resident }) => resident.host.machine.slowMs)) +
      (trouble.isLosing() ? LOSSES_MS : 0),
  })
  const act = createActs({ schedule, stage, trouble, faults, leases, wires, rules, coverage, adversary, lies })
  const bounds = createBounds({
    ...{ stage, wires, log, hasStrangers: schedule.hasAdversary || schedule.hasLiar },
    liar: lies?.server.machine,
    inventedCount: () => lies?.inventedCount() ?? 0,
  })
  return { act, adversary, bounds, documents, judge, lies, lives: stage.lives, reach, rules, stage, trouble }
}

const countTried = (kind: 'attack' | 'lie', coverage: Coverage) => (name: string, threats: readonly string[]) => {
  count(coverage, `${kind} ${name}`)
  for (const row of threats) count(coverage, `threat ${row}`)
}

async function keysOf({ hasSecret, isAdversaryOutside }: Schedule, { crypto }: World): Promise<MalloryKeys> {
  const secretKey = hasSecret ? await deriveSecretKey({ secret: SECRET, app: '', crypto }) : undefined
  const topic = topicOf({ crypto, app: '', channel: ROOM, ...(secretKey && { secretKey }) })
  return { topic, secretKey: isAdversaryOutside ? undefined : secretKey }
}
