import { describe, expect, it, vi } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { PresenceError, type RealtimeMessage } from '../lib/index.ts'
import { createRealtime } from '../lib/realtime.ts'
import { clientIdOf, createTestWorld } from './kit/members.ts'
import { createMemoryNetwork, type MemoryNetwork } from './kit/memory-network.ts'
import { travelOver } from './kit/travel.ts'
import { createVirtualClock } from './kit/virtual-clock.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof PresenceError ? error.code : String(error)
  }
  return 'nothing thrown'
}

const STATE_CHANGED = 'realtime-channel.state-changed'

describe('states', () => {
  it('[C1] after connect the state is CONNECTED, and a listener added on the next line hears it, once', async () => {
    const clock = createVirtualClock()
    const realtime = createRealtime(
      { servers: [] },
      { clock, page: undefined, createTravel: travelOver(createMemoryNetwork().createTransport) },
    )
    const channel = await realtime.connect('room')
    const states: string[] = []
    expect(channel.state).toBe('CONNECTED')
    channel.subscribe(STATE_CHANGED, (state) => states.push(state))
    expect(states).toEqual([])
    await clock.advance(1_000)
    expect(states).toEqual(['CONNECTED'])
  })

  it('[C2] DISCONNECTED is told at disconnect, and then nothing more, what was queued included', async () => {
    const world = createTestWorld()
    const { channel, told } = await world.join('alice')
    const states: string[] = []
    channel.subscribe(STATE_CHANGED, (state) => states.push(state))
    const messages = vi.fn()
    channel.subscribe('chat', messages)
    const before = told.length
    channel.participant.update({ late: 1 })
    channel.publish('chat', 'late')
    const bob = world.join('bob')
    void channel.disconnect()
    expect(states).toEqual([])
    await bob
    await world.settle()
    expect(states).toEqual(['DISCONNECTED'])
    expect(told).toHaveLength(before)
    expect(messages).not.toHaveBeenCalled()
  })

  it('[C2] a channel that ends before its CONNECTED was told only tells DISCONNECTED', async () => {
    const clock = createVirtualClock()
    const realtime = createRealtime(
      { servers: [] },
      { clock, page: undefined, createTravel: travelOver(createMemoryNetwork().createTransport) },
    )
    const channel = await realtime.connect('room')
    const states: string[] = []
    channel.subscribe(STATE_CHANGED, (state) => states.push(state))
    void channel.disconnect()
    await clock.advance(1_000)
    expect(states).toEqual(['DISCONNECTED'])
  })

  it('[C5] after disconnect update, publish and subscribe throw disconnected, getAll is empty, unsubscribe is allowed', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    await channel.disconnect()
    expect(codeOf(() => channel.participant.update({}))).toBe('disconnected')
    expect(codeOf(() => channel.participant.subscribe('presence.leave', () => undefined))).toBe('disconnected')
    expect(codeOf(() => channel.publish('chat', 1))).toBe('disconnected')
    expect(codeOf(() => channel.subscribe('chat', () => undefined))).toBe('disconnected')
    expect(channel.participant.getAll()).toEqual([])
    channel.participant.unsubscribe('presence.leave')
    channel.unsubscribe('chat')
  })

  it('[C8] disconnect and destroy are idempotent, and a channel left leaves no timer', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    await world.join('bob')
    alice.channel.participant.update({ a: 1 })
    alice.channel.participant.update({ a: 2 })
    await world.settle()
    const before = world.clock.timerCount()
    expect(alice.channel.disconnect()).toBe(alice.channel.disconnect())
    await alice.destroy()
    await world.clock.advance(100)
    expect(world.clock.timerCount()).toBeLessThanOrEqual(before)
    expect(world.clock.timerCount()).toBe(0)
  })
})

describe('publish', () => {
  it('[M3] a message that waits for one that was lost is told before its sender’s leave', async () => {
    const { join, network, settle } = createTestWorld()
    const [alice, bob] = [await join('alice'), await join('bob')]
    const heard: unknown[] = []
    bob.channel.subscribe('chat', ({ data }: RealtimeMessage) => heard.push(data))
    bob.channel.participant.subscribe('presence.leave', ({ id }) => heard.push(`${id} left`))
    network.cut(clientIdOf(alice.channel), clientIdOf(bob.channel))
    await settle()
    alice.channel.publish('chat', 'lost')
    network.heal(clientIdOf(alice.channel), clientIdOf(bob.channel))
    await settle()
    alice.channel.publish('chat', 'last')
    void alice.channel.disconnect()
    await settle()
    expect(heard).toEqual(['last', 'alice left'])
  })

  it('[C3] reaches the members present now, oneself included, in the sender’s order; a later member gets no history', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const heard = new Map<string, RealtimeMessage[]>()
    const listen = (member: typeof alice) => {
      heard.set(member.id, [])
      member.channel.subscribe('chat', (message: RealtimeMessage) => heard.get(member.id)?.push(message))
    }
    listen(alice)
    listen(bob)
    alice.channel.publish('chat', { n: 1 })
    alice.channel.publish('chat', [2])
    await world.settle()
    const carol = await world.join('carol')
    listen(carol)
    alice.channel.publish('chat', null)
    await world.settle()
    const dataOf = (id: string) => heard.get(id)?.map(({ data }) => data)
    expect([dataOf('alice'), dataOf('bob'), dataOf('carol')]).toEqual([
      [{ n: 1 }, [2], null],
      [{ n: 1 }, [2], null],
      [null],
    ])
    expect(heard.get('bob')).toEqual(heard.get('alice'))
    const connectionId = alice.channel.participant.getAll().find(({ id }) => id === 'alice')?.connectionId
    expect(heard.get('bob')?.[0]).toEqual({
      name: 'chat',
      connectionId,
      participantId: 'alice',
      data: { n: 1 },
      timestamp: expect.any(Number),
    })
    expect(Object.isFrozen(heard.get('bob')?.[0]?.data)).toBe(true)
  })

  it('[C4] the payload is checked as for update; an event is any string of 1 to 64 characters but the channel’s own', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice', { maxDataBytes: 100 })
    expect(codeOf(() => channel.publish('chat', 1n))).toBe('not-json')
    expect(codeOf(() => channel.publish('chat', undefined))).toBe('not-json')
    expect(codeOf(() => channel.publish('chat', 'x'.repeat(100)))).toBe('too-large')
    for (const name of ['', 'x'.repeat(65), 7 as never, STATE_CHANGED]) {
      expect([name, codeOf(() => channel.publish(name, 1))]).toEqual([name, 'unknown-event'])
    }
    expect(codeOf(() => channel.subscribe('', () => undefined))).toBe('unknown-event')
    const names = ['x'.repeat(64), '__proto__', 'presence.update', ':', 'constructor']
    const heard: string[] = []
    for (const name of names) channel.subscribe(name, (message: RealtimeMessage) => heard.push(message.name))
    for (const name of names) channel.publish(name, 1)
    await world.settle()
    expect(heard).toEqual(names)
  })

  it('[C4] unsubscribe drops one callback or all of an event', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const [one, other] = [vi.fn(), vi.fn()]
    const off = channel.subscribe('chat', one)
    channel.subscribe('chat', other)
    off()
    channel.publish('chat', 1)
    await world.settle()
    channel.unsubscribe('chat')
    channel.publish('chat', 2)
    await world.settle()
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([0, 1])
  })
})

describe('document and awareness', () => {
  it('[C6] the awareness is a real one of the channel’s doc; the doc can be the caller’s', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    expect(channel.doc).toBeInstanceOf(Y.Doc)
    expect(channel.awareness).toBeInstanceOf(Awareness)
    expect(channel.awareness.clientID).toBe(channel.doc.clientID)
    const doc = new Y.Doc()
    const realtime = createRealtime(
      { servers: [] },
      { page: undefined, createTravel: travelOver(world.network.createTransport) },
    )
    expect((await realtime.connect('room', { doc })).doc).toBe(doc)
    await realtime.destroy()
  })

  it('[C7] a binding’s own fields travel and survive our updates, raise no presence event and move no timestamp', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const [told, before] = [bob.told.length, bob.channel.participant.getAll()]
    alice.channel.awareness.setLocalStateField('user', { name: 'Alice', color: '#f00' })
    await world.clock.advance(100)
    await world.settle()
    alice.channel.participant.update({ status: 'busy' })
    await world.settle()
    expect(bob.channel.awareness.getStates().get(clientIdOf(alice.channel))?.user).toEqual({
      name: 'Alice',
      color: '#f00',
    })
    expect(bob.told.slice(told)).toEqual([['update', 'alice', { status: 'busy' }]])
    await world.clock.advance(100)
    const updated = bob.channel.participant.getAll()
    alice.channel.awareness.setLocalStateField('cursor', { anchor: 1 })
    await world.settle()
    expect(bob.channel.participant.getAll()).toEqual(updated)
    expect(updated[0]?.timestamp).toBeGreaterThan(before[0]?.timestamp ?? 0)
  })

  it('[C11] a doc that comes back to its channel, with the client id it had, is seen again', async () => {
    const world = createTestWorld()
    const bob = await world.join('bob')
    const doc = new Y.Doc()
    for (const id of ['first time', 'second time']) {
      const realtime = createRealtime(
        { participant: { id }, servers: [] },
        { clock: world.clock, page: undefined, createTravel: travelOver(world.network.createTransport) },
      )
      const channel = await realtime.connect('the room', { doc })
      for (let step = 0; step < 50; step++) {
        channel.participant.update({ step })
        await world.clock.advance(16)
      }
      await world.settle()
      await realtime.destroy()
      await world.settle()
    }
    expect(bob.told.filter(([event]) => event !== 'update').map(([event, who]) => `${event} ${who}`)).toEqual([
      'joined-room bob',
      'joined-room first time',
      'leave first time',
      'joined-room second time',
      'leave second time',
    ])
  })

  it('[M10] who is back with the doc it had is heard from its first message on, and no late copy of an old one is', async () => {
    const world = createTestWorld()
    const late: (() => void)[] = []
    const keepingCopies: MemoryNetwork['createTransport'] = (needs) =>
      world.network.createTransport({
        ...needs,
        onMessage(path, message, isEarly) {
          late.push(() => needs.onMessage(path, message))
          needs.onMessage(path, message, isEarly)
        },
      })
    const join = (id: string, createTransport: MemoryNetwork['createTransport'], doc = new Y.Doc()) => {
      const settings = { participant: { id }, servers: [] }
      const effects = { clock: world.clock, page: undefined, createTravel: travelOver(createTransport) }
      return createRealtime(settings, effects).connect('the room', { doc })
    }
    const bob = await join('bob', keepingCopies)
    const heard: unknown[] = []
    bob.subscribe('chat', ({ data }: RealtimeMessage) => heard.push(data))
    const doc = new Y.Doc()
    const first = await join('alice', world.network.createTransport, doc)
    for (const n of [1, 2, 3]) first.publish('chat', `old ${n}`)
    await world.settle()
    await first.disconnect()
    await world.clock.advance(10)
    await world.settle()
    const second = await join('alice', world.network.createTransport, doc)
    await world.settle()
    for (const arrive of late) arrive()
    second.publish('chat', 'new 1')
    await world.settle()
    expect(heard).toEqual(['old 1', 'old 2', 'old 3', 'new 1'])
  })

  it('[C9] inspect is a plain object: ourselves first, the ways to each member, servers, refusals by reason', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const idOf = (member: typeof alice) =>
      member.channel.participant.getAll().find(({ id }) => id === member.id)?.connectionId
    world.network.inject(clientIdOf(bob.channel), clientIdOf(alice.channel), Uint8Array.of(9, 9, 9))
    await world.settle()
    expect(alice.channel.inspect()).toEqual({
      members: [
        { connectionId: idOf(alice), paths: [] },
        { connectionId: idOf(bob), paths: ['direct'] },
      ],
      servers: [],
      rejects: { malformed: 1 },
    })
    await alice.channel.disconnect()
    expect(alice.channel.inspect().members).toEqual([])
  })
})

describe('the page', () => {
  it('[C13] a page that ends says goodbye; one that comes back joins again beside no ghost, and hears no false leave', async () => {
    const world = createTestWorld()
    let end: ((how: 'hidden-for-good') => void) | undefined
    let comeBack: (() => void) | undefined
    const page = {
      onEnd: (listener: typeof end) => {
        end = listener
        return () => undefined
      },
      onReturn: (listener: typeof comeBack) => {
        comeBack = listener
        return () => undefined
      },
      onHidden: () => () => undefined,
    }
    const bob = await world.join('bob')
    const alice = await world.join('alice', { effects: { page } })
    end?.('hidden-for-good')
    await world.settle()
    expect(bob.told.at(-1)).toEqual(['leave', 'alice', {}])
    world.clock.sleep(3_600_000)
    comeBack?.()
    await world.settle()
    expect(bob.told.slice(-2).map(([event, who]) => `${event} ${who}`)).toEqual(['leave alice', 'joined-room alice'])
    expect(alice.told.map(([event, who]) => `${event} ${who}`)).toEqual(['joined-room alice', 'joined-room bob'])
    expect(bob.channel.participant.getAll()).toHaveLength(2)
  })
})
