/** Runs one schedule with the real library and checks every invariant while it runs. The same seed gives the same run. */
import type { Crypto } from '../../lib/identity/crypto.ts'
import type { Host } from '../../lib/testing/host.ts'
import { createWorld, type World } from '../../lib/testing/world.ts'
import { type Adversary, startAdversary } from './adversary.ts'
import { createFaults, type Undo } from './faults.ts'
import { createJudge, LOOK_MS } from './judge.ts'
import { currentStay, join, type Life, type LifeRules, type Log, publish, type Stay, update } from './life.ts'
import { createReach } from './reach.ts'
import { drawSchedule, type Schedule, type Step } from './schedule.ts'
import { slowCrypto } from './slow-crypto.ts'

const CAST = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
/** After the last fault everybody is at rest by then: the latest retry, a hold, and the quiet in which timing is judged. */
const SETTLE_MS = 45_000
/** The end of it in which nothing at all may happen, and in which traffic is counted. */
const REST_MS = 10_000
/** Messages of one pair in a second of rest, both ways and a server's forwards included: a ping and its pong in 5 s. */
const MAX_REST_PER_PAIR = 2
/** Messages of one machine in one look: a storm. */
const MAX_PER_LOOK = 500
const MAX_TIMERS = 40
/** The longest hold of the roster. */
const HOLD_MS = 13_500

export interface Coverage {
  joined: number
  update: number
  leave: number
  message: number
  ended: number
  returns: number
  gaps: number
}

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
  const coverage = { joined: 0, update: 0, leave: 0, message: 0, ended: 0, returns: 0, gaps: 0 }
  const run = createRun({ schedule, world, log, coverage })
  const stopIfFailed = () => {
    if (failures.length > 0 && options.isThorough !== true) throw new Stopped()
  }
  try {
    await run.play(stopIfFailed)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return { seed, schedule, failures, hash: hash >>> 0, coverage }
}

interface RunNeeds {
  readonly schedule: Schedule
  readonly world: World
  readonly log: Log
  readonly coverage: Coverage
}

function createRun({ schedule, world, log, coverage }: RunNeeds): { play(afterLook: () => void): Promise<void> } {
  const { scheduler, wires } = world
  const servers = Array.from({ length: schedule.serverCount }, (_, index) => world.server(`wss://server-${index}.test`))
  const lives: Life[] = []
  const byMember = new Map<number, Life>()
  const faults = createFaults(world)
  const ends: { atMs: number; undo: Undo; touched: readonly number[] }[] = []
  const faultMs = new Map<number, number>()
  const faultTimes: number[] = []
  const slowUntil = new Map<Life, number>()
  const plans = schedule.members
  const all = plans.map((_, index) => index)
  const serversOf = (life: Life) => (plans[life.member]?.servers ?? []).flatMap((index) => servers[index] ?? [])
  const reach = createReach({ world, serversOf })
  let slackUntilMs = Number.NEGATIVE_INFINITY
  let adversary: Adversary | undefined
  let lastLookMs = 0

  const judge = createJudge({
    world,
    reach,
    log,
    lives: () => lives,
    lastFaultMs: (one, other) => Math.max(faultMs.get(one.member) ?? 0, faultMs.get(other.member) ?? 0),
    lastSlowMs: (life) => slowUntil.get(life) ?? Number.NEGATIVE_INFINITY,
    hadFault: (fromMs, toMs) => faultTimes.some((atMs) => atMs >= fromMs && atMs <= toMs),
    // Slow lines: six ways of a hello over a server; losses: a message and its answer, sent again three times.
    slackMs: () =>
      12 * Math.max(40, ...lives.map(({ resident }) => resident.host.machine.slowMs)) +
      (log.nowMs() < slackUntilMs ? 6_000 : 0),
  })
  const rules: LifeRules = {
    log,
    find: (connectionId) => lives.find((life) => life.connectionId === connectionId),
    isLeaveDue: judge.isLeaveDue,
    onEvent(kind) {
      coverage[kind] += 1
    },
  }

  const touch = (members: readonly number[]) => {
    faultTimes.push(log.nowMs())
    for (const member of members) faultMs.set(member, log.nowMs())
  }
  const during = (forMs: number, touched: readonly number[], undo: Undo) => {
    touch(touched)
    ends.push({ atMs: log.nowMs() + forMs, undo, touched })
  }
  const lifeOf = (member: number): Life | undefined => byMember.get(member)
  const stayOf = (member: number): Stay | undefined => {
    const life = lifeOf(member)
    return life?.resident.host.state === 'running' ? currentStay(life) : undefined
  }
  const machinesOf = (members: readonly number[]) =>
    members.flatMap((member) => lifeOf(member)?.resident.host.machine ?? [])
  const everyMachine = () => [
    ...machinesOf(all),
    ...servers.map(({ machine }) => machine),
    ...(adversary?.machines() ?? []),
  ]

  function end(stay: Stay, by: 'goodbye' | 'kill'): void {
    stay.endedAtMs = log.nowMs()
    stay.endedBy = by
    coverage.ended += 1
    faultTimes.push(log.nowMs())
    log.note(stay.life.name, 'ends', stay.endedBy ?? '')
  }

  async function enter(member: number): Promise<void> {
    const plan = plans[member]
    if (plan === undefined) return
    let life = lifeOf(member)
    if (life !== undefined && life.resident.host.state !== 'running') return
    if (life !== undefined && currentStay(life) !== undefined) return
    if (life === undefined) {
      const name = CAST[member] ?? `member ${member}`
      const resident = world.createResident(
        { participant: { id: name }, servers: plan.servers.map((index) => `wss://server-${index}.test`) },
        { browser: plan.browser, webrtc: plan.webrtc },
      )
      resident.host.stepClock(plan.skewMs)
      life = { name, member, resident, connectionId: resident.realtime.connectionId, stays: [], said: 0 }
      lives.push(life)
      byMember.set(member, life)
    } else coverage.returns += 1
    log.note(life.name, 'joins', life.connectionId)
    await join(life, rules)
  }

  function leave(member: number): void {
    const stay = stayOf(member)
    if (stay === undefined) return
    void stay.channel.disconnect()
    end(stay, 'goodbye')
  }

  function kill(member: number): void {
    const life = lifeOf(member)
    if (life === undefined) return
    const stay = currentStay(life)
    life.resident.host.kill()
    if (stay !== undefined) end(stay, 'kill')
    byMember.delete(member)
  }

  function destroy(member: number): void {
    const life = lifeOf(member)
    const stay = stayOf(member)
    if (life?.resident.host.state !== 'running') return
    void life.resident.realtime.destroy()
    if (stay !== undefined) end(stay, 'goodbye')
    byMember.delete(member)
  }

  function slowDown(life: Life, undo: Undo, forMs: number, afterwardsMs: number): void {
    slowUntil.set(life, Number.POSITIVE_INFINITY)
    during(forMs, [life.member], () => {
      undo()
      const { state, pace } = life.resident.host
      if (state === 'running' && pace === 'normal') slowUntil.set(life, log.nowMs() + afterwardsMs)
    })
  }

  async function act(step: Step): Promise<void> {
    log.note('step', JSON.stringify(step))
    switch (step.kind) {
      case 'join':
        return enter(step.member)
      case 'leave':
        return leave(step.member)
      case 'rejoin':
        leave(step.member)
        return enter(step.member)
      case 'destroy':
        return destroy(step.member)
      case 'kill':
        return kill(step.member)
      case 'update':
      case 'publish': {
        const stay = stayOf(step.member)
        for (let left = step.count; left > 0 && stay !== undefined; left--)
          step.kind === 'update' ? update(stay, rules) : publish(stay, rules)
        return
      }
      case 'freeze':
      case 'sleep':
      case 'minute': {
        const life = lifeOf(step.member)
        if (life === undefined) return
        const { host } = life.resident
        const undo =
          step.kind === 'minute' ? faults.setPace(host, 'minute') : faults.freeze(host, step.kind === 'sleep')
        // Whoever slept with its steady clock notices it when a hold ends, and begins that hold anew.
        return slowDown(life, undo, step.forMs, step.kind === 'sleep' ? HOLD_MS : 0)
      }
      case 'offline': {
        const own = machinesOf([step.member])
        const others = everyMachine().filter((machine) => !own.includes(machine))
        return during(step.forMs, [step.member], faults.cutBoth(own, others))
      }
      case 'slow':
        for (const machine of machinesOf([step.member])) during(step.forMs, all, faults.slow(machine, step.byMs))
        return
      case 'clock': {
        const life = lifeOf(step.member)
        if (life === undefined) return
        life.resident.host.stepClock(step.byMs)
        // A clock that jumps forward looks like a sleep: whoever jumped gives others the time of a hold.
        if (step.byMs > 0) slowUntil.set(life, Math.max(slowUntil.get(life) ?? 0, log.nowMs() + HOLD_MS))
        return
      }
      case 'cut':
        return during(
          step.forMs,
          [step.member, step.other],
          faults.cutBoth(machinesOf([step.member]), machinesOf([step.other])),
        )
      case 'one-way':
        return during(
          step.forMs,
          [step.member, step.other],
          faults.cut(machinesOf([step.member]), machinesOf([step.other])),
        )
      case 'unserved':
        return during(
          step.forMs,
          [step.member],
          faults.cutBoth(machinesOf([step.member]), [servers[step.server]?.machine ?? []].flat()),
        )
      case 'reset': {
        const life = lifeOf(step.member)
        const server = servers[step.server]
        if (life === undefined || server === undefined) return
        const { machine, pace, state } = life.resident.host
        // A socket that ends under somebody who cannot come back is the end of somebody, as far as anybody can tell.
        const canReturn = state === 'running' && pace === 'normal'
        if (!canReturn || !wires.isOpen(machine, server.machine) || !wires.isOpen(server.machine, machine)) return
        server.reset(life.resident.host)
        return touch([step.member])
      }
      case 'split': {
        const inside = [...machinesOf(step.group), ...step.servers.flatMap((index) => servers[index]?.machine ?? [])]
        const outside = everyMachine().filter((machine) => !inside.includes(machine))
        return during(step.forMs, all, faults.cutBoth(inside, outside))
      }
      case 'crash': {
        const server = servers[step.server]
        if (server !== undefined) during(step.forMs, all, faults.crash(server))
        return
      }
      case 'loss':
        slackUntilMs = Math.max(slackUntilMs, log.nowMs() + step.forMs + 10_000)
        return during(step.forMs, all, faults.lose(step.rate))
      case 'attack':
        return adversary?.attack(step.attack, lifeOf(step.member), lifeOf(step.other))
    }
  }

  function look(): void {
    const nowMs = log.nowMs()
    const ms = nowMs - lastLookMs
    lastLookMs = nowMs
    reach.look(lives, ms)
    judge.look()
    for (const life of lives) {
      const timers = life.resident.host.timerCount()
      if (timers > MAX_TIMERS + 4 * lives.length) log.fail(`${life.name} has ${timers} timers`)
    }
  }

  async function passTo(untilMs: number, afterLook: () => void): Promise<void> {
    // Sums of fractions of a ms end a little beside what they should.
    while (untilMs - scheduler.nowMs() > 0.001) {
      const before = everyMachine().map(wires.sentCount)
      await scheduler.advance(Math.min(LOOK_MS, untilMs - scheduler.nowMs()))
      const due = ends.filter(({ atMs }) => atMs <= log.nowMs())
      for (const fault of due) {
        ends.splice(ends.indexOf(fault), 1)
        fault.undo()
        touch(fault.touched)
      }
      look()
      for (const [index, machine] of everyMachine().entries()) {
        const count = wires.sentCount(machine) - (before[index] ?? 0)
        if (count > MAX_PER_LOOK) log.fail(`${machine.name} sent ${count} messages in ${LOOK_MS} ms`)
      }
      afterLook()
    }
  }

  /** Everybody left is seen by everybody left, and nobody else is. */
  function checkAgreement(): void {
    const present = lives.filter((life) => currentStay(life) !== undefined)
    const expected = present.map((life) => life.connectionId).sort()
    let order: string | undefined
    for (const life of present) {
      const stay = currentStay(life)
      const shown = (stay?.channel.participant.getAll() ?? []).map(({ connectionId }) => connectionId)
      const honest = shown.filter((id) => !adversary?.isOwn(id))
      if ([...honest].sort().join() !== expected.join())
        log.fail(`${life.name} shows ${honest.map((id) => rules.find(id)?.name ?? id).join()} at the end`)
      order ??= honest.join()
      if (honest.join() !== order) log.fail(`${life.name} shows another order`)
      for (const other of present) {
        const record = stay?.channel.participant
          .getAll()
          .find(({ connectionId }) => connectionId === other.connectionId)
        const last = currentStay(other)?.said.at(-1)
        if (
          record !== undefined &&
          (JSON.stringify(record.data) !== last?.json || record.timestamp !== last?.timestamp)
        )
          log.fail(`${life.name} shows ${JSON.stringify(record.data)} of ${other.name} at the end, not ${last?.json}`)
      }
    }
  }

  async function rest(afterLook: () => void): Promise<void> {
    const present = lives.filter((life) => currentStay(life) !== undefined)
    const count = () => everyMachine().reduce((sum, machine) => sum + wires.sentCount(machine), 0)
    const eventsBefore = coverage.joined + coverage.update + coverage.leave
    const sentBefore = count()
    await passTo(log.nowMs() + REST_MS, afterLook)
    if (coverage.joined + coverage.update + coverage.leave !== eventsBefore) log.fail('something was told at rest')
    const pairs = (present.length * (present.length - 1)) / 2
    const sent = count() - sentBefore
    const most = (MAX_REST_PER_PAIR * pairs + present.length * servers.length) * (REST_MS / 1_000)
    if (adversary === undefined && sent > most)
      log.fail(`${sent} messages in ${REST_MS} ms of rest, at most ${most} are due`)
  }

  /** [V] One after the other leaves; what each had open is closed. */
  async function leaveAll(afterLook: () => void): Promise<void> {
    for (const life of lives) {
      if (life.resident.host.state !== 'running') continue
      destroy(life.member)
      await passTo(log.nowMs() + 3_000, afterLook)
      const { host, openCount } = life.resident
      if (openCount() > 0) log.fail(`${life.name} leaves ${openCount()} sockets or channels behind`)
      if (host.timerCount() > 0) log.fail(`${life.name} leaves ${host.timerCount()} timers behind`)
    }
  }

  return {
    async play(afterLook) {
      if (schedule.hasAdversary) adversary = startAdversary({ world, servers, log })
      for (const step of schedule.steps) {
        await passTo(step.atMs, afterLook)
        await act(step)
      }
      await passTo(schedule.endMs, afterLook)
      for (const { undo } of ends.splice(0)) undo()
      touch(all)
      adversary?.rest()
      await passTo(log.nowMs() + SETTLE_MS, afterLook)
      await rest(afterLook)
      checkAgreement()
      for (const life of lives)
        for (const other of lives) if (reach.pair(life, other).lastDownMs > 10_000) coverage.gaps += 1
      afterLook()
      adversary?.stop()
      await leaveAll(afterLook)
      afterLook()
    },
  }
}
