/** Who is in a run: members that come, go, die and return, as planned, and the machines that they are on. Knows no fault. */
import type { PageEnd } from '../../lib/base/page.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'
import { type Coverage, count } from './coverage.ts'
import { createDocument } from './documents.ts'
import { comeBack, currentStay, join, type Life, type LifeRules, type Log, type Stay } from './life.ts'
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
  machinesOf(members: readonly number[]): Machine[]
  everyMachine(): Machine[]
  /** These tell whether there was somebody to do it. */
  enter(member: number): Promise<boolean>
  leave(member: number): boolean
  /** Leaves, and its Realtime is no more. */
  destroy(member: number): boolean
  kill(member: number): boolean
  /** Its membership, where its channel is open: also while its page is about to be left. */
  openStayOf(member: number): Stay | undefined
  /** Its page is about to be left, or is: what is returned has somebody be back at it. */
  leavePage(member: number, how: PageEnd): (() => void) | undefined
}

export interface StageNeeds {
  readonly world: World
  readonly schedule: Schedule
  readonly log: Log
  readonly coverage: Coverage
  readonly rules: LifeRules
  /** A life begins: it has not joined yet. */
  onBirth(life: Life): void
  /** A stay has ended. */
  onEnd(stay: Stay): void
}

const urlOf = (server: number): string => `wss://server-${server}.test`
export const FIRST_SERVER = urlOf(0)
/** Of 22 characters in both cases, as `createSecret` makes them. */
export const SECRET = 'TheSecretOfTheWholeRun'
/** Client ids of documents that are brought along. */
const FIRST_DOCUMENT_ID = 1_000

export function createStage(needs: StageNeeds): Stage {
  const { coverage, log, rules, schedule, world } = needs
  const plans = schedule.members
  const all = plans.map((_, member) => member)
  const servers = Array.from({ length: schedule.serverCount }, (_, index) => world.server(urlOf(index)))
  const serverMachines = servers.map(({ machine }) => machine)
  const lives: Life[] = []
  const byMember = new Map<number, Life>()

  const lifeOf = (member: number): Life | undefined => byMember.get(member)
  const stayOf = (member: number): Stay | undefined => {
    const life = lifeOf(member)
    return life?.resident.host.state === 'running' ? currentStay(life) : undefined
  }
  const openStayOf = (member: number): Stay | undefined => {
    const life = lifeOf(member)
    const stay = life?.resident.host.state === 'running' ? life.stays.at(-1) : undefined
    return stay?.channel.state === 'CONNECTED' ? stay : undefined
  }
  const machinesOf = (members: readonly number[]) =>
    members.flatMap((member) => lifeOf(member)?.resident.host.machine ?? [])

  function end(stay: Stay, by: 'goodbye' | 'kill'): void {
    stay.endedAtMs = log.nowMs()
    stay.endedBy = by
    count(coverage, 'ended')
    log.note(stay.life.name, 'ends', by)
    needs.onEnd(stay)
  }

  function create(member: number): Life | undefined {
    const plan = plans[member]
    if (plan === undefined) return undefined
    const name = CAST[member] ?? `member ${member}`
    const resident = world.createResident(
      {
        ...{ participant: { id: name }, servers: plan.servers.map(urlOf) },
        ...(schedule.hasSecret && { secret: SECRET }),
      },
      { browser: plan.browser, webrtc: plan.webrtc },
    )
    resident.host.stepClock(plan.skewMs)
    const life: Life = {
      ...{ name, member, resident, connectionId: resident.realtime.connectionId, stays: [], edits: [], said: 0 },
      servers: plan.servers.flatMap((index) => servers[index] ?? []),
      doc: plan.isSynced ? createDocument(FIRST_DOCUMENT_ID + lives.length) : undefined,
    }
    lives.push(life)
    byMember.set(member, life)
    needs.onBirth(life)
    return life
  }

  return {
    servers,
    lives,
    lifeOf,
    stayOf,
    machinesOf,
    // Tabs of one browser are on one machine.
    everyMachine: () => [...new Set(machinesOf(all)), ...serverMachines],
    async enter(member) {
      const known = lifeOf(member)
      // The channel of a page that was left is open still.
      const isOpen = known?.stays.at(-1)?.channel.state === 'CONNECTED'
      const isBusy = known !== undefined && (known.resident.host.state !== 'running' || isOpen)
      const life = isBusy ? undefined : (known ?? create(member))
      if (life === undefined) return false
      if (known !== undefined) count(coverage, 'returned')
      log.note(life.name, 'joins', life.connectionId)
      await join(life, rules)
      return true
    },
    leave(member) {
      const stay = stayOf(member)
      if (stay === undefined) return false
      end(stay, 'goodbye')
      void stay.channel.disconnect()
      return true
    },
    destroy(member) {
      const life = lifeOf(member)
      const stay = stayOf(member)
      if (life?.resident.host.state !== 'running') return false
      if (stay !== undefined) end(stay, 'goodbye')
      void life.resident.realtime.destroy()
      byMember.delete(member)
      return stay !== undefined
    },
    kill(member) {
      const life = lifeOf(member)
      if (life === undefined) return false
      const stay = currentStay(life)
      life.resident.host.kill()
      if (stay !== undefined) end(stay, 'kill')
      byMember.delete(member)
      return stay !== undefined
    },
    openStayOf,
    leavePage(member, how) {
      const stay = openStayOf(member)
      if (stay === undefined) return undefined
      if (stay.endedAtMs === undefined) end(stay, 'goodbye')
      stay.life.resident.endPage(how)
      return () =>
        stay.life.resident.host.run(() => {
          if (stay.channel.state !== 'CONNECTED' || stay.life.stays.at(-1) !== stay) return
          count(coverage, 'back')
          log.note(stay.life.name, 'is back')
          comeBack(stay, rules)
        })
    },
  }
}
