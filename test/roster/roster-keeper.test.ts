import { describe, expect, it } from 'vitest'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import { createRosterKeeper } from '../../lib/roster/roster-keeper.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import type { Path, PathId } from '../../lib/wire/transport.ts'
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

  it('[O12] who stood still for some seconds reads first what came meanwhile, and adds them to every hold', () => {
    const scheduler = { nowMs: 0, due: [] as { atMs: number; fire: () => void }[] }
    const told: string[] = []
    const keeper = createRosterKeeper({
      clock: {
        moment: () => ({ unixMs: scheduler.nowMs, steadyMs: scheduler.nowMs }),
        setTimer(fire, delayMs) {
          const timer = { atMs: scheduler.nowMs + delayMs, fire }
          scheduler.due.push(timer)
          return () => void scheduler.due.splice(scheduler.due.indexOf(timer), 1)
        },
        defer: (task) => task(),
      },
      rules: { ownConnectionId: 'own' as ConnectionId, maxDataBytes: 100 },
      rejects: createRejectCounter(),
      onEntries: () => undefined,
      onEvents: (events) => told.push(...events.map(({ kind }) => kind)),
    })
    const path: Path = { id: 'relay:1' as PathId, kind: 'relay', clientId: 1 as ClientId }
    /** Timers that are due fire at that time, late or not. */
    const passTo = (ms: number) => {
      scheduler.nowMs = ms
      for (const timer of scheduler.due.filter(({ atMs }) => atMs <= ms)) {
        scheduler.due.splice(scheduler.due.indexOf(timer), 1)
        timer.fire()
      }
    }
    keeper.take({ kind: 'entry', path, entry: { clientId: path.clientId, clock: 1, state: { user: { name: 'bob' } } } })
    keeper.take({ kind: 'closed', path })
    passTo(4_000)
    expect(told).toEqual(['joined'])
    keeper.take({ kind: 'open', path })
    passTo(6_000)
    expect(told).toEqual(['joined'])
    keeper.take({ kind: 'lost', path })
    for (let ms = 8_000; ms <= 14_000; ms += 2_000) passTo(ms)
    // Four seconds without a beat, of which a timer noticed two.
    for (const ms of [18_000, 20_000, 21_400]) passTo(ms)
    expect(told).toEqual(['joined'])
    passTo(21_600)
    expect(told).toEqual(['joined', 'leave'])
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
