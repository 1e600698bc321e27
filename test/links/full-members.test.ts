/** Members who have no place for all: who gets a data channel, and what they say of it. Links that a test plays, on virtual time. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createDataChannels, type DataChannels } from '../../lib/links/data-channels.ts'
import type { Link } from '../../lib/links/link.ts'
import { createHost } from '../../lib/testing/host.ts'
import { createPeerConnections } from '../../lib/testing/virtual-peer-connection.ts'
import { createWorld } from '../../lib/testing/world.ts'
import { decodeLinkFrame } from '../../lib/wire/link-frame.ts'

const MAX_DIRECT = 3
/** Of a signal from end to end, ms. */
const SIGNAL_MS = 50

interface Member {
  readonly id: ConnectionId
  readonly dataChannels: DataChannels
  readonly links: Map<Member, Link>
}

function createCrowd(seed: number) {
  const { scheduler, wires, dice, peers, createMachine, startUnixMs } = createWorld({ seed })
  const members: Member[] = []
  const crowd = {
    members,
    /** Kinds of the signals that were sent. */
    said: [] as string[],
    isLost: (_kind: string): boolean => false,
    /** Data channels of one member. */
    countOf: (member: Member): number => [...member.links.values()].filter((link) => link.carriers().length > 0).length,
    advance: (ms: number) => scheduler.advance(ms),
    /** Those who could have a channel to each other, and have none. */
    missing: (): string[] =>
      members.flatMap((member, place) =>
        members
          .slice(place + 1)
          .filter((other) => crowd.countOf(member) < MAX_DIRECT && crowd.countOf(other) < MAX_DIRECT)
          .filter((other) => member.links.get(other)?.carriers().length === 0)
          .map((other) => `${member.id} ${other.id}`),
      ),
    join(name: string, { hasWebRtc = true } = {}): Member {
      const host = createHost({ scheduler, dice: dice.fork(), machine: createMachine(name), startUnixMs })
      const { PeerConnectionClass } = createPeerConnections({ host, wires, scheduler, registry: peers })
      const dataChannels = createDataChannels({
        clock: host.clock,
        own: name.padEnd(22, '-') as ConnectionId,
        createPeerConnection: hasWebRtc ? () => new PeerConnectionClass() : undefined,
        iceServers: [],
        maxDirect: MAX_DIRECT,
        onEnd: (link) => link.removeCarrier('direct', 'lost'),
      })
      const member: Member = { id: name.padEnd(22, '-') as ConnectionId, dataChannels, links: new Map() }
      for (const other of members) {
        member.links.set(other, playLink(member, other))
        other.links.set(member, playLink(other, member))
      }
      for (const other of members)
        for (const [one, far] of [[member, other] as const, [other, member] as const]) renew(one, far)
      members.push(member)
      return member
    },
    leave(member: Member): void {
      members.splice(members.indexOf(member), 1)
      for (const link of member.links.values()) member.dataChannels.end(link)
      for (const other of members) {
        const link = other.links.get(member)
        if (link !== undefined) other.dataChannels.end(link)
        other.links.delete(member)
      }
      member.links.clear()
    },
  }

  function renew(member: Member, other: Member): void {
    const link = member.links.get(other)
    if (link !== undefined) member.dataChannels.renew(link)
  }

  function playLink(member: Member, other: Member): Link {
    let carriers: Carrier[] = []
    return {
      peer: other.id,
      isReachable: () => true,
      carriers: () => carriers,
      addCarrier: (carrier: Carrier) => void carriers.push(carrier),
      removeCarrier: () => {
        carriers = []
      },
      receive: () => undefined,
      sendSignal(bytes: Uint8Array) {
        const frame = decodeLinkFrame(bytes)
        if (!frame.ok || frame.value.kind !== 'signal') return expect.unreachable('no signal')
        const { json, signal } = frame.value
        crowd.said.push(signal)
        if (crowd.isLost(signal)) return
        scheduler.after(SIGNAL_MS, () => {
          const link = other.links.get(member)
          if (link !== undefined) other.dataChannels.receiveSignal(link, signal, json)
        })
      },
    } as unknown as Link
  }
  return crowd
}

const NAMES = ['d', 'h', 'a', 'f', 'c', 'g', 'b', 'e']

it('[L49] full members offer each other nothing, and who both have a place have a data channel', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const crowd = createCrowd(seed)
    for (const name of NAMES) {
      crowd.join(name)
      await crowd.advance(seed * 500)
      for (const member of crowd.members) expect(crowd.countOf(member)).toBeLessThanOrEqual(MAX_DIRECT)
    }
    await crowd.advance(8_000)
    expect(crowd.missing()).toEqual([])
    crowd.said.length = 0
    await crowd.advance(45_000)
    expect(crowd.said).toEqual([])
  }
})

it('[L49] a place that becomes free is for those who were refused, at once', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const crowd = createCrowd(seed)
    for (const name of NAMES) crowd.join(name)
    await crowd.advance(10_000)
    while (crowd.members.length > 1) {
      const [first] = crowd.members
      if (first !== undefined) crowd.leave(first)
      await crowd.advance(8_000)
      expect(crowd.missing()).toEqual([])
    }
  }
})

it('[L49] who is refused has its place for another at once', async () => {
  const crowd = createCrowd(1)
  for (const name of ['a', 'b', 'c', 'd']) crowd.join(name)
  await crowd.advance(5_000)
  // All four are full. Each of three newcomers has places for the other two, and not for those who never answer.
  for (const name of ['aa', 'ca', 'e']) crowd.join(name)
  await crowd.advance(2_000)
  expect(crowd.missing()).toEqual([])
  expect(crowd.members.slice(4).map(crowd.countOf)).toEqual([2, 2, 2])
})

it('[L49] where the word that there is a place is lost it is tried after 60 s, and then ever more rarely', async () => {
  const crowd = createCrowd(1)
  crowd.isLost = (kind) => kind === 'vacant'
  const [a] = ['b', 'c', 'd', 'e'].map((name) => crowd.join(name))
  await crowd.advance(5_000)
  // It is the one who offers: the others have no place, and forget to say when they have.
  const newcomer = crowd.join('a')
  await crowd.advance(5_000)
  expect(crowd.countOf(newcomer)).toBe(0)
  crowd.said.length = 0
  await crowd.advance(500_000)
  expect(crowd.said.filter((kind) => kind === 'description').length).toBeLessThanOrEqual(4 * 4)
  if (a !== undefined) crowd.leave(a)
  await crowd.advance(490_000)
  expect(crowd.missing()).toEqual([])
  expect(crowd.countOf(newcomer)).toBe(3)
})

it('[L49] who has no WebRTC at all is not offered to again and again', async () => {
  const crowd = createCrowd(1)
  crowd.join('b', { hasWebRtc: false })
  crowd.join('a')
  await crowd.advance(55_000)
  expect(crowd.said).toEqual(['description', 'full'])
})
