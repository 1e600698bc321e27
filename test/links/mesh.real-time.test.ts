/** Who reaches whom, and by what: neighbours that pass on, several servers, newcomers, and the caps. On virtual time. */
import { describe, expect, it } from 'vitest'
import { createRoom, hasWay, OTHER_SERVER, SERVER, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

describe('a pair without a way of its own', () => {
  it('[L1] whoever is on one server alone sees those of the other through a member on both', async () => {
    const room = createRoom()
    const alice = await room.join('alice', { servers: [SERVER] }, { webrtc: false })
    const bob = await room.join('bob', { servers: [SERVER, OTHER_SERVER] }, { webrtc: false })
    const carol = await room.join('carol', { servers: [OTHER_SERVER] }, { webrtc: false })
    expect(await room.allSeeAll()).toBeLessThan(2_000)
    expect(alice.waysTo(carol)).toEqual(['via'])
    expect(alice.waysTo(bob)).toEqual(['relay'])
    carol.update({ v: 1 })
    await room.until('carol’s value', () => (alice.dataOf('carol') as { v?: number }).v === 1, 1_000)
    await room.leave(carol)
    await room.until('carol’s leave', () => alice.toldOf('carol').includes('leave'), 1_000)
    expect(alice.toldOf('carol')).toEqual(['joined-room', 'update', 'leave'])
  })

  it('[L1] a tab without any server sees all through another tab of its browser', async () => {
    for (const order of [
      ['alice', 'bob', 'carol'],
      ['alice', 'carol', 'bob'],
      ['bob', 'carol', 'alice'],
    ]) {
      const room = createRoom()
      for (const id of order)
        await room.join(
          id,
          { servers: id === 'alice' ? [] : [SERVER] },
          { webrtc: false, browser: id === 'carol' ? 'far' : 'near' },
        )
      expect(await room.allSeeAll()).toBeLessThan(2_000)
    }
  })

  it('[L1] where the server only introduces and two cannot reach each other, a third passes on', async () => {
    const room = createRoom()
    const alice = await room.join('alice', {}, { relay: false })
    const bob = await room.join('bob', {}, { relay: false })
    const carol = await room.join('carol', {}, { relay: false })
    room.cut(alice, carol)
    await room.allSeeAll(20_000)
    expect(alice.waysTo(carol)).toEqual(['via'])
    expect(alice.waysTo(bob)).toContain('direct')
  })

  it('[L2] a pair that is cut with all servers gone relinks through a neighbour, and nobody hears of it', async () => {
    const { room, find } = await meshOf(['alice', 'bob', 'carol'])
    const [alice, carol] = [find('alice'), find('carol')]
    room.world.server(SERVER).stop()
    await room.advance(1_000)
    room.cut(alice, carol)
    await room.until('the way through bob', () => alice.waysTo(carol).includes('via'), 15_000)
    carol.update({ v: 1 })
    await room.until('carol’s value', () => (alice.dataOf('carol') as { v?: number }).v === 1, 1_000)
    await room.advance(60_000)
    expect(alice.comesAndGoes('carol')).toEqual(['joined-room'])
    expect(carol.comesAndGoes('alice')).toEqual(['joined-room'])
    room.mend(alice, carol)
    await room.until('the data channel again', () => alice.waysTo(carol)[0] === 'direct', 90_000)
    expect(alice.comesAndGoes('carol')).toEqual(['joined-room'])
  })

  it('[L3] a value said while a way had died unnoticed arrives by the next one', async () => {
    const { room, find } = await meshOf(['alice', 'bob'])
    const [alice, bob] = [find('alice'), find('bob')]
    room.cut(alice, bob)
    bob.update({ v: 'lost on the way' })
    await room.until('the value', () => (alice.dataOf('bob') as { v?: string }).v === 'lost on the way', 10_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
  })

  it('[L4] one who is cut off from everybody asks nobody in a circle', async () => {
    const { room, members, find } = await meshOf(['alice', 'bob', 'carol', 'dave'])
    const alice = find('alice')
    const others = members.filter((member) => member !== alice)
    room.world.server(SERVER).stop()
    for (const other of others) room.cut(alice, other)
    const before = room.sentCount()
    await room.advance(60_000)
    // Four members ask each other every 5 s and try for data channels now and then: a circle would be millions.
    expect(room.sentCount() - before).toBeLessThan(1_000)
    expect(alice.ids()).toEqual(['alice'])
    for (const other of others) room.mend(alice, other)
    room.world.server(SERVER).start()
    await room.allSeeAll(40_000)
  })
})

describe('newcomers', () => {
  it('[L5] one who reaches a single member of a mesh without servers reaches all', async () => {
    const { room, find } = await meshOf(['alice', 'bob', 'carol'], { browser: true })
    room.world.server(SERVER).stop()
    await room.advance(20_000)
    const dave = await room.join('dave', {}, { browser: 'of alice' })
    expect(await room.allSeeAll()).toBeLessThan(2_000)
    await room.until('data channels to all', () => hasWay([find('bob'), find('carol'), dave], 'direct'), 10_000)
    await room.leave(dave)
    await room.allSeeAll(1_000)
  })

  it('[L6] without a direct path the relay serves within 1 s of joining', async () => {
    const room = createRoom()
    const alice = await room.join('alice')
    await room.advance(2_000)
    const bob = await room.join('bob')
    room.cut(alice, bob)
    alice.update({ v: 1 })
    const ms = await room.until('alice’s value', () => (bob.dataOf('alice') as { v?: number })?.v === 1)
    expect(ms).toBeLessThanOrEqual(1_000)
    expect(bob.waysTo(alice)).toEqual(['relay'])
  })

  it('[L7] of several servers one is enough: one that is down from the beginning, and one that goes', async () => {
    const room = createRoom()
    room.world.server(OTHER_SERVER).stop()
    const options = { servers: [OTHER_SERVER, SERVER] }
    const alice = await room.join('alice', options, { webrtc: false })
    const bob = await room.join('bob', options, { webrtc: false })
    expect(await room.allSeeAll()).toBeLessThan(1_000)
    room.world.server(OTHER_SERVER).start()
    await room.advance(40_000)
    room.world.server(SERVER).stop()
    bob.update({ v: 1 })
    await room.until('bob’s value', () => (alice.dataOf('bob') as { v?: number }).v === 1, 1_000)
    await room.advance(60_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    await room.join('carol', options, { webrtc: false })
    expect(await room.allSeeAll()).toBeLessThan(1_000)
  })
})

describe('bounds', () => {
  it('[L8] one has 24 data channels at most; all see all the same', async () => {
    const { room, members } = await meshOf(
      Array.from({ length: 27 }, (_, index) => `member ${index}`),
      { isMeshAwaited: false },
    )
    await room.allSeeAll(10_000)
    await room.advance(15_000)
    for (const member of members) {
      const direct = members.filter((other) => other !== member && member.waysTo(other).includes('direct'))
      expect(direct.length).toBeLessThanOrEqual(24)
    }
    expect(
      Math.max(...members.map((member) => members.filter((other) => member.waysTo(other).includes('direct')).length)),
    ).toBe(24)
  }, 60_000)

  it('[L49] a room of more than 25 is quiet once it is full, and nobody waits for a place in vain', async () => {
    const { room, members } = await meshOf(
      Array.from({ length: 28 }, (_, index) => `member ${index}`),
      { isMeshAwaited: false },
    )
    const signalCount = () =>
      members
        .flatMap(({ channel }) => channel.inspect().members)
        .reduce((sum, { link }) => sum + (link?.sent.signal?.messages ?? 0), 0)
    const directOf = (member: VirtualMember) =>
      members.filter((other) => other !== member && member.waysTo(other).includes('direct'))
    await room.allSeeAll(10_000)
    await room.advance(10_000)
    const before = signalCount()
    await room.advance(20_000)
    expect(signalCount()).toBe(before)
    for (const member of members)
      for (const other of members)
        if (other !== member && directOf(member).length < 24 && directOf(other).length < 24)
          expect(directOf(member)).toContain(other)
  }, 60_000)

  it('[L9] members who come and are killed leave room for others, with a server and without', async () => {
    for (const hasServer of [true, false]) {
      const { room, members } = await meshOf(['alice', 'bob'], { browser: true })
      if (!hasServer) room.world.server(SERVER).stop()
      await room.advance(5_000)
      for (let wave = 0; wave < 5; wave++) {
        const guests = []
        for (let guest = 0; guest < 30; guest++)
          guests.push(await room.join(`guest ${wave} ${guest}`, {}, { webrtc: false, browser: 'of alice' }))
        await room.allSeeAll(10_000)
        for (const guest of guests) guest.resident.host.kill()
        await room.allSeeAll(20_000)
        await room.advance(80_000)
      }
      await room.join('carol', {}, { browser: 'of alice' })
      await room.allSeeAll(5_000)
      for (const member of members) expect(member.channel.inspect().rejects).not.toHaveProperty('room-full')
    }
  }, 120_000)

  it.each([
    ['data channels', 4, true],
    ['the relay alone', 7, false],
  ])('[L10] an idle room of eight is, over %s, at most %i messages a second in all', async (_ways, most, webrtc) => {
    const room = createRoom()
    for (let index = 0; index < 8; index++) await room.join(`member ${index}`, {}, { webrtc })
    await room.until('a mesh', () => hasWay(room.members, webrtc ? 'direct' : 'relay'), 15_000)
    await room.advance(15_000)
    const count = () => room.sentCount() + room.world.wires.sentCount(room.world.server(SERVER).machine)
    const before = count()
    await room.advance(120_000)
    expect((count() - before) / 120).toBeLessThanOrEqual(most)
  })
})

/** Members who have met by the server, and each other directly. */
async function meshOf(
  ids: readonly string[],
  { browser = false, isMeshAwaited = true } = {},
): Promise<{ room: VirtualRoom; members: VirtualMember[]; find: (id: string) => VirtualMember }> {
  const room = createRoom()
  for (const id of ids) await room.join(id, {}, browser ? { browser: `of ${id}` } : {})
  if (isMeshAwaited) await room.until('a mesh', () => hasWay(room.members, 'direct'), 15_000)
  const find = (id: string): VirtualMember => {
    const member = room.members.find((candidate) => candidate.id === id)
    if (member === undefined) throw new Error(`nobody is called ${id}`)
    return member
  }
  return { room, members: [...room.members], find }
}
