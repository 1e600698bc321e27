/** When a data channel is tried, given up and found anew, on virtual time. */
import { describe, expect, it } from 'vitest'
import { createRoom, pair, SERVER, type VirtualMember, v } from './virtual-kit.ts'

const signalsOf = ({ channel }: VirtualMember): number =>
  channel.inspect().members.reduce((sum, { link }) => sum + (link?.sent.signal?.messages ?? 0), 0)

describe('a data channel', () => {
  it('[L19] that does not open is given up after 8 s and tried again ever more rarely; one that can open then does', async () => {
    const room = createRoom()
    const [alice, bob] = [await room.join('alice'), await room.join('bob')]
    room.cut(alice, bob)
    await room.allSeeAll(1_000)
    const tries: number[] = []
    let was = 0
    for (let second = 1; second <= 240; second++) {
      await room.advance(1_000)
      const is = alice.resident.openCount()
      if (is > was) tries.push(second)
      was = is
      expect(is).toBeLessThanOrEqual(3)
    }
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    // 8 s each, and 4, 8, 16, 32, 60 s between them.
    for (const [index, gap] of gaps.entries())
      expect(Math.abs(gap - ([12, 16, 24, 40][index] ?? 68))).toBeLessThanOrEqual(1)
    expect(gaps.length).toBeGreaterThanOrEqual(4)
    room.mend(alice, bob)
    await room.until('the data channel', () => alice.waysTo(bob)[0] === 'direct', 70_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
  })

  it.each([
    ['tells of it', true, 4_500],
    ['does not', false, 7_500],
  ] as const)(
    '[L61] whose member has another address goes on by a new try of ICE, the same one; where its browser %s',
    async (_what, isTold, mostMs) => {
      for (const who of [0, 1] as const) {
        const { room, alice, bob } = await pair()
        const { peers } = room.world.peers
        const names = [...peers.keys()]
        const mover = [alice, bob][who]
        for (const peer of peers.values()) if (peer.host === mover?.resident.host) peer.strand()
        if (isTold) mover?.resident.goOnline()
        const areMended = () => [...peers.values()].every(({ isStranded, isConnected }) => !isStranded && isConnected)
        let count = 0
        const ms = await room.until(
          'the new try',
          () => {
            count += 1
            for (const member of [alice, bob]) member.update({ v: count })
            return areMended()
          },
          mostMs,
        )
        expect(ms).toBeGreaterThan(0)
        expect([...peers.keys()]).toEqual(names)
        await room.until(
          'the data channel',
          () => alice.waysTo(bob)[0] === 'direct' && bob.waysTo(alice)[0] === 'direct',
        )
        alice.update({ v: 'by it' })
        await room.until('the value', () => v(bob, 'alice') === 'by it', 1_000)
        expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
        expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
      }
    },
  )

  it('[L19] that did not open is tried again where a server only introduces, though nothing else carries the link', async () => {
    const room = createRoom()
    const [alice, bob] = [await room.join('alice', {}, { relay: false }), await room.join('bob', {}, { relay: false })]
    room.cut(alice, bob)
    await room.advance(10_000)
    room.mend(alice, bob)
    await room.until('the next try', () => alice.waysTo(bob)[0] === 'direct' && bob.ids().includes('alice'), 4_000)
    // Nor is it given up where the server is away just when it is its turn.
    const server = room.world.server(SERVER)
    server.stop()
    room.cut(alice, bob)
    await room.advance(30_000)
    room.mend(alice, bob)
    server.start()
    await room.until('the data channel', () => alice.waysTo(bob)[0] === 'direct', 5_000)
  })

  it('[L61] whose far end stands still, and is heard by no way, is left alone', async () => {
    const { room, alice, bob } = await pair()
    const offers = () => signalsOf(alice) + signalsOf(bob)
    alice.update({ said: 'something' })
    const before = offers()
    bob.resident.hide()
    await room.advance(1_000)
    bob.resident.host.freeze()
    for (let second = 0; second < 60; second++) {
      alice.update({ second })
      await room.advance(1_000)
    }
    bob.resident.host.resume()
    await room.advance(10_000)
    expect(offers()).toBe(before)
    expect(alice.waysTo(bob)[0]).toBe('direct')
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
  })

  it('[L19] that was interrupted for a while is the same one afterwards, or its successor', async () => {
    for (const cutMs of [3_000, 8_000, 12_000, 40_000]) {
      const { room, alice, bob } = await pair()
      room.cut(alice, bob)
      await room.advance(cutMs)
      room.mend(alice, bob)
      await room.until('the data channel', () => alice.waysTo(bob)[0] === 'direct', 30_000)
      bob.update({ v: cutMs })
      await room.until('the value', () => v(alice, 'bob') === cutMs, 5_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    }
  })
})
