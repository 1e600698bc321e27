/** How our entry goes out: whole to those who come, and as what has changed to those who have it. On virtual time. */
import { expect, it } from 'vitest'
import { createRoom, hasWay, pair, SERVER, type VirtualMember, v } from './virtual-kit.ts'

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

it('[L67] a change is of what went by the same way: a new way begins with the whole entry, and no value is lost', async () => {
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
  for (const change of [
    () => room.cut(alice, bob),
    () => room.mend(alice, bob),
    () => room.world.server(SERVER).stop(),
  ]) {
    const before = sentTo(alice, bob).entry?.messages ?? 0
    change()
    await talk(30_000)
    const wholes = (sentTo(alice, bob).entry?.messages ?? 0) - before
    expect(wholes).toBeLessThan(10)
  }
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
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
