/** An hour in which members come and go all the time, on virtual time: what those who stay have afterwards. */
import { expect, it, onTestFinished } from 'vitest'
import { createDice, type Dice } from '../../lib/testing/dice.ts'
import type { MemberOptions } from '../../lib/testing/world.ts'
import { collect, growth, watchCollections } from '../kit/memory.ts'
import { createRoom, OTHER_SERVER, ROOM, SERVER, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

const MINUTE_MS = 60_000
/** A visitor comes so often. */
const EVERY_MS = 15_000
/** A crashed tab, of which nobody tells, is looked for so long: a minute until its link is forgotten, and 8 tries. */
const FORGOTTEN_MS = 5 * MINUTE_MS
/** In all that the residents keep: kinds of frames that are counted, the last departures; over two hundred visitors were there. */
const MAX_MORE_ENTRIES = 100
/** Of the whole network: for each visitor its machine and the public keys of its hellos, which the test's cryptography keeps. */
const MAX_GROWN_BYTES = 8_000_000
const REAL_TIME_MS = 600_000

/** Dave and the tabs are on both servers; alice and bob reach each other through them alone, and through visitors. */
const RESIDENTS: readonly (readonly [string, readonly string[], MemberOptions])[] = [
  ['dave', [SERVER, OTHER_SERVER], {}],
  ['alice', [SERVER], { webrtc: false }],
  ['bob', [OTHER_SERVER], { webrtc: false }],
  ['carol', [SERVER, OTHER_SERVER], { browser: 'home' }],
  ['erin', [SERVER, OTHER_SERVER], { browser: 'home' }],
]

async function settle(): Promise<VirtualRoom> {
  const room = createRoom(1)
  for (const [id, servers, options] of RESIDENTS) await room.join(id, { servers: [...servers] }, options)
  await room.advance(20_000)
  return room
}

/** What each resident has of everything that a process may run out of. */
const possessions = ({ members }: VirtualRoom) =>
  members.map(({ id, ids, channel, resident }) => ({
    id,
    members: ids(),
    timers: resident.host.timerCount(),
    open: resident.openCount(),
    awareness: channel.awareness.meta.size,
    // Of those of one kind it is the order of meeting that counts, which is another each time.
    ways: channel.inspect().members.map(({ link }) => link?.carriers.map((carrier) => carrier.id).sort()),
  }))

/** A visitor comes, says something, and goes in one of the ways that there are. */
async function visit(room: VirtualRoom, dice: Dice, number: number): Promise<void> {
  const servers = dice.pick([[SERVER], [OTHER_SERVER], [SERVER, OTHER_SERVER]])
  const browser = dice.chance(0.25) ? 'home' : undefined
  const visitor = await room.join(`visitor ${number}`, { servers }, { webrtc: dice.chance(0.6), browser })
  room.members.pop()
  const { realtime, host } = visitor.resident
  const { scheduler } = room.world
  const end = dice.pick(['kill', 'destroy', 'leave', 'return'])
  say(visitor, number)
  say(dice.pick(room.members), number)
  scheduler.after(dice.between(300, EVERY_MS), () => {
    if (end === 'kill') return host.kill()
    if (end !== 'return') return void (end === 'leave' ? visitor.channel.disconnect() : realtime.destroy())
    const back = visitor.channel.disconnect().then(() => realtime.connect(ROOM))
    scheduler.after(EVERY_MS, () => void back.then((channel) => channel.disconnect()))
  })
}

function say({ channel, update }: VirtualMember, number: number): void {
  update({ number })
  channel.publish('visit', { number })
}

it(
  '[L60] after an hour of churn the residents have the timers, sockets, channels and ways of a fresh room, on a flat heap',
  async () => {
    const fresh = possessions(await settle())
    const collections = watchCollections()
    onTestFinished(collections.restore)
    const room = await settle()
    const dice = createDice(1)
    const entries: number[] = []
    const heaps: number[] = []
    let number = 0
    for (const minutes of [5, 25, 30]) {
      for (let left = (minutes * MINUTE_MS) / EVERY_MS; left > 0; left--) {
        await visit(room, dice, ++number)
        await room.advance(EVERY_MS)
      }
      await room.advance(FORGOTTEN_MS)
      expect(possessions(room)).toEqual(fresh)
      for (const member of room.members) {
        const { told } = member
        // Visitors leave as often as they join, and nobody else does.
        for (const [, who] of told)
          if (fresh.some(({ id }) => id === who)) expect(member.toldOf(who)).not.toContain('leave')
        told.length = 0
      }
      collect()
      entries.push(collections.count())
      heaps.push(collect())
    }
    expect(growth(entries)).toBeLessThan(MAX_MORE_ENTRIES)
    expect(growth(heaps)).toBeLessThan(MAX_GROWN_BYTES)
  },
  REAL_TIME_MS,
)
