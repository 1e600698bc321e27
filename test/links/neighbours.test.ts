/** Ways through a neighbour, of links that a test plays itself. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import type { Link } from '../../lib/links/link.ts'
import { createNeighbours } from '../../lib/links/neighbours.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

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

function neighboursOf(...links: Link[]) {
  const find = (peer: ConnectionId) => links.find((link) => link.peer === peer)
  return createNeighbours({
    clock: createVirtualClock(),
    random: systemRandom,
    own: OWN,
    links: () => links,
    find,
    findOrMake: find,
  })
}

it('[L4] of two who are reached through each other alone neither is asked for room, nor handed anything', () => {
  const [bob, carol] = [playedLink(BOB), playedLink(CAROL)]
  const neighbours = neighboursOf(bob.link, carol.link)
  neighbours.meetThrough(bob.link, CAROL)
  neighbours.meetThrough(carol.link, BOB)
  for (const { link } of [bob, carol]) {
    expect(link.best()?.kind).toBe('via')
    expect(link.best()?.admit?.(100)).toBe(true)
    link.best()?.send(Uint8Array.of(1))
  }
  expect([bob.sent, carol.sent]).toEqual([[], []])
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
  neighboursOf(bob.link, carol.link).meetThrough(bob.link, CAROL)
  expect([carol.link.best()?.admit?.(100), carol.link.best()?.admit?.(100)]).toEqual([true, false])
})
