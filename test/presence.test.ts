import { describe, expect, it } from 'vitest'
import { PresenceError } from '../lib/index.ts'
import { createTestWorld } from './kit/members.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof PresenceError ? error.code : String(error)
  }
  return 'nothing thrown'
}

describe('records', () => {
  it('[P1] a record has exactly five keys in order, is frozen deeply and starts as {}', async () => {
    const alice = await createTestWorld().join('alice')
    const [self] = alice.channel.participant.getAll()
    expect(Object.keys(self ?? {})).toEqual(['connectionId', 'data', 'id', 'name', 'timestamp'])
    expect(self).toMatchObject({ data: {}, id: 'alice', name: 'ALICE' })
    alice.channel.participant.update({ nested: { list: [1, { deep: true }] } })
    const [updated] = alice.channel.participant.getAll()
    expect(Object.isFrozen(updated)).toBe(true)
    expect(Object.isFrozen(updated?.data.nested.list[1])).toBe(true)
  })

  it('[P2] the timestamp is that of the last update, equal on every member, and never decreases when the clock steps back', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const timestamps = () =>
      [alice, bob].map(({ channel }) => channel.participant.getAll().find(({ id }) => id === 'alice')?.timestamp)
    const joined = timestamps()
    expect(joined[0]).toBe(joined[1])
    await world.clock.advance(100)
    const { unixMs } = world.clock.moment()
    expect(unixMs).toBeGreaterThan(Number(joined[0]))
    alice.channel.participant.update({ a: 1 })
    await world.settle()
    expect(timestamps()).toEqual([unixMs, unixMs])
    world.clock.step(-3_600_000)
    await world.clock.advance(100)
    alice.channel.participant.update({ a: 2 })
    await world.settle()
    expect(timestamps()).toEqual([unixMs, unixMs])
  })
})

describe('update', () => {
  it('[P3] merges shallowly: undefined deletes, a function leaves, null is a value, a nested object is replaced whole', async () => {
    const { channel } = await createTestWorld().join('alice')
    const data = () => channel.participant.getAll()[0]?.data
    expect(channel.participant.update({ a: 1, nested: { x: 1, y: 2 } })).toBeUndefined()
    channel.participant.update({ b: 2 })
    expect(data()).toEqual({ a: 1, b: 2, nested: { x: 1, y: 2 } })
    channel.participant.update({ nested: { z: 3 }, a: undefined, b: () => 1 })
    expect(data()).toEqual({ b: 2, nested: { z: 3 } })
    channel.participant.update({ b: null })
    expect(data()).toEqual({ b: null, nested: { z: 3 } })
    channel.participant.update({ only: true }, { replace: true })
    expect(data()).toEqual({ only: true })
  })

  it('[P4] anything that is no JSON object replaces the data whole, and an object onto a non-object replaces it', async () => {
    const { channel } = await createTestWorld().join('alice')
    const update = (value: unknown) => {
      channel.participant.update(value as object)
      return channel.participant.getAll()[0]?.data
    }
    expect(update({ a: 1 })).toEqual({ a: 1 })
    expect(update([1, 2])).toEqual([1, 2])
    expect(update({ b: 1 })).toEqual({ b: 1 })
    expect(update(null)).toBeNull()
    expect(update('text')).toBe('text')
    expect(update(7)).toBe(7)
    expect(update({ c: 1 })).toEqual({ c: 1 })
    expect(update({ toJSON: () => ({ d: 1 }) })).toEqual({ c: 1, d: 1 })
    expect(update(new Date(0))).toBe('1970-01-01T00:00:00.000Z')
  })

  it('[P5] the caller may change its object afterwards: nothing changes here or elsewhere', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const payload = { list: [1] }
    alice.channel.participant.update(payload)
    payload.list.push(2)
    await world.settle()
    expect(alice.channel.participant.getAll()[0]?.data).toEqual({ list: [1] })
    expect(bob.told.at(-1)).toEqual(['update', 'alice', { list: [1] }])
  })

  it('[P6] an update that changes nothing is still an update: event and timestamp', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    for (const _again of [1, 2]) {
      await world.clock.advance(50)
      alice.channel.participant.update({ same: 1 })
      await world.settle()
    }
    expect(bob.told.filter(([event]) => event === 'update')).toHaveLength(2)
    const [first, second] = bob.records.slice(-2)
    expect(Number(second?.timestamp) - Number(first?.timestamp)).toBe(50)
  })

  it('[P7] what peers see is what you see: the payload is its JSON, at self too', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    const payload = JSON.parse('{"__proto__": {"isAdmin": true}, "keep": {"__proto__": 1, "x": 1}}')
    alice.channel.participant.update({
      ...payload,
      ...{ date: new Date(0), nan: Number.NaN, run: () => 1, list: [undefined] },
    })
    await world.settle()
    const expected = { keep: { x: 1 }, date: '1970-01-01T00:00:00.000Z', nan: null, list: [null] }
    const views = [alice, bob].map(({ channel }) => channel.participant.getAll().find(({ id }) => id === 'alice')?.data)
    expect(views).toEqual([expected, expected])
    expect(views.every((view) => view.isAdmin === undefined && !Object.hasOwn(view, '__proto__'))).toBe(true)
  })

  it('[P8] what has no JSON is refused as not-json and changes nothing', async () => {
    const alice = await createTestWorld().join('alice')
    const { participant } = alice.channel
    participant.update({ a: 1 })
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const throwing = {
      get a() {
        throw new Error('getter')
      },
    }
    const hostile = new Proxy({}, { has: () => { throw new Error('proxy') } }) // biome-ignore format: reason: one line says it
    for (const bad of [circular, { big: 1n }, undefined, () => 1, Symbol('no'), throwing, hostile]) {
      expect(codeOf(() => participant.update(bad as object))).toBe('not-json')
    }
    expect(participant.getAll()[0]?.data).toEqual({ a: 1 })
  })

  it('[P9] over maxDataBytes once merged, deeper than 32, or more than 256 keys is too-large; nothing is lost and the channel goes on', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice', { maxDataBytes: 2_500 })
    const { participant } = alice.channel
    participant.update({ a: 'x'.repeat(2_400) })
    expect(codeOf(() => participant.update({ b: 'x'.repeat(100) }))).toBe('too-large')
    let deep: unknown = 1
    for (let level = 0; level < 32; level++) deep = [deep]
    participant.update(deep as object)
    expect(codeOf(() => participant.update([deep] as object))).toBe('too-large')
    expect(codeOf(() => participant.update(JSON.parse(`${'['.repeat(400)}${']'.repeat(400)}`)))).toBe('too-large')
    let abyss: unknown = 1
    for (let level = 0; level < 100_000; level++) abyss = { abyss }
    expect(codeOf(() => participant.update(abyss as object))).toBe('too-large')
    const keys = (count: number, from = 0) =>
      Object.fromEntries(Array.from({ length: count }, (_, key) => [key + from, 0]))
    expect(codeOf(() => participant.update(keys(257)))).toBe('too-large')
    participant.update(keys(150), { replace: true })
    expect(codeOf(() => participant.update(keys(107, 150)))).toBe('too-large')
    expect(Object.keys(participant.getAll()[0]?.data)).toHaveLength(150)
    participant.update({ fine: 1 }, { replace: true })
    await world.settle()
    expect(alice.told.at(-1)).toEqual(['update', 'alice', { fine: 1 }])
  })

  it('[P9] the limit counts UTF-8 bytes and is met exactly', async () => {
    const { channel } = await createTestWorld().join('alice', { maxDataBytes: 12 })
    channel.participant.update({ a: 'éé' })
    expect(codeOf(() => channel.participant.update({ a: 'ééx' }))).toBe('too-large')
  })

  it('[P10] an update right after connect, with nobody there, is not lost: who comes later sees the last value', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    alice.channel.participant.update({ step: 1 })
    alice.channel.participant.update({ step: 2 })
    await world.clock.advance(100)
    const bob = await world.join('bob')
    expect(bob.told).toContainEqual(['joined-room', 'alice', { step: 2 }])
  })

  it('[P11] a burst is coalesced: the first at once, then one send per interval, and the last value always', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice', { updateIntervalMs: 50 })
    const bob = await world.join('bob')
    await world.clock.advance(1_000)
    world.network.sent.awareness = 0
    for (let step = 1; step <= 20; step++) {
      alice.channel.participant.update({ step })
      if (step === 1) expect(world.network.sent.awareness).toBe(1)
      await world.clock.advance(10)
    }
    await world.clock.advance(100)
    await world.settle()
    // 200 ms of updates at an interval of 50 ms: at 0, 50, 100, 150 and 200 ms.
    expect(world.network.sent.awareness).toBe(5)
    expect(bob.told.at(-1)).toEqual(['update', 'alice', { step: 20 }])
  })
})

describe('getAll', () => {
  it('[P20] has the same order on every member: by join time, then connectionId', async () => {
    const world = createTestWorld()
    const members = []
    for (const id of ['carol', 'alice', 'bob', 'dave', 'erin']) {
      members.push(await world.join(id, { afterMs: id === 'bob' ? 0 : 10 }))
    }
    await world.settle()
    const views = members.map(({ channel }) => channel.participant.getAll())
    const order = views[0]?.map(({ connectionId }) => connectionId)
    for (const view of views) expect(view.map(({ connectionId }) => connectionId)).toEqual(order)
    expect(views[0]?.[0]?.id).toBe('carol')
    const [second, third] = views[0]?.slice(1, 3) ?? []
    expect([second?.id, third?.id].sort()).toEqual(['alice', 'bob'])
    expect(String(second?.connectionId) < String(third?.connectionId)).toBe(true)
  })

  it('[P20] is a plain array that the caller may change, and can be awaited', async () => {
    const { channel } = await createTestWorld().join('alice')
    const all = await channel.participant.getAll()
    all.pop()
    expect(channel.participant.getAll()).toHaveLength(1)
  })

  it('[P21] two connections with the same id are two entries', async () => {
    const world = createTestWorld()
    const tab = await world.join('alice')
    const other = await world.join('alice')
    const all = tab.channel.participant.getAll()
    expect(all.map(({ id }) => id)).toEqual(['alice', 'alice'])
    expect(new Set(all.map(({ connectionId }) => connectionId)).size).toBe(2)
    expect(other.channel.participant.getAll()).toEqual(all)
  })
})
