import { describe, expect, it, vi } from 'vitest'
import { PresenceError, PresenceEvents } from '../lib/index.ts'
import { createTestWorld } from './kit/members.ts'
import { settleMicrotasks } from './kit/virtual-clock.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof PresenceError ? error.code : String(error)
  }
  return 'nothing thrown'
}

describe('listeners', () => {
  it('[P12] are never called from inside update, subscribe or publish', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    let isInside = false
    const calledInside: string[] = []
    const listen = (what: string) => () => isInside && calledInside.push(what)
    for (const event of Object.values(PresenceEvents)) channel.participant.subscribe(event, listen(event))
    channel.subscribe('chat', listen('chat'))
    isInside = true
    channel.participant.update({ a: 1 })
    channel.publish('chat', 1)
    channel.participant.subscribe('presence.update', listen('late'))
    isInside = false
    await settleMicrotasks()
    expect(calledInside).toEqual([])
  })

  it('[P13] self joins once, hears its own updates of one tick as one, and neither its own leave nor others leaving with it', async () => {
    const world = createTestWorld()
    const bob = await world.join('bob')
    const alice = await world.join('alice')
    alice.channel.participant.update({ a: 1 })
    alice.channel.participant.update({ b: 2 })
    await world.settle()
    expect(alice.told).toEqual([
      ['joined-room', 'alice', {}],
      ['joined-room', 'bob', {}],
      ['update', 'alice', { a: 1, b: 2 }],
    ])
    void alice.channel.disconnect()
    await world.settle()
    expect(alice.told).toHaveLength(3)
    expect(bob.told.at(-1)).toEqual(['leave', 'alice', { a: 1, b: 2 }])
  })

  it('[P15] getAll shows another exactly between its joined and its leave, inside the listeners too', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const seen: [string, boolean][] = []
    for (const event of Object.values(PresenceEvents)) {
      alice.channel.participant.subscribe(event, ({ id }) => {
        if (id === 'bob') seen.push([event, alice.channel.participant.getAll().some((other) => other.id === 'bob')])
      })
    }
    const bob = await world.join('bob')
    void bob.destroy()
    await world.settle()
    expect(seen).toEqual([
      ['presence.joined-room', true],
      ['presence.leave', false],
    ])
  })

  it('[P16] unsubscribe drops one event, one callback, or one subscription, and nothing of the library', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const calls: string[] = []
    const listener = () => calls.push('twice')
    const off = channel.participant.subscribe('presence.update', listener)
    channel.participant.subscribe('presence.update', listener)
    channel.participant.subscribe('presence.update', () => calls.push('other'))
    const update = async () => {
      calls.length = 0
      channel.participant.update({})
      await settleMicrotasks()
      return [...calls]
    }
    expect(await update()).toEqual(['twice', 'twice', 'other'])
    off()
    off()
    expect(await update()).toEqual(['twice', 'other'])
    channel.participant.unsubscribe('presence.update', listener)
    expect(await update()).toEqual(['other'])
    channel.participant.unsubscribe('presence.update')
    expect(await update()).toEqual([])
    const bob = await world.join('bob')
    expect(channel.participant.getAll().map(({ id }) => id)).toEqual(['alice', 'bob'])
    expect(bob.channel.participant.getAll()).toHaveLength(2)
  })

  it('[P17] an unknown event name throws unknown-event, in unsubscribe too', async () => {
    const { channel } = await createTestWorld().join('alice')
    const unknown = 'presence.gone' as 'presence.leave'
    expect(codeOf(() => channel.participant.subscribe(unknown, () => undefined))).toBe('unknown-event')
    expect(codeOf(() => channel.participant.unsubscribe(unknown))).toBe('unknown-event')
    expect(codeOf(() => channel.participant.unsubscribe('__proto__' as 'presence.leave'))).toBe('unknown-event')
    expect(codeOf(() => channel.participant.subscribe('presence.leave', 'no function' as never))).toBe('invalid-option')
  })

  it('[P18] a late subscriber gets no replay', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    await world.join('bob')
    const late = vi.fn()
    for (const event of Object.values(PresenceEvents)) channel.participant.subscribe(event, late)
    await world.settle()
    expect(late).not.toHaveBeenCalled()
  })

  it('[P19] one that throws or rejects stops no other; its error itself is reported', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const reported: unknown[] = []
    const report = vi.spyOn(console, 'error').mockImplementation((error) => void reported.push(error))
    const errors = [new Error('thrown'), new Error('rejected')]
    const after = vi.fn()
    channel.participant.subscribe('presence.update', () => {
      throw errors[0]
    })
    channel.participant.subscribe('presence.update', () => Promise.reject(errors[1]))
    channel.participant.subscribe('presence.update', after)
    channel.subscribe('chat', () => {
      throw errors[0]
    })
    channel.subscribe('chat', after)
    channel.participant.update({})
    channel.publish('chat', 1)
    await world.settle()
    report.mockRestore()
    expect(after).toHaveBeenCalledTimes(2)
    expect(reported).toEqual([errors[0], errors[0], errors[1]])
  })

  it('[P19] an error that throws when it is looked at stops nobody either', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const after = vi.fn()
    const report = vi.spyOn(console, 'error').mockImplementation(() => {
      throw new Error('the console itself')
    })
    channel.participant.subscribe('presence.update', () => {
      throw new Error('listener')
    })
    channel.participant.subscribe('presence.update', after)
    channel.participant.update({})
    await world.settle()
    report.mockRestore()
    expect(after).toHaveBeenCalledTimes(1)
  })

  it('[P12] a listener that updates does not keep the process from doing anything else', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    let rounds = 0
    channel.participant.subscribe('presence.update', () => {
      rounds += 1
      if (rounds < 5) channel.participant.update({ rounds })
    })
    channel.participant.update({})
    await settleMicrotasks()
    expect(rounds).toBe(1)
    await world.clock.advance(0)
    expect(rounds).toBe(5)
    channel.participant.unsubscribe('presence.update')
  })

  it('[P22] the end of a channel or subscription leaves nothing on the signal, and what is no signal is refused', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    channel.participant.subscribe('presence.update', () => undefined, { signal })()
    channel.participant.subscribe('presence.leave', () => undefined, { signal })
    channel.participant.unsubscribe('presence.leave')
    channel.participant.subscribe('presence.leave', () => undefined, { signal })
    await channel.disconnect()
    expect(removed).toHaveBeenCalledTimes(3)
    const alive = (await world.join('bob')).channel.participant
    expect(codeOf(() => alive.subscribe('presence.leave', () => undefined, { signal: {} as AbortSignal }))).toBe(
      'invalid-option',
    )
  })

  it('[P22] an aborted signal unsubscribes; one aborted before never subscribes', async () => {
    const world = createTestWorld()
    const { channel } = await world.join('alice')
    const listener = vi.fn()
    const controller = new AbortController()
    channel.participant.subscribe('presence.update', listener, { signal: controller.signal })
    channel.participant.subscribe('presence.update', listener, { signal: AbortSignal.abort() })
    channel.participant.update({})
    await world.settle()
    expect(listener).toHaveBeenCalledTimes(1)
    controller.abort()
    channel.participant.update({})
    await world.settle()
    expect(listener).toHaveBeenCalledTimes(1)
  })
})
