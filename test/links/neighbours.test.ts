/** Ways through a neighbour, of links that a test plays itself. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import type { Link } from '../../lib/links/link.ts'
import { createNeighbours } from '../../lib/links/neighbours.ts'
import { encodePeers } from '../../lib/wire/link-frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { createRoom, v } from './virtual-kit.ts'

const [OWN, BOB, CAROL] = ['a', 'b', 'c'].map((letter) => letter.repeat(22) as ConnectionId) as [
  ConnectionId,
  ConnectionId,
  ConnectionId,
]

/** A link in reach whose best carrier is the last one it was given. */
function playedLink(peer: ConnectionId) {
  const carriers: Carrier[] = []
  const sent: Uint8Array[] = []
  const link = {
    peer,
    isReachable: () => true,
    hasKeys: () => true,
    carriers: () => carriers,
    best: () => carriers.at(-1),
    addCarrier: (carrier: Carrier) => void carriers.push(carrier),
    send: (frame: Uint8Array) => void sent.push(frame),
  } as unknown as Link
  return { link, sent }
}

const rejects = createRejectCounter()
const clock = createVirtualClock()

/** A way that takes all, and in which so much waits. */
const wayOf = (kind: 'direct' | 'relay', backlogBytes = (): number => 0): Carrier => ({
  ...{ id: kind, kind, isPrivate: false, send: () => undefined, close: () => undefined },
  backlogBytes,
})

function neighboursOf(...links: Link[]) {
  const find = (peer: ConnectionId) => links.find((link) => link.peer === peer)
  return createNeighbours({
    clock,
    random: systemRandom,
    own: OWN,
    rejects,
    links: () => links,
    find,
    findOrMake: find,
  })
}

it('[L4] of two who are reached through each other alone neither is asked for room, nor handed anything', () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  const neighbours = neighboursOf(bob.link, carol.link)
  neighbours.hearOf(bob.link, CAROL)
  neighbours.hearOf(carol.link, BOB)
  for (const { link } of [bob, carol]) {
    expect(link.best()?.kind).toBe('via')
    expect(link.best()?.admit?.(100, true)).toBe(true)
    link.best()?.send(Uint8Array.of(1))
  }
  expect([bob.sent, carol.sent]).toEqual([[], []])
})

it('[L1] whoever was met through somebody else is introduced once we reach it by ourselves, and anew after that was lost', () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  const neighbours = neighboursOf(bob.link, carol.link)
  const introduceAll = () => [bob, carol].forEach(({ link }) => void neighbours.introduce(link))
  carol.link.addCarrier(wayOf('direct'))
  bob.link.addCarrier({ ...wayOf('relay'), id: 'via:dave', kind: 'via' })
  introduceAll()
  expect([bob.sent, carol.sent]).toEqual([[], []])
  const words = [[encodePeers([CAROL])], [encodePeers([BOB])]] as const
  for (const times of [1, 2]) {
    bob.link.addCarrier(wayOf('relay'))
    introduceAll()
    introduceAll()
    expect([bob.sent, carol.sent]).toEqual(words.map((word) => Array(times).fill(word[0])))
    bob.link.addCarrier({ ...wayOf('relay'), id: 'via:dave', kind: 'via' })
    introduceAll()
  }
})

it('[L27] a way through a neighbour has room where the way to that neighbour has', () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  let room = 150
  bob.link.addCarrier({
    ...{ id: 'relay:0', kind: 'relay', isPrivate: false },
    send: () => undefined,
    admit(byteCount) {
      room -= byteCount
      return room >= 0
    },
    backlogBytes: () => 0,
    close: () => undefined,
  })
  neighboursOf(bob.link, carol.link).hearOf(bob.link, CAROL)
  expect([carol.link.best()?.admit?.(100, true), carol.link.best()?.admit?.(100, true)]).toEqual([true, false])
})

it('[L56] of a neighbour we pass on 300 frames at once and 100 a second, drop and count the rest, and tell it of whom', async () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  for (const { link } of [bob, carol]) link.addCarrier(wayOf('direct'))
  const neighbours = neighboursOf(bob.link, carol.link)
  const flood = () => {
    for (let frames = 0; frames < 1_000; frames++) neighbours.passOn(bob.link, CAROL, new Uint8Array(100))
  }
  const before = rejects.totals()['too-often'] ?? 0
  flood()
  expect(carol.sent).toHaveLength(300)
  await clock.advance(1_000)
  flood()
  expect(carol.sent).toHaveLength(400)
  expect(rejects.totals()['too-often']).toBe(before + 1_600)
  neighbours.tellDropped(bob.link)
  neighbours.tellDropped(bob.link)
  expect(bob.sent).toEqual([encodePeers([CAROL])])
  // Nobody pays for another.
  neighbours.passOn(carol.link, BOB, new Uint8Array(100))
  expect(bob.sent).toHaveLength(2)
})

it('[L56] of a neighbour we pass on 384 KiB at once and 128 KiB a second, and what the far end has room for', async () => {
  let backlogBytes = 0
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  bob.link.addCarrier(wayOf('direct'))
  carol.link.addCarrier(wayOf('direct', () => backlogBytes))
  const neighbours = neighboursOf(bob.link, carol.link)
  const passed = () => {
    const before = carol.sent.length
    for (let frames = 0; frames < 100; frames++) neighbours.passOn(bob.link, CAROL, new Uint8Array(16_384 - 26))
    return carol.sent.length - before
  }
  expect(passed()).toBe(24)
  await clock.advance(1_000)
  expect(passed()).toBe(8)
  await clock.advance(10_000)
  backlogBytes = 1_048_576 - 16_382
  expect(passed()).toBe(0)
})

it('[L56] whoever sends by a neighbour keeps to three quarters, and says anew what that neighbour dropped', () => {
  let backlogBytes = 100_000
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  bob.link.addCarrier(wayOf('direct', () => backlogBytes))
  const neighbours = neighboursOf(bob.link, carol.link)
  neighbours.hearOf(bob.link, CAROL)
  const way = carol.link.best()
  let admitted = 0
  while (way?.admit?.(100, true) === true) admitted++
  expect(admitted).toBe(225)
  expect([way?.backlogBytes(), way?.hasLost?.()]).toEqual([100_000, false])
  neighbours.hearOf(bob.link, CAROL)
  expect(way?.hasLost?.()).toBe(false)
  backlogBytes = 65_536
  expect([way?.hasLost?.(), way?.hasLost?.()]).toEqual([true, false])
})

it('[L63] whose hello went by a neighbour do not need it where both are on one server: it may stand still right then', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const room = createRoom(seed)
    const carol = await room.join('carol', {}, { browser: 'home', webrtc: false })
    const alice = await room.join('alice', {}, { webrtc: false })
    await room.allSeeAll()
    const bob = await room.join('bob', {}, { browser: 'home', webrtc: false })
    await room.until('alice and bob to meet', () => alice.ids().includes('bob') && bob.ids().includes('alice'))
    carol.resident.host.freeze()
    bob.update({ v: seed })
    await room.until('the value', () => v(alice, 'bob') === seed, 1_000)
  }
})

it('[L56] what was passed on to a far end whose way failed is said anew by its sender, and what went through it by us', () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  for (const { link } of [bob, carol]) link.addCarrier(wayOf('direct'))
  const neighbours = neighboursOf(bob.link, carol.link)
  neighbours.makeUpFor(carol.link)
  neighbours.tellDropped(bob.link)
  expect(bob.sent).toEqual([])
  neighbours.passOn(bob.link, CAROL, new Uint8Array(100))
  for (let times = 0; times < 2; times++) {
    neighbours.makeUpFor(carol.link)
    neighbours.tellDropped(bob.link)
  }
  expect(bob.sent).toEqual([encodePeers([CAROL])])
  neighbours.hearOf(bob.link, CAROL)
  const way = carol.link.best()
  expect([way?.kind, way?.hasLost?.()]).toEqual(['via', false])
  neighbours.makeUpFor(bob.link)
  expect([way?.hasLost?.(), way?.hasLost?.()]).toEqual([true, false])
})
