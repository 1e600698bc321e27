import { describe, expect, it } from 'vitest'
import { clientIdOf, createTestWorld } from '../kit/members.ts'

describe('the keeper of the roster', () => {
  it('[O2] ends a hold by itself, and leaves no timer behind', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    world.network.kill(clientIdOf(bob.channel))
    await world.settle()
    expect(world.clock.timerCount()).toBe(1)
    await world.clock.advance(3_000)
    expect(alice.told.at(-1)).toEqual(['leave', 'bob', {}])
    expect(world.clock.timerCount()).toBe(0)
  })

  it('[O4] a pair that is cut for 10 s tells nothing, and values flow again when it heals', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const pair = [clientIdOf(alice.channel), clientIdOf(bob.channel)] as const
    world.network.cut(...pair)
    await world.settle()
    bob.channel.participant.update({ meanwhile: true })
    await world.clock.advance(10_000)
    world.network.heal(...pair)
    await world.settle()
    await world.clock.advance(60_000)
    expect(alice.told.filter(([, who]) => who === 'bob')).toEqual([
      ['joined-room', 'bob', {}],
      ['update', 'bob', { meanwhile: true }],
    ])
  })

  it('[O12] whoever slept through a hold judges nobody by that time', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const pair = [clientIdOf(alice.channel), clientIdOf(bob.channel)] as const
    world.network.cut(...pair)
    await world.settle()
    world.clock.sleep(3_600_000)
    await world.clock.advance(1_000)
    world.network.heal(...pair)
    await world.settle()
    await world.clock.advance(60_000)
    expect(alice.told.map(([event, who]) => `${event} ${who}`)).toEqual(['joined-room alice', 'joined-room bob'])
    expect(bob.told.some(([event]) => event === 'leave')).toBe(false)
  })

  it('[O15] a step of the system’s clock ends no hold early', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const pair = [clientIdOf(alice.channel), clientIdOf(bob.channel)] as const
    world.network.cut(...pair)
    await world.settle()
    for (const step of [3_600_000, -7_200_000]) {
      world.clock.step(step)
      await world.clock.advance(3_000)
    }
    world.network.heal(...pair)
    await world.settle()
    await world.clock.advance(60_000)
    expect(alice.told.some(([event]) => event === 'leave')).toBe(false)
  })
})
