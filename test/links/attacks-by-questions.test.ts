/** A member gone bad has others say so much that their server cuts them off: threats T18 and T24, on virtual time. */
import { expect, it } from 'vitest'
import { Doc } from 'yjs'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import type { Link } from '../../lib/links/link.ts'
import { createNeighbours } from '../../lib/links/neighbours.ts'
import type { MemberOptions } from '../../lib/testing/world.ts'
import * as frame from '../../lib/wire/link-frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { change, entry } from '../simulation/attack-words.ts'
import { createMallory, type Mallory } from '../simulation/mallory.ts'
import { createRoom, ROOM, SERVER, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

const BY_RELAY: MemberOptions = { webrtc: false }
/** What a server takes of one socket at once, by default. */
const BURST = { messages: 2_000, bytes: 1_048_576 }

/** Mallory has met all who are in the room. */
async function admitMallory(room: VirtualRoom): Promise<Mallory> {
  const { world } = room
  const topic = topicOf({ crypto: world.crypto, app: '', channel: ROOM })
  const mallory = createMallory(world, SERVER, { topic, secretKey: undefined })
  await room.advance(1_000)
  const own = entry({ clientId: 66_666, clock: 1, connectionId: mallory.connectionId })
  for (const { connectionId } of room.members) mallory.say(connectionId, own)
  await room.until('all to see mallory', () => room.members.every(({ ids }) => ids().includes('mallory')))
  return mallory
}

async function attackedRoom() {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice', {}, BY_RELAY), await room.join('bob', {}, BY_RELAY)]
  await room.allSeeAll()
  return { room, alice, bob, mallory: await admitMallory(room) }
}

const sentBy = (member: VirtualMember) => member.channel.inspect().servers[0]?.sent ?? { messages: 0, bytes: 0 }

async function expectTalking(room: VirtualRoom, alice: VirtualMember, bob: VirtualMember): Promise<void> {
  alice.update({ still: 'here' })
  await room.until('alice’s value', () => (bob.dataOf('alice') as { still?: string }).still === 'here', 1_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
}

it('[T36] questions without end are answered up to a rate, those of others all the same', async () => {
  const { room, alice, bob, mallory } = await attackedRoom()
  for (const [question, most] of [
    [frame.encodePing(7), 300 + 20],
    [frame.encodeFind([bob.connectionId]), 20 + 5],
    [frame.ASK_FRAME, 60 + 8],
  ] as const) {
    const before = sentBy(alice).messages
    for (let count = 0; count < 1_000; count++) mallory.say(alice.connectionId, question)
    await room.advance(1_000)
    expect(sentBy(alice).messages - before).toBeLessThan(most + 20)
  }
  expect(alice.channel.inspect().rejects['too-often']).toBeGreaterThan(2_000)
  await expectTalking(room, alice, bob)
})

it('[L56] what is passed on for others leaves room for our own words', async () => {
  const { room, alice, bob, mallory } = await attackedRoom()
  const before = sentBy(alice)
  for (let count = 0; count < 3_000; count++)
    mallory.say(alice.connectionId, frame.encodeVia(bob.connectionId, new Uint8Array(16)))
  for (let count = 0; count < 40; count++)
    mallory.say(alice.connectionId, frame.encodeVia(bob.connectionId, new Uint8Array(100_000)))
  await room.advance(1_000)
  const sent = sentBy(alice)
  expect(sent.messages - before.messages).toBeLessThan((BURST.messages * 3) / 4)
  expect(sent.bytes - before.bytes).toBeLessThan(BURST.bytes)
  await expectTalking(room, alice, bob)
})

it('[T37] a neighbour has us meet so many newcomers and no more', async () => {
  const clock = createVirtualClock()
  const met: ConnectionId[] = []
  const neighbours = createNeighbours({
    ...{ clock, own: 'a'.repeat(22) as ConnectionId, random: (length) => new Uint8Array(length), links: () => [] },
    rejects: createRejectCounter(),
    find: () => undefined,
    findOrMake(peer) {
      met.push(peer)
      return undefined
    },
  })
  const neighbour = { peer: 'b'.repeat(22) } as unknown as Link
  const other = { peer: 'c'.repeat(22) } as unknown as Link
  const stranger = (index: number) => `${index}`.padStart(22, '_') as ConnectionId
  for (let index = 0; index < 5_000; index++) neighbours.hearOf(neighbour, stranger(index))
  expect(met).toHaveLength(128)
  for (let index = 0; index < 50; index++) neighbours.receivePassed(neighbour, stranger(index), new Uint8Array(1))
  expect(met).toHaveLength(128)
  neighbours.hearOf(other, stranger(1))
  expect(met).toHaveLength(129)
  await clock.advance(10_000)
  for (let index = 0; index < 5_000; index++) neighbours.hearOf(neighbour, stranger(index))
  expect(met.length).toBeLessThanOrEqual(129 + 130)
})

it('[T38] a far end has us read so many bytes of entries by its changes and no more, and is asked for the rest', async () => {
  const { room, alice, bob, mallory } = await attackedRoom()
  const before = sentBy(alice)
  let clock = 1
  // Another client id now and then is another member, and no other far end.
  for (let clientId = 66_667; clientId < 66_673; clientId++) {
    const at = (n: number) => {
      const field = { joinedAt: clientId, data: { n, lists: '[]'.repeat(7_900) } }
      return { clientId, connectionId: mallory.connectionId, clock: n, field }
    }
    mallory.say(alice.connectionId, entry(at(++clock)))
    for (let count = 0; count < 500; count++) mallory.say(alice.connectionId, change(at(clock), at(++clock)))
  }
  await room.advance(1_000)
  const { rejects } = alice.channel.inspect()
  // 2 MiB, and one second more of it: 262 of 16 kB.
  const updates = alice.told.filter(([event, who]) => event === 'update' && who === 'mallory').length
  expect(updates).toBeGreaterThan(100)
  expect(updates).toBeLessThan(270)
  expect((rejects['too-often'] ?? 0) + (rejects.stale ?? 0)).toBeGreaterThan(2_600)
  expect(sentBy(alice).messages - before.messages).toBeLessThan(20)
  await expectTalking(room, alice, bob)
})

it('[L57] whoever asks for the document without end has it now and then', async () => {
  const room = createRoom()
  const doc = new Doc()
  doc.getText('t').insert(0, 'x'.repeat(20_000))
  const alice = await room.join('alice', {}, BY_RELAY, { doc, sync: true })
  const bob = await room.join('bob', {}, BY_RELAY, { sync: true })
  await room.until('bob to have it', () => bob.channel.doc.getText('t').length === 20_000)
  const mallory = await admitMallory(room)
  const before = sentBy(alice)
  for (let count = 0; count < 400; count++) {
    mallory.say(alice.connectionId, frame.encodeDocument(0, Uint8Array.of(0)))
    await room.advance(5)
  }
  // 64 KiB a second for 2 s, the first answer and our own words apart.
  expect(sentBy(alice).bytes - before.bytes).toBeLessThan(2 * 65_536 + 22_000)
  doc.getText('t').insert(0, 'still')
  await room.until('the edit', () => bob.channel.doc.getText('t').toString().startsWith('still'), 1_000)
  await expectTalking(room, alice, bob)
})

it('[L54] a large document and large edits reach many newcomers at once, and no server has to cut anybody off', async () => {
  const room = createRoom()
  const doc = new Doc()
  doc.getText('t').insert(0, 'x'.repeat(200_000))
  const alice = await room.join('alice', {}, BY_RELAY, { doc, sync: true })
  const others: VirtualMember[] = []
  let most = 0
  const look = (fromBytes: number, ms: number) => {
    most = Math.max(most, sentBy(alice).bytes - fromBytes - (ms / 1_000) * BURST.bytes)
  }
  const startMs = room.world.scheduler.nowMs()
  for (const id of ['bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'])
    others.push(await room.join(id, {}, BY_RELAY, { sync: true }))
  const have = (length: number) => others.every(({ channel }) => channel.doc.getText('t').length === length)
  await room.until(
    'all to have it',
    () => {
      look(0, room.world.scheduler.nowMs() - startMs)
      return have(200_000)
    },
    20_000,
  )
  doc.getText('t').insert(0, 'x'.repeat(150_000))
  await room.until(
    'all to have the edit',
    () => {
      look(0, room.world.scheduler.nowMs() - startMs)
      return have(350_000)
    },
    20_000,
  )
  expect(most).toBeLessThan(BURST.bytes)
})
