/** Members gone bad that come and go without end: what those who stay have of them afterwards (T13), on virtual time. */
import { expect, it, onTestFinished } from 'vitest'
import { topicOf } from '../../lib/identity/topic.ts'
import { createDice, type Dice } from '../../lib/testing/dice.ts'
import { GOODBYE_FRAME } from '../../lib/wire/link-frame.ts'
import { collect, growth, watchCollections } from '../kit/memory.ts'
import { createMallory, type Mallory } from '../simulation/mallory.ts'
import { entryOf } from './mallory.ts'
import { createRoom, ROOM, SERVER, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

/** Comings and goings of one spell; there are three. */
const ROUNDS = 60
/** Longer than a link without a far end is kept, and a departure remembered. */
const FORGOTTEN_MS = 150_000
/** What each entry carries: were one of each coming kept, two spells would weigh more than the heap may grow. */
const DATA = 'x'.repeat(16_000)
/** In all that the residents keep: kinds of frames and refusals that are counted. */
const MAX_MORE_ENTRIES = 50
const MAX_GROWN_BYTES = 1_500_000
/** It says its entry anew so often: the first one under old keys is lost. */
const SAY_MS = 200
const MOST_MS = 20_000

/** What a member has of everything that a process may run out of. */
const possessions = ({ members, world }: VirtualRoom) =>
  members.map(({ id, ids, channel, resident }) => ({
    ...{ id, members: ids(), shown: channel.inspect().members.length },
    timers: resident.host.timerCount(),
    open: resident.openCount(),
    states: channel.awareness.getStates().size,
    meta: channel.awareness.meta.size,
    servers: world.servers().length,
    ways: channel.inspect().members.map(({ link }) => link?.carriers.map((carrier) => carrier.id).sort()),
  }))

async function residents(): Promise<{ room: VirtualRoom; alice: VirtualMember }> {
  const room = createRoom(13)
  const alice = await room.join('alice')
  await room.join('bob', {}, { webrtc: false })
  await room.advance(20_000)
  return { room, alice }
}

const keysOf = ({ world }: VirtualRoom) => ({
  topic: topicOf({ crypto: world.crypto, app: '', channel: ROOM }),
  secretKey: undefined,
})

/** Comes under a client id and a clock that it likes, and is gone again in one of the ways that leave something behind. */
async function comeAndGo(room: VirtualRoom, mallory: Mallory, dice: Dice): Promise<void> {
  const { connectionId } = mallory
  const data = `${DATA}${dice.below(2 ** 40)}`
  const claim = { connectionId, data, clientId: dice.below(2 ** 48), clock: 1 + dice.below(2 ** 40) }
  const field = { joinedAt: dice.below(2 ** 40), id: `mallory ${claim.clientId}` }
  const isShown = () => room.members.every(({ ids }) => ids().includes(field.id))
  for (let ms = 0; ms < MOST_MS && !isShown(); ms += SAY_MS) {
    for (const member of room.members) mallory.say(member.connectionId, entryOf({ ...claim, field }))
    await room.advance(SAY_MS)
  }
  expect(isShown()).toBe(true)
  const end = dice.pick(['goodbye', 'goodbye', 'other', 'bare'])
  // Another client id is another membership: the former one ends by it.
  if (end === 'other')
    for (const member of room.members)
      mallory.say(member.connectionId, entryOf({ ...claim, clientId: claim.clientId + 1, field }))
  if (end === 'bare') for (const member of room.members) mallory.sayRaw(member.connectionId, dice.bytes(60))
  for (const member of room.members) mallory.say(member.connectionId, GOODBYE_FRAME)
  await room.until('mallory to be gone', () => room.members.every(({ ids }) => ids().length === 2), MOST_MS)
}

it('[T13] one that comes and goes without end, under ever new client ids, leaves no entry, timer, link or heap behind', async () => {
  const fresh = possessions((await residents()).room)
  const collections = watchCollections()
  onTestFinished(collections.restore)
  const { room } = await residents()
  const mallory = createMallory(room.world, SERVER, keysOf(room))
  const dice = createDice(13)
  const [entries, heaps]: [number[], number[]] = [[], []]
  for (let spell = 0; spell < 3; spell++) {
    for (let round = 0; round < ROUNDS; round++) {
      await comeAndGo(room, mallory, dice)
      for (const member of room.members) member.told.length = member.records.length = 0
    }
    await room.advance(FORGOTTEN_MS)
    expect(possessions(room).map(withoutStranger)).toEqual(fresh.map(withoutStranger))
    collect()
    entries.push(collections.count())
    heaps.push(collect())
  }
  expect(growth(entries)).toBeLessThan(MAX_MORE_ENTRIES)
  expect(growth(heaps)).toBeLessThan(MAX_GROWN_BYTES)
  mallory.stop()
  await room.advance(FORGOTTEN_MS)
  expect(possessions(room)).toEqual(fresh)
}, 600_000)

/** While it is on the topic it is tried again, a link that proves nothing now and then. */
const withoutStranger = ({ timers: _, ...rest }: ReturnType<typeof possessions>[number]) => rest
