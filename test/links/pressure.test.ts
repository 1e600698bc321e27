/** Far ends that do not read, and servers that take no more: what waits where, how much, and that nothing is lost for it. */
import { expect, it, onTestFinished, vi } from 'vitest'
import * as Y from 'yjs'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../../lib/wire/limits.ts'
import { createRoom, hasWay, OTHER_SERVER, SERVER, type VirtualMember, type VirtualRoom, v } from './virtual-kit.ts'

const LARGE = { maxDataBytes: 65_536 }
const KIB = 1_024
/** What all copies of messages and documents may take of a server: at once, and each second. */
const MESSAGES = { frames: { burst: 1_000, perSecond: 250 }, bytes: { burst: 384 * KIB, perSecond: 384 * KIB } }

const sentBy = (member: VirtualMember) => member.channel.inspect().servers[0]?.sent ?? { messages: 0, bytes: 0 }
const rejectsOf = (member: VirtualMember) => member.channel.inspect().rejects
const text = ({ channel }: VirtualMember) => channel.doc.getText('body')
const count = (to: number) => Array.from({ length: to }, (_, index) => index + 1)

/** The numbers that it hears, in order. */
function listen(member: VirtualMember): number[] {
  const heard: number[] = []
  member.channel.subscribe('count', ({ data }) => void heard.push((data as { n: number }).n))
  return heard
}

/** Two over a data channel alone, and the most that has waited in it since. */
async function pairAlone(): Promise<{
  room: VirtualRoom
  alice: VirtualMember
  bob: VirtualMember
  most: () => number
}> {
  const room = createRoom()
  const [alice, bob] = [
    await room.join('alice', LARGE, {}, { sync: true }),
    await room.join('bob', LARGE, {}, { sync: true }),
  ]
  await room.until('a data channel', () => hasWay([alice, bob], 'direct'), 10_000)
  room.world.server(SERVER).stop()
  await room.advance(1_000)
  let mostBytes = 0
  const most = () => {
    for (const peer of room.world.peers.peers.values()) {
      const { bufferedAmount } = (peer as unknown as RTCPeerConnection).createDataChannel('copresence')
      mostBytes = Math.max(mostBytes, bufferedAmount)
    }
    return mostBytes
  }
  return { room, alice, bob, most }
}

it('[L53] of entries for one who does not read 64 KiB wait and one more, and the last value arrives', async () => {
  const { room, alice, bob, most } = await pairAlone()
  room.cut(alice, bob)
  for (let n = 1; n <= 300; n++) {
    alice.update({ v: n, x: String(n % 10).repeat(30_000) })
    await room.advance(20)
    most()
  }
  expect(most()).toBeGreaterThan(65_536)
  expect(most()).toBeLessThan(65_536 + 31_000)
  room.mend(alice, bob)
  await room.until('the last value', () => v(bob, 'alice') === 300, 3_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
})

it('[L53] of messages and edits for one who does not read 1 MiB waits, and all of them arrive, in order', async () => {
  const { room, alice, bob, most } = await pairAlone()
  const heard = listen(bob)
  room.cut(alice, bob)
  for (let n = 1; n <= 100; n++) {
    alice.channel.publish('count', { n, x: 'x'.repeat(30_000) })
    text(alice).insert(0, 'y'.repeat(15_000))
    await room.advance(80)
    most()
  }
  expect(most()).toBeGreaterThan(950_000)
  expect(most()).toBeLessThanOrEqual(1_048_576)
  alice.update({ v: 1 })
  expect(bob.ids()).toEqual(['alice', 'bob'])
  room.mend(alice, bob)
  await room.until('all messages', () => heard.length === 100, 20_000)
  expect(heard).toEqual(count(100))
  expect([v(bob, 'alice'), bob.comesAndGoes('alice'), alice.comesAndGoes('bob')]).toEqual([
    1,
    ['joined-room'],
    ['joined-room'],
  ])
})

it('[L53] edits that were not told to one who did not read are compared once it does', async () => {
  const { room, alice, bob, most } = await pairAlone()
  room.cut(alice, bob)
  // Written and deleted again: more than may wait, and little that is left of it.
  for (let n = 0; n < 60; n++) {
    text(alice).insert(0, 'z'.repeat(150_000))
    text(alice).delete(0, 149_999)
    await room.advance(100)
    most()
  }
  expect(most()).toBeLessThan(65_536 + MAX_DOCUMENT_UPDATE_BYTES)
  room.mend(alice, bob)
  await room.until('the edits', () => text(bob).toString() === 'z'.repeat(60), 3_000)
})

it.each([
  ['a data channel', {}, 5_000, 'direct', 'direct'],
  ['the relay', { webrtc: false }, 5_000, 'relay', 'relay'],
  ['a tab’s line', { webrtc: false, browser: 'one' }, 5_000, 'tab', 'tab'],
  ['the slower relay, and then a data channel', {}, 0, 'relay', 'direct'],
])(
  '[L53] a document of 4 MB that is put in at once, by several transactions, reaches who is there by %s',
  async (_way, member, afterMs, first, last) => {
    const room = createRoom()
    const [alice, bob] = [
      await room.join('alice', {}, member, { sync: true }),
      await room.join('bob', {}, member, { sync: true }),
    ]
    await room.allSeeAll()
    await room.advance(afterMs)
    expect(bob.waysTo(alice)[0]).toBe(first)
    room.world.server(SERVER).machine.slowMs = 300
    const parts = [...Array<number>(15).fill(200_000), ...Array<number>(4_000).fill(250)]
    for (const length of parts) text(alice).insert(0, 'x'.repeat(length))
    await room.until('all of it', () => text(bob).length === 4_000_000, 20_000)
    expect(bob.waysTo(alice)[0]).toBe(last)
    text(bob).insert(0, 'y')
    await room.until('an answer', () => text(alice).length === 4_000_001, 1_000)
  },
)

/** Six who need the relay, fewer than half of those on it: what they get goes to each. */
async function sixOnTheRelay(): Promise<{ room: VirtualRoom; alice: VirtualMember; served: VirtualMember[] }> {
  const room = createRoom()
  for (let index = 0; index < 6; index++) await room.join(`served ${index}`, LARGE, { webrtc: false }, { sync: true })
  for (let index = 0; index < 8; index++) await room.join(`direct ${index}`, LARGE, {}, { sync: true })
  await room.allSeeAll(20_000)
  await room.advance(5_000)
  const alice = room.members[6]
  if (alice === undefined) throw new Error('fourteen joined')
  return { room, alice, served: room.members.slice(0, 6) }
}

it.each([
  ['small ones', 480, 10, 16],
  ['large ones', 24, 60_000, 100],
])(
  '[L54] messages to many, each by its own link, keep to what a server takes: %s',
  async (_name, times, size, everyMs) => {
    const { room, alice, served } = await sixOnTheRelay()
    const heard = room.members.map(listen)
    const before = sentBy(alice)
    let passedMs = 0
    const checkRates = () => {
      const [frames, bytes] = [sentBy(alice).messages - before.messages, sentBy(alice).bytes - before.bytes]
      // Entries and signs of life apart.
      const spareFrames = 100 + passedMs / 20
      expect(frames).toBeLessThan(MESSAGES.frames.burst + (MESSAGES.frames.perSecond * passedMs) / 1_000 + spareFrames)
      expect(bytes).toBeLessThan(MESSAGES.bytes.burst + (MESSAGES.bytes.perSecond * passedMs) / 1_000 + 64 * KIB)
    }
    for (let n = 1; n <= times; n++) {
      alice.channel.publish('count', { n, x: 'x'.repeat(size) })
      if (n % 20 === 0) alice.update({ v: n })
      await room.advance(everyMs)
      passedMs += everyMs
      checkRates()
    }
    await room.until('all messages', () => heard.every(({ length }) => length === times), 40_000)
    for (const one of heard) expect(one).toEqual(count(times))
    expect(served.every((one) => v(one, alice.id) === times - (times % 20))).toBe(true)
  },
)

it('[M8] a message that is half out is not lost for one whose way ends, and is back before all have it', async () => {
  const { room, alice, served } = await sixOnTheRelay()
  const heard = served.map(listen)
  const [first] = served as [VirtualMember]
  const server = room.world.server(SERVER)
  room.world.wires.cut(server.machine, first.resident.host.machine)
  const before = sentBy(alice).bytes
  for (const n of count(2)) alice.channel.publish('count', { n, x: 'x'.repeat(60_000) })
  await room.until('one of the second to be out', () => sentBy(alice).bytes - before > 7 * 60_000)
  // What a server has for a socket ends with it.
  server.reset(first.resident.host)
  room.world.wires.mend(server.machine, first.resident.host.machine)
  await room.until('both everywhere', () => heard.every(({ length }) => length === 2), 5_000)
  expect(heard).toEqual(served.map(() => [1, 2]))
})

it('[L54] who returns again and again while a message is half out holds up nobody who never had it', async () => {
  const { room, alice, served } = await sixOnTheRelay()
  const heard = served.map(listen)
  const flapping = served.slice(0, 3)
  for (const n of count(3)) alice.channel.publish('count', { n, x: 'x'.repeat(60_000) })
  const hasAll = () => heard.slice(3).every(({ length }) => length === 3)
  const backMs = flapping.map(() => 0)
  let passedMs = 0
  while (!hasAll() && passedMs < 6_000) {
    await room.advance(20)
    passedMs += 20
    for (const [place, member] of flapping.entries()) {
      backMs[place] = alice.waysTo(member).length > 0 ? (backMs[place] ?? 0) + 20 : 0
      // It has been sent a copy, which ends with its socket.
      if (backMs[place] >= 160) room.world.server(SERVER).reset(member.resident.host)
    }
  }
  // Three messages for three at 384 KiB a second, and as much again for the others.
  expect(passedMs).toBeLessThan(2_000)
})

it('[L54] edits to many, each by its own link, keep to what a server takes, as fewer frames', async () => {
  const { room, alice, served } = await sixOnTheRelay()
  const before = sentBy(alice)
  for (let n = 0; n < 960; n++) {
    text(alice).insert(0, 'e')
    await room.advance(8)
  }
  const seconds = (960 * 8) / 1_000
  const frames = sentBy(alice).messages - before.messages
  expect(frames).toBeLessThan(MESSAGES.frames.burst + MESSAGES.frames.perSecond * seconds + 100)
  await room.until('the edits', () => served.every((one) => text(one).length === 960), 500)
})

/** Sets a text of so many characters that the whole document is one update of exactly so many bytes. */
function fill(doc: Y.Doc, byteCount: number): void {
  const measured = new Y.Doc()
  measured.clientID = doc.clientID
  measured.getText('body').insert(0, 'x'.repeat(byteCount))
  const tooMany = Y.encodeStateAsUpdate(measured).length - byteCount
  doc.getText('body').insert(0, 'x'.repeat(byteCount - tooMany))
  expect(Y.encodeStateAsUpdate(doc).length).toBe(byteCount)
}

it.each([
  ['a data channel', {}, [SERVER], [SERVER]],
  ['the relay', { webrtc: false }, [SERVER], [SERVER]],
  ['a neighbour', { webrtc: false }, [SERVER], [OTHER_SERVER]],
])(
  '[L55] the largest document travels by %s, as an edit and as an answer; a larger one is counted',
  async (_name, member, own, far) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onTestFinished(() => warned.mockRestore())
    for (const [excess, isLarger] of [
      [0, false],
      [1, true],
    ] as const) {
      const room = createRoom()
      const alice = await room.join('alice', { servers: own }, member, { sync: true })
      const bob = await room.join('bob', { servers: far }, member, { sync: true })
      if (own !== far) await room.join('carol', { servers: [...own, ...far] }, member)
      await room.allSeeAll(10_000)
      await room.advance(5_000)
      fill(alice.channel.doc, MAX_DOCUMENT_UPDATE_BYTES + excess)
      await room.advance(3_000)
      const late = await room.join('dave', { servers: far }, member, { sync: true })
      await room.advance(10_000)
      for (const one of [bob, late]) expect(text(one).length > 0).toBe(!isLarger)
      expect(warned).toHaveBeenCalledTimes(Number(isLarger))
      expect(Object.keys(rejectsOf(alice))).toEqual(isLarger ? ['document-refused', 'too-large'] : [])
      text(bob).insert(0, 'small')
      await room.until('an edit of another', () => text(alice).toString().startsWith('small'), 3_000)
    }
  },
)
