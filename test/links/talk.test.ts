/** Members who talk all the time notice at once, and tell nobody, when a way between two of them dies without a word. */
import { expect, it } from 'vitest'
import { createRoom, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

const TALK_MS = 50

/** All of them update every so many ms until `stop`, which resolves when the last value is everywhere, with the ms that took. */
function talk(room: VirtualRoom, talkers: readonly VirtualMember[], everyMs = TALK_MS) {
  const { scheduler } = room.world
  let n = 0
  let isOver = false
  const say = () => {
    if (isOver) return
    n += 1
    for (const talker of talkers) talker.update({ n })
    scheduler.after(everyMs, say)
  }
  say()
  return {
    /** How old what `observer` has of `subject` is, in ms. */
    ageMs: (observer: VirtualMember, subject: VirtualMember) =>
      (n - (observer.dataOf(subject.id) as { n: number }).n) * TALK_MS,
    stop() {
      isOver = true
      const areAll = () =>
        room.members.every(({ dataOf }) => talkers.every(({ id }) => (dataOf(id) as { n: number }).n === n))
      return room.until('the last values everywhere', areAll, 1_000)
    },
  }
}

async function meet(ids: readonly string[]) {
  const room = createRoom()
  for (const id of ids) await room.join(id)
  await room.allSeeAll()
  await room.advance(5_000)
  return room
}

const pings = (one: VirtualMember, other: VirtualMember): number =>
  one.channel.inspect().members.find(({ connectionId }) => connectionId === other.connectionId)?.link?.sent.ping
    ?.messages ?? 0

it.each([
  ['both ways', 1_000],
  ['one way', 1_200],
] as const)(
  '[L64] a data channel that goes dead, %s, between two of three who talk is replaced within %i ms, and used again once it answers',
  async (ways, withinMs) => {
    const room = await meet(['alice', 'bob', 'carol'])
    const [alice, bob] = room.members as [VirtualMember, VirtualMember]
    const [one, other] = [alice.resident.host.machine, bob.resident.host.machine]
    const { ageMs, stop } = talk(room, room.members)
    await room.advance(2_000)
    for (const afterMs of [0, 170, 340]) {
      await room.advance(afterMs)
      room.world.wires.cut(one, other)
      if (ways === 'both ways') room.world.wires.cut(other, one)
      await room.advance(withinMs)
      // The relay is slower than the data channel: two ways of at most 40 ms, and the update under way.
      expect(ageMs(alice, bob)).toBeLessThanOrEqual(150)
      expect(ageMs(bob, alice)).toBeLessThanOrEqual(150)
      room.mend(alice, bob)
      const areDirect = () => bob.waysTo(alice)[0] === 'direct' && alice.waysTo(bob)[0] === 'direct'
      await room.until('the data channel again', areDirect, 10_000)
      await room.advance(1_000)
    }
    await stop()
    for (const member of room.members)
      for (const { id } of room.members) expect(member.comesAndGoes(id)).toEqual(['joined-room'])
  },
)

it('[L64] whoever stops talking is asked once for that by each who goes on, and by nobody who only listens', async () => {
  const room = await meet(['alice', 'bob', 'carol'])
  const [alice, bob, carol] = room.members as [VirtualMember, VirtualMember, VirtualMember]
  const both = talk(room, [alice, bob])
  await room.advance(2_000)
  const before = [pings(alice, bob), pings(bob, alice), pings(carol, alice), pings(carol, bob)]
  await both.stop()
  const alone = talk(room, [alice])
  await room.advance(2_500)
  expect(
    [pings(alice, bob), pings(bob, alice), pings(carol, alice), pings(carol, bob)].map(
      (n, at) => n - (before[at] ?? 0),
    ),
  ).toEqual([1, 0, 0, 0])
  await alone.stop()
})

it('[L64] a talk at five values a second, or by the relay alone, is asked about no pause', async () => {
  for (const [everyMs, webrtc] of [
    [200, true],
    [250, true],
    [50, false],
  ] as const) {
    const room = createRoom()
    for (const id of ['alice', 'bob', 'carol']) await room.join(id, {}, { webrtc })
    await room.allSeeAll()
    await room.advance(5_000)
    const [alice, bob, carol] = room.members as [VirtualMember, VirtualMember, VirtualMember]
    const all = () => [pings(alice, bob), pings(bob, alice), pings(carol, alice), pings(bob, carol)]
    const before = all()
    const { stop } = talk(room, room.members, everyMs)
    await room.advance(5_000)
    await stop()
    await room.advance(1_000)
    expect(all()).toEqual(before)
  }
})
