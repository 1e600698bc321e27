/** Realtimes on a test's own network and clock, and a log of what one channel told. */
import type { ClientId } from '../../lib/base/ids.ts'
import type { Channel, Participant, RealtimeOptions } from '../../lib/index.ts'
import { PresenceEvents } from '../../lib/index.ts'
import { createRealtime, type Effects } from '../../lib/realtime.ts'
import { createMemoryNetwork, type MemoryNetwork } from './memory-network.ts'
import { travelOver } from './travel.ts'
import { createVirtualClock, settleMicrotasks, type VirtualClock } from './virtual-clock.ts'

export type Told = readonly [event: 'joined-room' | 'update' | 'leave', who: string, data: unknown]

/** What a channel told from now on, by participant id. */
export function recordEvents(channel: Channel): { told: Told[]; records: Participant[] } {
  const told: Told[] = []
  const records: Participant[] = []
  for (const event of Object.values(PresenceEvents)) {
    channel.participant.subscribe(event, (participant) => {
      told.push([event.replace('presence.', '') as Told[0], participant.id, participant.data])
      records.push(participant)
    })
  }
  return { told, records }
}

export const clientIdOf = (channel: Channel): ClientId => channel.awareness.clientID as ClientId

export interface TestWorld {
  readonly clock: VirtualClock
  readonly network: MemoryNetwork
  /** Joins `room` as `id`, `afterMs` (1) after whoever came before; its events are recorded from the join on. */
  join(
    id: string,
    options?: RealtimeOptions & { room?: string; afterMs?: number; effects?: Partial<Effects> },
  ): Promise<TestMember>
  /** Delivers everything that is under way and lets listeners hear. */
  settle(): Promise<void>
}

export interface TestMember {
  readonly id: string
  readonly channel: Channel
  readonly told: Told[]
  readonly records: Participant[]
  destroy(): Promise<void>
}

/** Members on a memory network and a virtual clock: nothing moves until `settle` or `clock.advance`. */
export function createTestWorld(): TestWorld {
  const clock = createVirtualClock()
  const network = createMemoryNetwork()
  const settle = async () => {
    await clock.advance(0)
    network.flush()
    await settleMicrotasks()
  }
  return {
    clock,
    network,
    settle,
    async join(id, { room = 'the room', afterMs = 1, effects = {}, ...options } = {}) {
      await clock.advance(afterMs)
      const realtime = createRealtime(
        { participant: { id, name: id.toUpperCase() }, servers: [], ...options },
        { clock, page: undefined, createTravel: travelOver(network.createTransport), ...effects },
      )
      const channel = await realtime.connect(room)
      const member = { id, channel, ...recordEvents(channel), destroy: () => realtime.destroy() }
      await settle()
      return member
    },
  }
}
