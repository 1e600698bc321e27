/** Who is in a run: members that come, go, die and return, as planned, and the machines that they are on. Knows no fault. */
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'
import { type Coverage, count } from './coverage.ts'
import { currentStay, join, type Life, type LifeRules, type Log, type Stay } from './life.ts'
import type { Schedule } from './schedule.ts'

const CAST = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']

export interface Stage {
  readonly servers: readonly VirtualServer[]
  /** Every Realtime that ever was. */
  readonly lives: readonly Life[]
  /** The one that plays that member now. */
  lifeOf(member: number): Life | undefined
  /** Its membership, where it has one and runs. */
  stayOf(member: number): Stay | undefined
  serversOf(life: Life): VirtualServer[]
  machinesOf(members: readonly number[]): Machine[]
  everyMachine(): Machine[]
  enter(member: number): Promise<void>
  leave(member: number): void
  /** Leaves, and its Realtime is no more. */
  destroy(member: number): void
  kill(member: number): void
}

export interface StageNeeds {
  readonly world: World
  readonly schedule: Schedule
  readonly log: Log
  readonly coverage: Coverage
  readonly rules: LifeRules
  /** A stay has ended. */
  onEnd(): void
}

const urlOf = (server: number): string => `wss://server-${server}.test`
export const FIRST_SERVER = urlOf(0)

export function createStage({ world, schedule, log, coverage, rules, onEnd }: StageNeeds): Stage {
  const plans = schedule.members
  const all = plans.map((_, member) => member)
  const servers = Array.from({ length: schedule.serverCount }, (_, index) => world.server(urlOf(index)))
  const lives: Life[] = []
  const byMember = new Map<number, Life>()

  const lifeOf = (member: number): Life | undefined => byMember.get(member)
  const stayOf = (member: number): Stay | undefined => {
    const life = lifeOf(member)
    return life?.resident.host.state === 'running' ? currentStay(life) : undefined
  }
  const machinesOf = (members: readonly number[]) =>
    members.flatMap((member) => lifeOf(member)?.resident.host.machine ?? [])

  function end(stay: Stay, by: 'goodbye' | 'kill'): void {
    stay.endedAtMs = log.nowMs()
    stay.endedBy = by
    count(coverage, 'ended')
    log.note(stay.life.name, 'ends', by)
    onEnd()
  }

  function create(member: number): Life | undefined {
    const plan = plans[member]
    if (plan === undefined) return undefined
    const name = CAST[member] ?? `member ${member}`
    const resident = world.createResident(
      { participant: { id: name }, servers: plan.servers.map(urlOf) },
      { browser: plan.browser, webrtc: plan.webrtc },
    )
    resident.host.stepClock(plan.skewMs)
    const life = { name, member, resident, connectionId: resident.realtime.connectionId, stays: [], said: 0 }
    lives.push(life)
    byMember.set(member, life)
    return life
  }

  return {
    servers,
    lives,
    lifeOf,
    stayOf,
    serversOf: (life) => (plans[life.member]?.servers ?? []).flatMap((index) => servers[index] ?? []),
    machinesOf,
    everyMachine: () => [...machinesOf(all), ...servers.map(({ machine }) => machine)],
    async enter(member) {
      const known = lifeOf(member)
      if (known !== undefined && (known.resident.host.state !== 'running' || currentStay(known) !== undefined)) return
      if (known !== undefined) count(coverage, 'returned')
      const life = known ?? create(member)
      if (life === undefined) return
      log.note(life.name, 'joins', life.connectionId)
      await join(life, rules)
    },
    leave(member) {
      const stay = stayOf(member)
      if (stay === undefined) return
      void stay.channel.disconnect()
      end(stay, 'goodbye')
    },
    destroy(member) {
      const life = lifeOf(member)
      const stay = stayOf(member)
      if (life?.resident.host.state !== 'running') return
      void life.resident.realtime.destroy()
      if (stay !== undefined) end(stay, 'goodbye')
      byMember.delete(member)
    },
    kill(member) {
      const life = lifeOf(member)
      if (life === undefined) return
      const stay = currentStay(life)
      life.resident.host.kill()
      if (stay !== undefined) end(stay, 'kill')
      byMember.delete(member)
    },
  }
}
