/** Lets each step of a schedule happen. Knows which fault touches whom, and for how long; not what should come of it. */
import type { Machine, Wires } from '../../lib/testing/wires.ts'
import type { Adversary } from './adversary.ts'
import { type Coverage, count } from './coverage.ts'
import type { Faults } from './faults.ts'
import { type LifeRules, publish, update } from './life.ts'
import type { Schedule, Step } from './schedule.ts'
import type { Stage } from './stage.ts'
import type { Trouble } from './trouble.ts'

/** The longest hold of the roster: whoever noticed its own sleep gives others as much anew. */
const HOLD_MS = 13_500

export interface ActNeeds {
  readonly schedule: Schedule
  readonly stage: Stage
  readonly trouble: Trouble
  readonly faults: Faults
  readonly wires: Wires
  readonly rules: LifeRules
  readonly coverage: Coverage
  readonly adversary: Adversary | undefined
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

export function createActs(needs: ActNeeds): (step: Step) => Promise<void> | void {
  const { adversary, faults, rules, stage, trouble } = needs
  const { lifeOf, machinesOf, servers, stayOf } = stage
  const all = needs.schedule.members.map((_, member) => member)
  const machineOfServer = (server: number) => servers[server]?.machine ?? []
  const everyMachine = () => [...stage.everyMachine(), ...(adversary === undefined ? [] : [adversary.machine])]
  const without = (some: readonly Machine[]) => everyMachine().filter((machine) => !some.includes(machine))

  function speak({ kind, member, count: times }: StepOf<'update' | 'publish'>): void {
    const stay = stayOf(member)
    for (let left = times; left > 0 && stay !== undefined; left--)
      kind === 'update' ? update(stay, rules) : publish(stay, rules)
  }

  function stand({ kind, member, forMs }: StepOf<'freeze' | 'sleep' | 'minute'>): void {
    const life = lifeOf(member)
    if (life === undefined) return
    const { host } = life.resident
    const undo = kind === 'minute' ? faults.setPace(host, 'minute') : faults.freeze(host, kind === 'sleep')
    // Whoever slept with its steady clock notices it when a hold ends, and begins that hold anew.
    trouble.slowing(life, forMs, undo, kind === 'sleep' ? HOLD_MS : 0)
  }

  function stepClock({ member, byMs }: StepOf<'clock'>): void {
    const life = lifeOf(member)
    if (life === undefined) return
    life.resident.host.stepClock(byMs)
    // A clock that jumps forward looks like a sleep: whoever jumped gives others the time of a hold.
    if (byMs > 0) trouble.confuse(life, HOLD_MS)
  }

  function reset({ member, server: index }: StepOf<'reset'>): void {
    const life = lifeOf(member)
    const server = servers[index]
    if (life === undefined || server === undefined) return
    const { machine, pace, state } = life.resident.host
    const { isOpen } = needs.wires
    // A socket that ends under somebody who cannot come back is the end of somebody, as far as anybody can tell.
    const canReturn = state === 'running' && pace === 'normal'
    if (!canReturn || !isOpen(machine, server.machine) || !isOpen(server.machine, machine)) return
    server.reset(life.resident.host)
    trouble.touch([member])
  }

  function cut(step: StepOf<'cut' | 'one-way' | 'unserved' | 'offline' | 'split'>): void {
    if (step.kind === 'split') {
      const inside = [...machinesOf(step.group), ...step.servers.flatMap(machineOfServer)]
      trouble.during(step.forMs, all, faults.cutBoth(inside, without(inside)))
      return
    }
    const own = machinesOf([step.member])
    const farEnds =
      step.kind === 'offline'
        ? without(own)
        : step.kind === 'unserved'
          ? [machineOfServer(step.server)].flat()
          : machinesOf([step.other])
    const undo = step.kind === 'one-way' ? faults.cut(own, farEnds) : faults.cutBoth(own, farEnds)
    trouble.during(step.forMs, 'other' in step ? [step.member, step.other] : [step.member], undo)
  }

  function breakServer(step: StepOf<'crash' | 'disorder'>): void {
    const server = servers[step.server]
    if (server === undefined) return
    if (step.kind === 'disorder') trouble.losing(step.forMs)
    trouble.during(step.forMs, all, step.kind === 'crash' ? faults.crash(server) : faults.disorder(server))
  }

  function act(step: Step): Promise<void> | void {
    switch (step.kind) {
      case 'join':
        return stage.enter(step.member)
      case 'rejoin':
        stage.leave(step.member)
        return stage.enter(step.member)
      case 'leave':
      case 'destroy':
      case 'kill':
        return stage[step.kind](step.member)
      case 'update':
      case 'publish':
        return speak(step)
      case 'freeze':
      case 'sleep':
      case 'minute':
        return stand(step)
      case 'slow':
        for (const machine of machinesOf([step.member]))
          trouble.during(step.forMs, all, faults.slow(machine, step.byMs))
        return
      case 'clock':
        return stepClock(step)
      case 'reset':
        return reset(step)
      case 'crash':
      case 'disorder':
        return breakServer(step)
      case 'loss':
        trouble.losing(step.forMs)
        return trouble.during(step.forMs, all, faults.lose(step.rate))
      case 'attack':
        return adversary?.attack(step.attack, lifeOf(step.member), lifeOf(step.other))
      default:
        return cut(step)
    }
  }

  return (step) => {
    rules.log.note('step', JSON.stringify(step))
    count(needs.coverage, `step ${step.kind}`)
    return act(step)
  }
}
