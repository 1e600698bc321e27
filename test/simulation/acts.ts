/**
 * Lets each step of a schedule happen, and tells whether there was anything for it to happen to. Knows which fault touches
 * whom, and for how long; not what should come of it.
 */
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Machine, Wires } from '../../lib/testing/wires.ts'
import type { Adversary } from './adversary.ts'
import { type Coverage, count } from './coverage.ts'
import { edit } from './documents.ts'
import type { Faults } from './faults.ts'
import type { Leases } from './leases.ts'
import type { Lies } from './lies.ts'
import { currentStay, type LifeRules, publish, update } from './life.ts'
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
  readonly lies: Lies | undefined
  readonly leases: Leases
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

export function createActs(needs: ActNeeds): (step: Step) => Promise<void> {
  const { adversary, faults, leases, lies, rules, stage, trouble } = needs
  const { lifeOf, machinesOf, servers, stayOf } = stage
  const all = needs.schedule.members.map((_, member) => member)
  const machineOfServer = (server: number) => servers[server]?.machine ?? []
  const everyMachine = () => [...stage.everyMachine(), ...(adversary === undefined ? [] : [adversary.machine])]
  /** Tabs of one browser share what happens to its network. */
  const onMachinesOf = (members: readonly number[]) => {
    const machines = machinesOf(members)
    return all.filter((member) => machinesOf([member]).some((machine) => machines.includes(machine)))
  }
  const without = (some: readonly Machine[]) => everyMachine().filter((machine) => !some.includes(machine))

  function speak({ kind, member, count: times }: StepOf<'update' | 'publish' | 'edit'>): boolean {
    const [life, stay] = [lifeOf(member), stage.openStayOf(member)]
    for (let left = times; left > 0; left--) {
      // Whoever is not connected may write all the same: that merges when it is.
      if (kind === 'edit') life?.resident.host.state === 'running' && edit(life, rules.log)
      else if (stay !== undefined) kind === 'update' ? update(stay, rules) : publish(stay, rules)
    }
    return kind === 'edit' ? life?.doc !== undefined : stay !== undefined
  }

  function stand({ kind, member, forMs }: StepOf<'freeze' | 'sleep' | 'minute' | 'second'>): boolean {
    const life = lifeOf(member)
    if (life === undefined) return false
    const { host } = life.resident
    const undo =
      kind === 'minute' || kind === 'second' ? faults.setPace(host, kind) : faults.freeze(host, kind === 'sleep')
    // Whoever slept with its steady clock notices it when a hold ends, and begins that hold anew.
    trouble.slowing(life, forMs, undo, kind === 'sleep' ? HOLD_MS : 0)
    return currentStay(life) !== undefined
  }

  function hide({ member, forMs }: StepOf<'hide'>): boolean {
    const life = lifeOf(member)
    if (life?.resident.host.state !== 'running') return false
    trouble.slowing(life, forMs, leases.hide(life), 0)
    return currentStay(life) !== undefined
  }

  function suspend({ member }: StepOf<'suspend'>): boolean {
    const life = lifeOf(member)
    return life !== undefined && leases.suspend(life) && currentStay(life) !== undefined
  }

  function leavePage({ kind, member, forMs }: StepOf<'unload' | 'away'>): boolean {
    const life = lifeOf(member)
    const comeBack = stage.leavePage(member, kind === 'unload' ? 'unloading' : 'hidden-for-good')
    if (life === undefined || comeBack === undefined) return false
    if (kind === 'unload') {
      trouble.during(forMs, [member], comeBack)
      return true
    }
    const thaw = faults.suspend(life.resident.host)
    const undo = () => {
      thaw()
      comeBack()
    }
    trouble.slowing(life, forMs, undo, 0)
    return true
  }

  function stepClock({ member, byMs }: StepOf<'clock'>): boolean {
    const life = lifeOf(member)
    if (life === undefined) return false
    life.resident.host.stepClock(byMs)
    // A clock that jumps forward looks like a sleep: whoever jumped gives others the time of a hold.
    if (byMs > 0) trouble.confuse(life, HOLD_MS)
    return currentStay(life) !== undefined
  }

  function reset({ member, server: index }: StepOf<'reset'>): boolean {
    const life = lifeOf(member)
    const server = servers[index]
    if (life === undefined || server === undefined) return false
    const { machine, pace, state } = life.resident.host
    const { isOpen } = needs.wires
    // A socket that ends under somebody who cannot come back is the end of somebody, as far as anybody can tell.
    const canReturn = state === 'running' && pace === 'normal'
    if (!canReturn || !isOpen(machine, server.machine) || !isOpen(server.machine, machine)) return false
    trouble.touch([member])
    return server.reset(life.resident.host)
  }

  function cut(step: StepOf<'cut' | 'one-way' | 'unserved' | 'offline' | 'split'>): boolean {
    if (step.kind === 'split') {
      const inside = [...machinesOf(step.group), ...step.servers.flatMap(machineOfServer)]
      const outside = without(inside)
      trouble.during(step.forMs, all, faults.cutBoth(inside, outside))
      return inside.length > 0 && outside.length > 0
    }
    const own = machinesOf([step.member])
    const farEnds =
      step.kind === 'offline'
        ? without(own)
        : step.kind === 'unserved'
          ? [machineOfServer(step.server)].flat()
          : machinesOf([step.other])
    const undo = step.kind === 'one-way' ? faults.cut(own, farEnds) : faults.cutBoth(own, farEnds)
    trouble.during(step.forMs, onMachinesOf('other' in step ? [step.member, step.other] : [step.member]), undo)
    const isBetween = own.some((machine) => farEnds.some((farEnd) => farEnd !== machine))
    return isBetween && stayOf(step.member) !== undefined
  }

  function breakServer(step: StepOf<'crash' | 'disorder'>): boolean {
    const server = servers[step.server]
    if (server === undefined) return false
    if (step.kind === 'disorder') trouble.losing(step.forMs)
    trouble.during(step.forMs, all, step.kind === 'crash' ? faults.crash(server) : faults.disorder(server))
    return true
  }

  function slow({ byMs, forMs, member }: StepOf<'slow' | 'distant'>): boolean {
    const machines = machinesOf([member])
    for (const machine of machines) trouble.during(forMs, all, faults.slow(machine, byMs))
    return machines.length > 0
  }

  function lose({ forMs, rate }: StepOf<'loss'>): boolean {
    trouble.losing(forMs)
    trouble.during(forMs, all, faults.lose(rate))
    return true
  }

  function lie({ lie: which, member, other }: StepOf<'lie'>): boolean {
    const [victim, about] = [stayOf(member)?.life, stayOf(other)?.life]
    if (lies === undefined || victim === undefined || about === undefined) return false
    trouble.touch([member, other])
    lies.tell(which, victim.connectionId as ConnectionId, about.connectionId as ConnectionId)
    return true
  }

  function act(step: Step): boolean | Promise<boolean> {
    switch (step.kind) {
      case 'join':
        return stage.enter(step.member)
      case 'rejoin': {
        const hasLeft = stage.leave(step.member)
        return stage.enter(step.member).then((hasJoined) => hasLeft && hasJoined)
      }
      case 'leave':
      case 'destroy':
      case 'kill':
        return stage[step.kind](step.member)
      case 'update':
      case 'publish':
      case 'edit':
        return speak(step)
      case 'freeze':
      case 'sleep':
      case 'minute':
      case 'second':
        return stand(step)
      case 'hide':
        return hide(step)
      case 'suspend':
        return suspend(step)
      case 'unload':
      case 'away':
        return leavePage(step)
      case 'slow':
      case 'distant':
        return slow(step)
      case 'clock':
        return stepClock(step)
      case 'reset':
        return reset(step)
      case 'crash':
      case 'disorder':
        return breakServer(step)
      case 'loss':
        return lose(step)
      case 'attack':
        return adversary?.attack(step.attack, lifeOf(step.member), lifeOf(step.other)) === true
      case 'lie':
        return lie(step)
      default:
        return cut(step)
    }
  }

  return async (step) => {
    rules.log.note('step', JSON.stringify(step))
    if (await act(step)) count(needs.coverage, `step ${step.kind}`)
  }
}
