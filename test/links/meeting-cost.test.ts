/** What it costs to meet: hellos and signals of a quiet join, counted at their senders. On virtual time. */
import { describe, expect, it } from 'vitest'
import { createRoom, hasWay, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

/** Frames of that kind that the two have sent each other. */
const sentBetween = (one: VirtualMember, other: VirtualMember, kind: 'hello' | 'signal'): number =>
  [
    [one, other],
    [other, one],
  ].reduce((sum, [from, to]) => {
    const report = from?.channel.inspect().members.find(({ connectionId }) => connectionId === to?.connectionId)
    return sum + (report?.link?.sent[kind]?.messages ?? 0)
  }, 0)

/** For each pair of a room. */
const eachPair = (members: readonly VirtualMember[], kind: 'hello' | 'signal'): number[] =>
  members.flatMap((member, place) => members.slice(place + 1).map((other) => sentBetween(member, other, kind)))

async function quietRoom(size: number, seed: number): Promise<VirtualRoom> {
  const room = createRoom(seed)
  for (let count = 0; count < size; count++) {
    await room.join(`member ${count}`)
    await room.until('a mesh', () => hasWay(room.members, 'direct'), 5_000)
  }
  await room.advance(20_000)
  return room
}

describe('a quiet join', () => {
  it('[L47] is one hello of three messages for each pair', async () => {
    for (const seed of [1, 2, 3]) {
      const { members } = await quietRoom(6, seed)
      expect(eachPair(members, 'hello')).toEqual(Array(15).fill(3))
    }
  })

  it('[L48] is one offer and one answer for each pair, which have the candidates', async () => {
    for (const seed of [1, 2, 3]) {
      const { members } = await quietRoom(6, seed)
      expect(eachPair(members, 'signal')).toEqual(Array(15).fill(2))
    }
  })

  it('[L48] is a signal more for each candidate that is found late', async () => {
    for (const [gatherMs, expected] of [
      [350, 2],
      [450, 3],
      [3_000, 3],
    ] as const) {
      const room = createRoom()
      const [alice, bob] = [await room.join('alice', {}, { gatherMs }), await room.join('bob')]
      const ms = await room.until('a data channel', () => hasWay([alice, bob], 'direct'), 5_000)
      expect(ms).toBeGreaterThan(gatherMs)
      await room.advance(20_000)
      expect(sentBetween(alice, bob, 'signal')).toBe(expected)
    }
  })
})
