/** Entries that a server would not take at the pace at which they are said. */
import { expect, it, onTestFinished } from 'vitest'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { createLinksTravel } from '../../lib/links-travel.ts'
import { createRealtime } from '../../lib/realtime.ts'
import { until } from '../kit/until.ts'
import { startServer } from '../signaling-server/kit.ts'
import { createRoom, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

const LARGE = { maxDataBytes: 65_536 }
/** The server's defaults: 1 MiB and 500 frames a second, of which entries may take a half and 200. */
const ENTRY_BYTES_PER_SECOND = 524_288
const ENTRY_FRAMES_PER_SECOND = 200

const STREAM_MS = 3_000

const v = (observer: VirtualMember, who: string) => (observer.dataOf(who) as { v?: number } | undefined)?.v
const sentBy = (member: VirtualMember) => member.channel.inspect().servers[0]?.sent ?? { messages: 0, bytes: 0 }

/** Updates at 60 Hz for so long, and resolves with the last value. */
async function stream(room: VirtualRoom, member: VirtualMember, ms: number, byteCount: number): Promise<number> {
  let value = 0
  for (let passedMs = 0; passedMs < ms; passedMs += 16) {
    member.update({ v: ++value, x: String(value % 10).repeat(byteCount) })
    await room.advance(16)
  }
  return value
}

/** Only carol and dave need the relay, fewer than half of those on the server: what they get goes to each. */
async function roomWithTwoOnTheRelay(options: object = {}): Promise<{ room: VirtualRoom; members: VirtualMember[] }> {
  const room = createRoom()
  const members: VirtualMember[] = []
  for (const [id, webrtc] of [
    ['alice', true],
    ['bob', true],
    ['carol', false],
    ['dave', false],
    ['erin', true],
    ['frank', true],
  ] as const)
    members.push(await room.join(id, options, { webrtc }))
  await room.allSeeAll()
  await room.advance(5_000)
  return { room, members }
}

it('[L27] large entries go less often, by casts or to each, all have their turn, and the last one arrives', async () => {
  const cast = createRoom()
  const served = [await cast.join('alice', LARGE, { webrtc: false })]
  for (const id of ['carol', 'dave']) served.push(await cast.join(id, LARGE, { webrtc: false }))
  await cast.allSeeAll()
  for (const { room, members } of [{ room: cast, members: served }, await roomWithTwoOnTheRelay(LARGE)]) {
    const [alice] = members as [VirtualMember]
    const others = members.filter(({ id }) => id === 'carol' || id === 'dave')
    const before = sentBy(alice)
    const told = others.map((other) => other.told.length)
    const last = await stream(room, alice, STREAM_MS, 60_000)
    const bytes = sentBy(alice).bytes - before.bytes
    // What may go at once, and three seconds more of it.
    expect(bytes).toBeLessThan(4 * ENTRY_BYTES_PER_SECOND + 20_000)
    expect(bytes).toBeGreaterThan(3 * ENTRY_BYTES_PER_SECOND)
    for (const [index, other] of others.entries())
      expect(other.told.length - (told[index] ?? 0)).toBeGreaterThan(members.length === 3 ? 26 : 13)
    await room.until('the last value', () => others.every((other) => v(other, 'alice') === last), 1_000)
  }
})

it('[L27] where some have data channels, those whom a server serves get large entries at once all the same', async () => {
  const room = createRoom()
  const members = [await room.join('alice')]
  for (const id of ['bob', 'carol']) members.push(await room.join(id))
  for (let index = 0; index < 8; index++) members.push(await room.join(`served ${index}`, {}, { webrtc: false }))
  await room.allSeeAll()
  await room.advance(5_000)
  const [alice] = members as [VirtualMember]
  // Keys are acknowledged.
  await stream(room, alice, 500, 10)
  await room.advance(1_000)
  const told = members.map((member) => member.told.length)
  await stream(room, alice, 5_000, 15_000)
  // 512 KiB a second and as much at once are 35 and 35 entries of 15 kB.
  for (const [index, member] of members.entries())
    if (member.id.startsWith('served')) expect(member.told.length - (told[index] ?? 0)).toBeGreaterThan(150)
})

it('[L27] small entries to many, each by its own link, keep to the frames that a server takes', async () => {
  const room = createRoom()
  const members: VirtualMember[] = []
  for (let index = 0; index < 6; index++) members.push(await room.join(`served ${index}`, {}, { webrtc: false }))
  for (let index = 0; index < 8; index++) members.push(await room.join(`direct ${index}`))
  await room.allSeeAll(20_000)
  await room.advance(5_000)
  const alice = members[6]
  if (alice === undefined) throw new Error('fourteen joined')
  const before = sentBy(alice)
  const last = await stream(room, alice, 2 * STREAM_MS, 10)
  const { messages } = sentBy(alice)
  expect(messages - before.messages).toBeLessThan(500 + 6 * ENTRY_FRAMES_PER_SECOND + 50)
  expect(messages - before.messages).toBeGreaterThan(500 + 5 * ENTRY_FRAMES_PER_SECOND)
  await room.until('the last value', () => members.slice(0, 6).every((each) => v(each, alice.id) === last), 1_000)
})

it('[L27] who leaves while its last value still waits says that first', async () => {
  const { room, members } = await roomWithTwoOnTheRelay(LARGE)
  const [alice, , carol, dave] = members as [VirtualMember, VirtualMember, VirtualMember, VirtualMember]
  const last = await stream(room, alice, 1_500, 60_000)
  await room.leave(alice)
  for (const other of [carol, dave]) {
    await room.until('the leave', () => other.toldOf('alice').includes('leave'), 1_000)
    expect(other.told.findLast(([event, who]) => event === 'leave' && who === 'alice')?.[2]).toMatchObject({ v: last })
  }
})

it('[L27] a real server cuts nobody off for it', async () => {
  const server = await startServer()
  const join = async (id: string) => {
    const realtime = createRealtime(
      { participant: { id }, servers: [server.url], webrtc: false, ...LARGE },
      {
        page: undefined,
        createTravel: (needs) =>
          createLinksTravel({ ...needs, ways: { tabs: false, relay: true }, crypto: createSystemCrypto() }),
      },
    )
    onTestFinished(() => realtime.destroy())
    return await realtime.connect('paced')
  }
  const [alice, bob] = [await join('alice'), await join('bob')]
  const dataOfAlice = () => bob.participant.getAll().find(({ id }) => id === 'alice')?.data
  await until('them to meet', () => dataOfAlice() !== undefined)
  const seen: number[] = []
  bob.participant.subscribe('presence.update', ({ data }) => void seen.push(data.v))
  let n = 0
  await until('more than the server takes', () => {
    alice.participant.update({ v: ++n, x: String(n % 10).repeat(60_000) })
    return n * 60_000 > 4 * 1_048_576 && seen.length >= 12
  })
  await until('the last value', () => seen.at(-1) === n)
  expect(seen).toEqual([...seen].sort((one, other) => one - other))
  expect(seen.length).toBeLessThan(n)
  expect(server.stats().counts).not.toHaveProperty('closed-flood')
})
