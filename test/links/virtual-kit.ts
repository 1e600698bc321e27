/** Members on a virtual network and time, linked by whatever ways a test leaves them. Knows no rule. */
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Channel, ChannelOptions, Participant, RealtimeOptions } from '../../lib/index.ts'
import { createWorld, type MemberOptions, type Resident, type World, type WorldNeeds } from '../../lib/testing/world.ts'
import { recordEvents, type Told } from '../kit/members.ts'

export const ROOM = 'linked room'
export const SERVER = 'wss://one.test'
export const OTHER_SERVER = 'wss://two.test'

export interface VirtualMember {
  readonly id: string
  readonly connectionId: ConnectionId
  readonly resident: Resident
  readonly channel: Channel
  readonly told: Told[]
  /** The participants that it was told of, beside it. */
  readonly records: Participant[]
  toldOf(who: string): Told[0][]
  /** Joins and leaves of somebody, updates left out. */
  comesAndGoes(who: string): Told[0][]
  dataOf(who: string): unknown
  ids(): string[]
  /** The open ways to one other, best first. */
  waysTo(other: VirtualMember): readonly string[]
  update(data: object): void
}

export interface VirtualRoom {
  readonly world: World
  readonly members: VirtualMember[]
  join(id: string, options?: RealtimeOptions, member?: MemberOptions, channel?: ChannelOptions): Promise<VirtualMember>
  advance(ms: number): Promise<void>
  /** Disconnects, and lets the time pass that this takes. */
  leave(member: VirtualMember): Promise<void>
  /** Advances in steps until it is so, and resolves with the ms that took; throws after `mostMs`. */
  until(what: string, isSo: () => boolean, mostMs?: number): Promise<number>
  /** Nothing passes between the two machines. */
  cut(one: VirtualMember, other: VirtualMember): void
  mend(one: VirtualMember, other: VirtualMember): void
  allSeeAll(mostMs?: number): Promise<number>
  /** Messages that all machines have sent so far. */
  sentCount(): number
}

const STEP_MS = 20

export function createRoom(seed = 1, worldNeeds: Omit<WorldNeeds, 'seed'> = {}): VirtualRoom {
  const world = createWorld({ seed, ...worldNeeds })
  const members: VirtualMember[] = []
  const { scheduler, wires } = world

  const room: VirtualRoom = {
    world,
    members,
    advance: (ms) => scheduler.advance(ms),
    async join(id, options = {}, memberOptions = {}, channelOptions = {}) {
      const resident = world.createResident({ participant: { id }, servers: [SERVER], ...options }, memberOptions)
      const channel = await resident.realtime.connect(ROOM, channelOptions)
      const { told, records } = recordEvents(channel)
      const all = () => channel.participant.getAll()
      const toldOf = (who: string) => told.filter(([, of]) => of === who).map(([event]) => event)
      const member: VirtualMember = {
        id,
        connectionId: resident.realtime.connectionId as ConnectionId,
        resident,
        channel,
        told,
        records,
        toldOf,
        comesAndGoes: (who) => toldOf(who).filter((event) => event !== 'update'),
        dataOf: (who) => all().find((participant) => participant.id === who)?.data,
        ids: () =>
          all()
            .map((participant) => participant.id)
            .sort(),
        waysTo: (other) =>
          channel.inspect().members.find(({ connectionId }) => connectionId === other.connectionId)?.paths ?? [],
        update: (data) => channel.participant.update(data),
      }
      members.push(member)
      return member
    },
    async leave(member) {
      let hasLeft = false
      void member.channel.disconnect().then(() => {
        hasLeft = true
      })
      await room.until(`${member.id} to leave`, () => hasLeft, 1_000)
    },
    async until(what, isSo, mostMs = 5_000) {
      const startMs = scheduler.nowMs()
      await scheduler.advance(0)
      while (!isSo()) {
        if (scheduler.nowMs() - startMs >= mostMs) {
          const seen = members.map(({ id, ids, told, channel }) => ({ id, ids: ids(), told, at: channel.inspect() }))
          throw new Error(`Not within ${mostMs} ms: ${what}. Last seen: ${JSON.stringify(seen)}`)
        }
        await scheduler.advance(STEP_MS)
      }
      return scheduler.nowMs() - startMs
    },
    cut(one, other) {
      wires.cut(one.resident.host.machine, other.resident.host.machine)
      wires.cut(other.resident.host.machine, one.resident.host.machine)
    },
    mend(one, other) {
      wires.mend(one.resident.host.machine, other.resident.host.machine)
      wires.mend(other.resident.host.machine, one.resident.host.machine)
    },
    allSeeAll(mostMs) {
      const alive = members.filter(
        ({ resident, channel }) => resident.host.state === 'running' && channel.state === 'CONNECTED',
      )
      const wanted = alive
        .map(({ id }) => id)
        .sort()
        .join()
      return room.until('all to see all', () => alive.every(({ ids }) => ids().join() === wanted), mostMs)
    },
    sentCount: () => {
      const machines = new Set(members.map(({ resident }) => resident.host.machine))
      return [...machines].reduce((sum, machine) => sum + wires.sentCount(machine), 0)
    },
  }
  return room
}

/** What one sees as another's value `v`. */
export const v = (observer: VirtualMember, who: string): unknown =>
  (observer.dataOf(who) as { v?: unknown } | undefined)?.v

/** Each has each by that way. */
export const hasWay = (members: readonly VirtualMember[], way: string): boolean =>
  members.every((member) => members.every((other) => other === member || member.waysTo(other).includes(way)))

/** Two, or more, who have met: over data channels, or by the relay alone. */
export async function pair(
  options: { webrtc?: boolean } = {},
  ids = ['alice', 'bob'],
): Promise<{
  room: VirtualRoom
  alice: VirtualMember
  bob: VirtualMember
}> {
  const room = createRoom()
  const members: VirtualMember[] = []
  for (const id of ids) members.push(await room.join(id, {}, options))
  await room.until('all to meet', () => hasWay(members, options.webrtc === false ? 'relay' : 'direct'), 10_000)
  const [alice, bob] = members
  if (alice === undefined || bob === undefined) throw new Error('two joined')
  return { room, alice, bob }
}
