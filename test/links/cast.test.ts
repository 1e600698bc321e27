/** What is for everybody goes up to the server once: who is served so, who is not, and what may go wrong. On virtual time. */
import { describe, expect, it } from 'vitest'
import { createRoom, hasWay, OTHER_SERVER, SERVER, type VirtualMember, type VirtualRoom, v } from './virtual-kit.ts'

/** Members whom the relay alone connects, and who have said something: their keys are given. */
async function starOf(count: number, ways: { webrtc?: boolean } = { webrtc: false }) {
  const room = createRoom()
  const members: VirtualMember[] = []
  for (let index = 0; index < count; index++) members.push(await room.join(`member ${index}`, {}, ways))
  await room.until('all to meet', () => hasWay(members, 'relay'), 10_000)
  const [alice] = members
  if (alice === undefined) throw new Error('somebody joined')
  await sayToAll(room, alice, 'the keys')
  return { room, members, alice, others: members.slice(1) }
}

/** Long enough to be told from questions, and new from one end to the other: of what stays the same nothing is sent. */
const word = (value: unknown) => ({ v: value, body: String(value).repeat(100) })

async function sayToAll(room: VirtualRoom, speaker: VirtualMember, value: unknown): Promise<void> {
  speaker.update(word(value))
  const listeners = room.members.filter(
    ({ channel, resident }) => channel.state === 'CONNECTED' && resident.host.state === 'running',
  )
  await room.until(`${value} everywhere`, () => listeners.every((member) => v(member, speaker.id) === value), 1_000)
  // What answers to it has arrived too.
  await room.advance(200)
}

/** Bytes of a packet over which it is no question, answer or acknowledgement: those are sealed too. */
const LEAST_WORD_BYTES = 100

/** What one word of a member costs: packets that go up to the server and down from it, those aside that only ask. */
async function costOf(room: VirtualRoom, say: () => void) {
  const cost = { up: 0, down: 0 }
  room.world.wires.setLoss(({ from, to, byteLength }) => {
    if (byteLength >= LEAST_WORD_BYTES && to === SERVER) cost.up++
    if (byteLength >= LEAST_WORD_BYTES && from === SERVER) cost.down++
    return false
  })
  say()
  await room.advance(150)
  room.world.wires.setLoss(() => false)
  return cost
}

describe('a word for everybody', () => {
  it('[L40] costs one message up to the relay and one down to each other, for two to eight members', async () => {
    for (let count = 2; count <= 8; count++) {
      const { room, alice, others } = await starOf(count)
      const update = await costOf(room, () => alice.update(word('once')))
      expect(update, `${count} members`).toEqual({ up: 1, down: count - 1 })
      for (const other of others) expect(v(other, alice.id)).toBe('once')
      const message = await costOf(room, () => alice.channel.publish('greeting', 'hello'))
      expect(message, `${count} members`).toEqual({ up: 1, down: count - 1 })
    }
  })

  it('[L40] a goodbye too: one up, and it comes behind what was said before', async () => {
    const { room, alice, others } = await starOf(5)
    const machine = alice.resident.host.machine
    const before = room.world.wires.sentCount(machine)
    alice.update({ v: 'last word' })
    void alice.channel.disconnect()
    await room.advance(100)
    // The word and the goodbye; the end of the topic is the end of the socket.
    expect(room.world.wires.sentCount(machine) - before).toBe(2)
    await room.until('the leaves', () => others.every((other) => other.toldOf(alice.id).includes('leave')), 1_000)
    for (const other of others)
      expect(other.told.filter(([event, who]) => event === 'leave' && who === alice.id)).toEqual([
        ['leave', alice.id, expect.objectContaining({ v: 'last word' })],
      ])
  })

  it('[L40] messages come in order and each once, whether they were cast or not', async () => {
    const { room, alice, others } = await starOf(4)
    const heard = others.map(({ channel }) => {
      const all: unknown[] = []
      channel.subscribe<number>('count', ({ data }) => all.push(data))
      return all
    })
    const sent: number[] = []
    for (let index = 0; index < 60; index++) {
      if (index === 20) await room.join('late', {}, { webrtc: false })
      if (index === 40 && others[0] !== undefined) others[0].resident.host.pause()
      if (index === 42 && others[0] !== undefined) others[0].resident.host.resume()
      alice.channel.publish('count', index)
      sent.push(index)
      await room.advance(50)
    }
    await room.advance(2_000)
    for (const all of heard) expect(all).toEqual(sent)
  })

  it('[L41] who has a data channel is not served by casts, and few are not worth one to all', async () => {
    const { room, alice, members } = await starOf(8, { webrtc: true })
    await room.until('a mesh', () => hasWay(members, 'direct'), 15_000)
    await sayToAll(room, alice, 'direct')
    const { down } = await costOf(room, () => alice.update(word('again')))
    expect(down).toBe(0)
    // Two of seven lose theirs: two messages up are fewer than seven down.
    const [, bob, carol] = members
    if (bob === undefined || carol === undefined) throw new Error('they joined')
    room.cut(alice, bob)
    room.cut(alice, carol)
    await room.until('the relay again', () => !alice.waysTo(bob).includes('direct'), 20_000)
    await room.until('the relay again', () => !alice.waysTo(carol).includes('direct'), 20_000)
    await sayToAll(room, alice, 'by the relay')
    expect(await costOf(room, () => alice.update(word('to two')))).toEqual({ up: 2, down: 2 })
  })

  it('[L41] members of two servers hear of each by the one that serves them', async () => {
    const room = createRoom()
    const both = { servers: [SERVER, OTHER_SERVER] }
    const alice = await room.join('alice', both, { webrtc: false })
    for (const server of [SERVER, OTHER_SERVER])
      for (let index = 0; index < 3; index++)
        await room.join(`of ${server === SERVER ? 'one' : 'two'} ${index}`, { servers: [server] }, { webrtc: false })
    await room.allSeeAll(5_000)
    for (let value = 0; value < 5; value++) await sayToAll(room, alice, value)
    const machine = alice.resident.host.machine
    const before = room.world.wires.sentCount(machine)
    alice.update({ v: 'to both' })
    await room.advance(5)
    expect(room.world.wires.sentCount(machine) - before).toBe(2)
  })
})

describe('keys of casts', () => {
  it('[L42] a newcomer hears all from the first word on, and is served by casts soon', async () => {
    const { room, alice } = await starOf(3)
    const late = await room.join('late', {}, { webrtc: false })
    await room.until('the newcomer', () => v(late, alice.id) === 'the keys', 1_000)
    await room.advance(500)
    // The first word goes to it by its link, and then the key.
    const first = await costOf(room, () => alice.update(word(1)))
    expect(first.up).toBe(3)
    expect(v(late, alice.id)).toBe(1)
    expect(await costOf(room, () => alice.update(word(2)))).toEqual({ up: 1, down: 3 })
    expect(v(late, alice.id)).toBe(2)
  })

  it('[L43] when a member leaves, is killed or falls silent the next word is under no key that it has', async () => {
    for (const end of ['leave', 'kill', 'pause'] as const) {
      const { room, alice, others } = await starOf(5)
      const [bob, ...rest] = others
      if (bob === undefined) throw new Error('bob joined')
      if (end === 'leave') await room.leave(bob)
      else if (end === 'kill') bob.resident.host.kill()
      else bob.resident.host.pause()
      await room.until('alice to miss bob', () => !alice.ids().includes(bob.id), 16_000)
      // Whoever fell silent is asked by every neighbour until its link is forgotten, 60 s after its last word.
      await room.advance(62_000)
      // Link by link to three, and a new key for each of them.
      const first = await costOf(room, () => alice.update(word(end)))
      expect(first.up, end).toBe(6)
      const second = await costOf(room, () => alice.update(word(`${end} again`)))
      expect(second.up, end).toBe(1)
      for (const other of rest) expect(v(other, alice.id)).toBe(`${end} again`)
    }
  })

  it('[L44] whose acknowledgement is lost is served by its own link, and asked again', async () => {
    const room = createRoom()
    const members = [await room.join('alice', {}, { webrtc: false })]
    for (const id of ['bob', 'carol', 'dave']) members.push(await room.join(id, {}, { webrtc: false }))
    await room.until('all to meet', () => hasWay(members, 'relay'), 10_000)
    const [alice, bob] = members
    if (alice === undefined || bob === undefined) throw new Error('they joined')
    // Nothing of bob's comes through: neither does what acknowledges.
    const server = room.world.server(SERVER).machine
    room.world.wires.cut(bob.resident.host.machine, server)
    for (let value = 0; value < 20; value++) {
      const { up } = await costOf(room, () => alice.update(word(value)))
      for (const member of members.slice(1)) expect(v(member, 'alice')).toBe(value)
      if (value > 5) expect(up).toBeGreaterThanOrEqual(2)
    }
    room.world.wires.mend(bob.resident.host.machine, server)
    await room.advance(5_000)
    await sayToAll(room, alice, 'mended')
    await sayToAll(room, alice, 'and keyed')
    expect((await costOf(room, () => alice.update(word('once')))).up).toBe(1)
  })

  it('[L45] no value goes back or is lost while a member is served by casts and by its link in turn', async () => {
    const { room, alice, others } = await starOf(4, { webrtc: true })
    const [bob] = others
    if (bob === undefined) throw new Error('bob joined')
    const seen = others.map(({ channel }) => {
      const values: number[] = []
      channel.participant.subscribe('presence.update', ({ data }) => {
        if (typeof data.n === 'number') values.push(data.n)
      })
      return values
    })
    let n = 0
    for (let round = 0; round < 6; round++) {
      for (const other of others) (round % 2 === 0 ? room.cut : room.mend)(alice, other)
      if (round === 3) room.world.server(SERVER).reset(alice.resident.host)
      for (let tick = 0; tick < 200; tick++) {
        alice.update({ n: ++n })
        await room.advance(50)
      }
    }
    await room.until('the last value', () => seen.every((values) => values.at(-1) === n), 1_000)
    for (const values of seen) expect(values).toEqual([...values].sort((one, other) => one - other))
    for (const other of others) expect(other.comesAndGoes(alice.id)).toEqual(['joined-room'])
  }, 60_000)
})
