/** Alice, bob and carol over a real server, and mallory among them. Knows no rule. */
import { expect, onTestFinished } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import type { Channel, Realtime, RealtimeOptions } from '../../lib/index.ts'
import { clientIdOf, recordEvents, type Told } from '../kit/members.ts'
import { until } from '../kit/until.ts'
import { createWorld, type Ways, type World } from '../kit/worlds.ts'
import { crypto, identityThat, type Mallory, openTopic, startMallory } from './mallory.ts'
import type { Way } from './mallory-ways.ts'

export const ROOM = 'attacked room'

export interface Victim {
  readonly id: string
  readonly connectionId: ConnectionId
  readonly clientId: number
  readonly realtime: Realtime
  readonly channel: Channel
  readonly told: Told[]
  /** What it was told of one participant. */
  toldOf(who: string): Told[0][]
  /** What it shows as the data of one participant; undefined where it shows none. */
  dataOf(who: string): unknown
  /** The kinds of ways that it has to another member. */
  waysTo(other: ConnectionId): readonly string[]
  /** Whom it shows, by name: who joined in the same millisecond may be in any order. */
  ids(): string[]
  /** What it refused so often. */
  rejects(): Readonly<Record<string, number>>
  sees(...ids: string[]): Promise<unknown>
}

export async function startWorld(ways: Partial<Ways> = {}): Promise<World & { readonly server: string }> {
  const world = await createWorld({ hasRelay: true, hasWebRtc: false, hasTabs: false, transport: 'links', ...ways })
  onTestFinished(() => world.close())
  const { server } = world
  if (server === undefined) throw new Error('a world without a server')
  return { ...world, server }
}

export async function join(world: World, id: string, options: RealtimeOptions = {}): Promise<Victim> {
  const realtime = world.createRealtime({ participant: { id, name: id }, ...options })
  onTestFinished(() => realtime.destroy())
  const channel = await realtime.connect(ROOM)
  const { told } = recordEvents(channel)
  const all = () => channel.participant.getAll()
  const ids = () =>
    all()
      .map(({ id }) => id)
      .sort()
  return {
    ids,
    id,
    connectionId: realtime.connectionId as ConnectionId,
    clientId: clientIdOf(channel),
    realtime,
    channel,
    told,
    toldOf: (who) => told.filter(([, told]) => told === who).map(([event]) => event),
    dataOf: (who) => all().find((member) => member.id === who)?.data,
    waysTo: (other) => channel.inspect().members.find(({ connectionId }) => connectionId === other)?.paths ?? [],
    rejects: () => channel.inspect().rejects,
    sees: (...wanted) =>
      until(`${id} to see ${wanted}`, () => [...wanted].sort().join() === ids().join(), {
        timeoutMs: 8_000,
        seen: () => [ids(), channel.inspect()],
      }),
  }
}

export interface Scene {
  readonly world: World & { readonly server: string }
  readonly alice: Victim
  readonly bob: Victim
  readonly mallory: Mallory
}

/**
 * Alice and bob have met, and mallory has keys with both. She speaks by that way alone. `speaksFirst`: to alice, whom she
 * otherwise waits for as often as not.
 */
export async function attackedRoom(by: Way = 'relay', { speaksFirst = false } = {}): Promise<Scene> {
  const world = await startWorld({ hasWebRtc: by === 'direct', hasTabs: by === 'tab' })
  // By a neighbour: mallory is on another server. Bob is on both, and passes on what she has for the others.
  const server = by === 'via' ? (await startWorld()).server : world.server
  const alice = await join(world, 'alice')
  const bob = await join(world, 'bob', { servers: [...new Set([world.server, server])] })
  bob.channel.participant.update({ is: 'bob' })
  await alice.sees('alice', 'bob')
  await until('bob’s data', () => alice.dataOf('bob') !== undefined && 'is' in (alice.dataOf('bob') as object))
  if (by === 'direct')
    await until('their data channel', () => alice.waysTo(bob.connectionId).includes('direct'), { timeoutMs: 10_000 })
  const neighbour = by === 'via' ? { neighbour: bob.connectionId } : {}
  const identity = speaksFirst ? identityThat(true, alice.connectionId) : createIdentity(crypto)
  const mallory = await startMallory({ server, topic: openTopic(ROOM), identity, by, ...neighbour })
  await mallory.meet(bob.connectionId)
  await mallory.meet(alice.connectionId)
  return { world, alice, bob, mallory }
}

/** Whatever happened, bob is for alice who he was, and the two still hear each other. */
export async function expectUnharmed({ alice, bob }: Pick<Scene, 'alice' | 'bob'>, mark: number): Promise<void> {
  expect(alice.dataOf('bob')).toEqual({ is: 'bob' })
  bob.channel.participant.update({ mark })
  alice.channel.participant.update({ mark })
  const hears = (observer: Victim, who: string) => (observer.dataOf(who) as { mark?: number })?.mark === mark
  await until('both to hear each other', () => hears(alice, 'bob') && hears(bob, 'alice'), {
    seen: () => [alice.channel.inspect(), bob.channel.inspect(), alice.told, bob.told],
  })
  for (const [observer, who] of [
    [alice, 'bob'],
    [bob, 'alice'],
  ] as const)
    expect(observer.toldOf(who).filter((event) => event !== 'update')).toEqual(['joined-room'])
}
