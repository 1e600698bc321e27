/** How our entry goes out: whole to those who come, and as what has changed to those who have it. On virtual time. */
import { expect, it } from 'vitest'
import { Doc } from 'yjs'
import { createRoom, hasWay, pair, ROOM, SERVER, type VirtualMember, v } from './virtual-kit.ts'

const PROFILE = { color: '#30bced', avatar: 'a'.repeat(160) }

/** What one has sent another, by kind. */
function sentTo(from: VirtualMember, to: VirtualMember) {
  const { members } = from.channel.inspect()
  return members.find(({ connectionId }) => connectionId === to.connectionId)?.link?.sent ?? {}
}

it('[L67] who has the entry is told what has changed, and who comes is told it whole', async () => {
  const { room, alice, bob } = await pair()
  alice.update({ profile: PROFILE })
  await room.until('the profile', () => bob.dataOf('alice') !== undefined)
  await room.advance(1_000)
  const before = sentTo(alice, bob)
  for (let n = 1; n <= 50; n++) {
    alice.update({ cursor: { x: 10 * n, y: 7 * n } })
    await room.advance(50)
    expect(bob.dataOf('alice')).toEqual({ profile: PROFILE, cursor: { x: 10 * n, y: 7 * n } })
  }
  const after = sentTo(alice, bob)
  expect(after.entry).toEqual(before.entry)
  expect((after.change?.messages ?? 0) - (before.change?.messages ?? 0)).toBe(50)
  // The first says the name of the field too.
  expect(((after.change?.bytes ?? 0) - (before.change?.bytes ?? 0)) / 50).toBeLessThan(25)
  const carol = await room.join('carol')
  await room.until('carol to see', () => carol.dataOf('alice') !== undefined)
  expect(carol.dataOf('alice')).toEqual({ profile: PROFILE, cursor: { x: 500, y: 350 } })
  expect(sentTo(alice, carol).change).toBeUndefined()
})

it('[L67] a change is of what went by the same way: the first word by another one is whole', async () => {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice'), await room.join('bob')]
  await room.allSeeAll()
  const activeWay = () => {
    const to = alice.channel.inspect().members.find(({ connectionId }) => connectionId === bob.connectionId)
    return to?.link?.carriers.find(({ isActive }) => isActive)?.kind
  }
  let n = 0
  const talkUntil = async (way: string) => {
    for (; activeWay() !== way && n < 500; await room.advance(20)) alice.update({ v: ++n })
    return sentTo(alice, bob)
  }
  alice.update({ v: 0 })
  expect(activeWay()).toBe('relay')
  const byRelay = await talkUntil('direct')
  expect(byRelay.change?.messages).toBeGreaterThan(0)
  alice.update({ v: ++n })
  await room.advance(20)
  const first = sentTo(alice, bob)
  expect(first.entry?.messages).toBe((byRelay.entry?.messages ?? 0) + 1)
  expect(first.change).toEqual(byRelay.change)
  alice.update({ v: ++n })
  await room.advance(200)
  expect(sentTo(alice, bob).entry).toEqual(first.entry)
  expect(v(bob, 'alice')).toBe(n)
})

it('[L67] no value is lost as ways come and go', async () => {
  const { room, alice, bob } = await pair()
  let n = 0
  const talk = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      alice.update({ v: ++n, profile: PROFILE })
      await room.advance(50)
    }
    await room.until('the last value', () => v(bob, 'alice') === n, 1_000)
  }
  await talk(1_000)
  const server = room.world.server(SERVER)
  for (const change of [() => room.cut(alice, bob), () => room.mend(alice, bob), () => server.stop()]) {
    const before = sentTo(alice, bob)
    change()
    await talk(30_000)
    const after = sentTo(alice, bob)
    expect((after.entry?.messages ?? 0) - (before.entry?.messages ?? 0)).toBeLessThan(10)
    expect((after.change?.messages ?? 0) - (before.change?.messages ?? 0)).toBeGreaterThan(590)
  }
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
})

it('[L67] a server that keeps no order costs questions, one every 2 s at most, and no value', async () => {
  const room = createRoom(7)
  const alice = await room.join('alice', {}, { webrtc: false })
  const bob = await room.join('bob', {}, { webrtc: false })
  await room.allSeeAll()
  await room.advance(1_000)
  room.world.server(SERVER).setDisorder(0.5)
  const before = sentTo(bob, alice).ask?.messages ?? 0
  for (let n = 1; n <= 400; n++) {
    alice.update({ v: n })
    await room.advance(20)
  }
  await room.until('the last value', () => v(bob, 'alice') === 400, 3_000)
  const asks = (sentTo(bob, alice).ask?.messages ?? 0) - before
  expect(asks).toBeGreaterThan(1)
  expect(asks).toBeLessThanOrEqual(6)
})

it('[L67] the last values are there in any order, though their sender was frozen behind them and answers nothing', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const room = createRoom(seed)
    const alice = await room.join('alice', {}, { webrtc: false })
    const bob = await room.join('bob', {}, { webrtc: false })
    await room.allSeeAll()
    alice.update({ v: 0 })
    await room.advance(500)
    room.world.server(SERVER).setDisorder(0.6)
    for (const n of [1, 2, 3, 4]) {
      alice.update({ v: n })
      await room.advance(20)
    }
    alice.resident.host.freeze()
    await room.advance(1_000)
    expect(v(bob, 'alice'), `seed ${seed}`).toBe(4)
  }
})

it('[L67] of a membership that nobody had told of, a change that comes first is asked for', async () => {
  for (const [seed, doc] of [
    [36, undefined],
    [49, undefined],
    [36, new Doc()],
    [49, new Doc()],
  ] as const) {
    const room = createRoom(seed)
    const alice = await room.join('alice', {}, { webrtc: false }, doc && { doc })
    const bob = await room.join('bob', {}, { webrtc: false })
    await room.allSeeAll()
    for (let n = 0; n < 60; n++) {
      alice.update({ v: -n })
      await room.advance(20)
    }
    await room.advance(500)
    const [own, server] = [alice.resident.host.machine, room.world.server(SERVER)]
    room.world.wires.cut(own, server.machine)
    room.world.wires.cut(server.machine, own)
    void alice.channel.disconnect()
    await room.advance(1_200)
    const channel = await alice.resident.realtime.connect(ROOM, doc && { doc })
    server.setDisorder(0.6)
    room.world.wires.heal()
    const hasMet = () => channel.inspect().members.some(({ connectionId }) => connectionId === bob.connectionId)
    await room.until('alice to meet bob', hasMet, 12_000)
    await room.advance((seed % 12) * 5)
    channel.participant.update({ v: 1 })
    await room.until('the value', () => v(bob, 'alice') === 1, 4_000)
  }
})

it('[L67] where a server carries it for several, the change goes up once', async () => {
  const room = createRoom()
  const members: VirtualMember[] = []
  for (const id of ['alice', 'bob', 'carol', 'dave']) members.push(await room.join(id, {}, { webrtc: false }))
  await room.until('all to meet', () => hasWay(members, 'relay'), 10_000)
  const [alice, ...others] = members
  if (alice === undefined) throw new Error('alice joined')
  alice.update({ profile: PROFILE })
  await room.advance(3_000)
  // Keys are given with the first word, and used once they are acknowledged.
  for (const n of [1, 2, 3]) {
    alice.update({ v: n })
    await room.advance(200)
  }
  const before = alice.channel.inspect().servers[0]?.sent
  alice.update({ v: 4 })
  await room.advance(200)
  const after = alice.channel.inspect().servers[0]?.sent
  expect(others.map((other) => v(other, 'alice'))).toEqual([4, 4, 4])
  expect((after?.messages ?? 0) - (before?.messages ?? 0)).toBe(1)
  // Topic 33, three tags of 8, a seal of 16, and the change itself.
  expect((after?.bytes ?? 0) - (before?.bytes ?? 0)).toBeLessThan(110)
})
