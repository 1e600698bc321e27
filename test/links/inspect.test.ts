/** What `channel.inspect()` tells of links: how each member is reached, what went and came, and whether the secret is shared. */
import { describe, expect, it } from 'vitest'
import { createSecret } from '../../lib/index.ts'
import type { LinkReport } from '../../lib/wire/transport.ts'
import { createRoom, hasWay, SERVER, type VirtualMember } from './virtual-kit.ts'

const reportOf = (observer: VirtualMember, other: VirtualMember): LinkReport => {
  const report = observer.channel.inspect().members.find(({ connectionId }) => connectionId === other.connectionId)
  if (report?.link === undefined) throw new Error(`${observer.id} reports no link to ${other.id}`)
  return report.link
}
const messagesOf = (counts: LinkReport['sent']) =>
  Object.fromEntries(Object.entries(counts).map(([kind, { messages }]) => [kind, messages]))

describe('the link to a member', () => {
  it('[C14] has its carriers, which one is used, round trips, the last sign of life, and frames by kind', async () => {
    const room = createRoom()
    const [alice, bob] = [await room.join('alice'), await room.join('bob')]
    await room.until('a data channel', () => hasWay([alice, bob], 'direct'), 10_000)
    await room.advance(20_000)
    bob.update({ v: 1 })
    await room.advance(200)
    const link = reportOf(alice, bob)
    expect(link.carriers.map(({ id, kind, isActive }) => [id, kind, isActive])).toEqual([
      ['direct', 'direct', true],
      ['relay:0', 'relay', false],
    ])
    // Each way takes 5 to 40 ms in this world, and a relay is two of them.
    for (const { kind, roundTripMs = 0 } of [...link.carriers, ...reportOf(bob, alice).carriers]) {
      expect(roundTripMs).toBeGreaterThanOrEqual(kind === 'direct' ? 10 : 20)
      expect(roundTripMs).toBeLessThanOrEqual(kind === 'direct' ? 80 : 160)
    }
    expect(link.heardAgoMs).toBeLessThan(200)
    await room.advance(100)
    expect(reportOf(alice, bob).heardAgoMs).not.toBe(link.heardAgoMs)
    expect(Object.keys(link.sent)).toEqual(expect.arrayContaining(['hello', 'entry', 'signal']))
    expect(link.sent.signal?.bytes).toBeGreaterThan(link.sent.signal?.messages ?? Number.NaN)
  })

  it('[C14] what one end has sent is what the other has received, kind by kind and byte by byte', async () => {
    for (const webrtc of [true, false]) {
      const room = createRoom()
      const members: VirtualMember[] = []
      for (const id of ['alice', 'bob', 'carol']) members.push(await room.join(id, {}, { webrtc }, { sync: true }))
      const [alice, bob, carol] = members as [VirtualMember, VirtualMember, VirtualMember]
      await room.until('all to meet', () => hasWay(members, webrtc ? 'direct' : 'relay'), 10_000)
      await room.advance(2_000)
      for (let v = 0; v < 20; v++) {
        bob.update({ v })
        bob.channel.publish('ping', { v })
        bob.channel.doc.getMap('all').set('v', v)
        await room.advance(100)
      }
      await room.advance(900)
      for (const observer of [alice, carol]) {
        expect(reportOf(observer, bob).received).toEqual(reportOf(bob, observer).sent)
        expect(reportOf(bob, observer).received).toEqual(reportOf(observer, bob).sent)
      }
      const { cast, change, document, entry, message } = messagesOf(reportOf(bob, alice).sent)
      expect(document).toBeGreaterThanOrEqual(20)
      if (webrtc)
        expect([cast, message, (change ?? 0) >= 19, (change ?? 0) + (entry ?? 0) >= 20]).toEqual([
          undefined,
          20,
          true,
          true,
        ])
      // The first few go by the links, until each has acknowledged the key.
      else expect(cast).toBeGreaterThanOrEqual(30)
    }
  })

  it('[C14] who is held has no active carrier, and is not heard meanwhile', async () => {
    const room = createRoom()
    const [alice, bob] = [
      await room.join('alice', {}, { webrtc: false }),
      await room.join('bob', {}, { webrtc: false }),
    ]
    await room.allSeeAll()
    room.world.server(SERVER).stop()
    await room.advance(8_000)
    const link = reportOf(alice, bob)
    expect(link.carriers).toEqual([])
    expect(link.heardAgoMs).toBeGreaterThanOrEqual(7_000)
    expect(alice.waysTo(bob)).toEqual([])
  })

  it('[C14] the whole report is JSON, and its servers tell what went and came', async () => {
    const room = createRoom()
    const [alice, bob] = [await room.join('alice'), await room.join('bob')]
    await room.allSeeAll()
    const report = alice.channel.inspect()
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
    expect(report.members[0]).toEqual({ connectionId: alice.connectionId, paths: [] })
    expect(report.members[1]?.connectionId).toBe(bob.connectionId)
    const [server] = report.servers
    expect(server).toMatchObject({ url: SERVER, state: 'open', rejects: {} })
    // A proof and a join at least; a challenge, a welcome and a list of members.
    expect(server?.sent?.messages).toBeGreaterThan(2)
    expect(server?.received?.messages).toBeGreaterThan(3)
    expect(server?.received?.bytes).toBeGreaterThan(200)
  })
})

describe('the secret', () => {
  it('[C15] none; given and met by nobody who has it; proved by somebody who does, for as long as the channel lasts', async () => {
    const room = createRoom()
    const [secret, other] = [createSecret(), createSecret()]
    const secretOf = (member: VirtualMember) => member.channel.inspect().secret
    const alice = await room.join('alice', { secret })
    const mallory = await room.join('mallory', { secret: other })
    const stranger = await room.join('stranger')
    await room.advance(5_000)
    expect([alice, mallory, stranger].map(secretOf)).toEqual(['unproved', 'unproved', 'none'])
    const bob = await room.join('bob', { secret })
    await room.until('alice to see bob', () => alice.ids().includes('bob'))
    expect([alice, bob, mallory].map(secretOf)).toEqual(['proved', 'proved', 'unproved'])
    bob.resident.host.kill()
    await room.advance(120_000)
    expect(alice.ids()).toEqual(['alice'])
    expect(secretOf(alice)).toBe('proved')
  })
})
