/** A member or a server gone bad fills up what is bounded, or signals what breaks clients: threats T18 and T19. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { encodeHelloEnvelope } from '../../lib/wire/envelope.ts'
import { encodeLease, encodePeers, encodeSignal, type SignalKind } from '../../lib/wire/link-frame.ts'
import { until } from '../kit/until.ts'
import { attackedRoom, join, ROOM, startWorld, type Victim } from './attack-kit.ts'
import { startEvilServer } from './evil-server.ts'
import { crypto, entryOf, identityThat, openTopic, startMallory } from './mallory.ts'

const madeUpId = (): ConnectionId =>
  Buffer.from(crypto.randomBytes(17)).toString('base64url').slice(0, 22) as ConnectionId

const value = (observer: Victim, who: string) => (observer.dataOf(who) as { v?: number } | undefined)?.v

async function expectTalking(alice: Victim, bob: Victim, v: number): Promise<void> {
  bob.channel.participant.update({ v })
  alice.channel.participant.update({ v })
  await until('both to hear each other', () => value(alice, 'bob') === v && value(bob, 'alice') === v, {
    seen: () => [alice.channel.inspect(), alice.told, bob.told],
  })
  expect(alice.toldOf('bob').filter((event) => event !== 'update')).toEqual(['joined-room'])
}

it('[T18] neighbours that a member makes up take nobody’s place', async () => {
  const { world, alice, bob, mallory } = await attackedRoom()
  for (let round = 0; round < 20; round++) {
    await mallory.say(alice.connectionId, encodePeers(Array.from({ length: 120 }, madeUpId)))
  }
  await mallory.isHandled(alice.connectionId)
  const carol = await join(world, 'carol')
  await alice.sees('alice', 'bob', 'carol')
  await carol.sees('alice', 'bob', 'carol')
  await expectTalking(alice, bob, 1)
})

it('[T18] members that a server makes up, half of them with half a hello, take nobody’s place', async () => {
  const world = await startWorld()
  const evil = await startEvilServer(world.server)
  const topic = openTopic(ROOM)
  const options = { servers: [evil.url] }
  const [alice, bob] = [await join(world, 'alice', options), await join(world, 'bob', options)]
  await alice.sees('alice', 'bob')
  for (let count = 0; count < 400; count++) {
    const connectionId = madeUpId()
    evil.say(alice.connectionId, { kind: 'joined', topic, connectionId })
    const hello = encodeHelloEnvelope(crypto.randomBytes(120))
    if (count % 2 === 0) evil.inject({ topic, from: connectionId, to: alice.connectionId, payload: hello })
  }
  const carol = await join(world, 'carol', options)
  await alice.sees('alice', 'bob', 'carol')
  await carol.sees('alice', 'bob', 'carol')
  await expectTalking(alice, bob, 1)
})

it('[T18] twenty who prove themselves and then say nothing leave the others their links', async () => {
  const { world, alice, bob } = await attackedRoom()
  const crowd = await Promise.all(
    Array.from({ length: 20 }, () => startMallory({ server: world.server, topic: openTopic(ROOM) })),
  )
  await Promise.all(crowd.map((mallory) => mallory.meet(alice.connectionId)))
  const carol = await join(world, 'carol')
  await alice.sees('alice', 'bob', 'carol')
  await carol.sees('alice', 'bob', 'carol')
  await expectTalking(alice, bob, 1)
})

it('[T18] a lease keeps a member no longer than it may', async () => {
  const { alice, bob, mallory } = await attackedRoom()
  const { connectionId } = mallory.identity
  await mallory.say(alice.connectionId, entryOf({ clientId: 4_242, connectionId }))
  await alice.sees('alice', 'bob', 'mallory')
  // A hello that was answered late was said twice, and its copy is counted already.
  const before = alice.rejects()
  await mallory.say(alice.connectionId, encodeLease(2 ** 40))
  await mallory.isHandled(alice.connectionId)
  expect(alice.rejects()).toEqual({ ...before, malformed: (before.malformed ?? 0) + 1 })
  await expectTalking(alice, bob, 1)
})

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'
const HOSTILE: readonly (readonly [SignalKind, string])[] = [
  ['description', ''],
  ['description', 'null'],
  ['description', '[]'],
  ['description', '{"type":"offer"}'],
  ['description', '{"type":"offer","sdp":1}'],
  ['description', '{"type":"answer","sdp":"v=0"}'],
  ['description', '{"type":"rollback"}'],
  ['description', '{"type":"pranswer","sdp":""}'],
  ['description', JSON.stringify({ type: 'offer', sdp: SDP })],
  ['description', JSON.stringify({ type: 'answer', sdp: SDP })],
  ['description', JSON.stringify({ type: 'offer', sdp: `${SDP}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n` })],
  ['description', JSON.stringify({ type: 'offer', sdp: 'a='.repeat(8_000) })],
  ['description', '{"__proto__":{"type":"offer"},"sdp":{"toString":1}}'],
  ['candidates', ''],
  ['candidates', '{}'],
  ['candidates', '1'],
  ['candidates', '[1,"",null,[],{}]'],
  ['candidates', '[{"candidate":"candidate:1 1 udp 1 999.999.999.999 99999 typ host","sdpMid":"0"}]'],
  ['candidates', '[{"candidate":{},"sdpMLineIndex":-1}]'],
  ['candidates', `[{"candidate":"${'x'.repeat(900)}"}]`],
  ['candidates', `[${'{},'.repeat(5_000)}{}]`],
  ['restart', ''],
  ['restart', 'what?'],
  ['full', ''],
  ['vacant', ''],
  ['full', '{}'],
  ['vacant', '{}'],
]

it.each([
  ['who offers', true],
  ['who is offered to', false],
] as const)(
  '[T19] signals of any kind, of one %s, end at most the data channel of their sender',
  async (_who, offers) => {
    const world = await startWorld({ hasWebRtc: true })
    const [alice, bob] = [await join(world, 'alice'), await join(world, 'bob')]
    await alice.sees('alice', 'bob')
    const pathsTo = (other: Victim) =>
      alice.channel.inspect().members.find(({ connectionId }) => connectionId === other.connectionId)?.paths ?? []
    await until('a data channel', () => pathsTo(bob).includes('direct'), {
      timeoutMs: 10_000,
      seen: () => pathsTo(bob),
    })
    const identity = identityThat(offers, alice.connectionId)
    const mallory = await startMallory({ server: world.server, topic: openTopic(ROOM), identity })
    await mallory.meet(alice.connectionId)
    for (let round = 0; round < 2; round++)
      for (const [kind, json] of HOSTILE) await mallory.say(alice.connectionId, encodeSignal(kind, json))
    for (let count = 0; count < 200; count++)
      await mallory.say(
        alice.connectionId,
        encodeSignal('candidates', '[{"candidate":"candidate:1 1 udp 1 10.0.0.1 1 typ host","sdpMid":"0"}]'),
      )
    await mallory.isHandled(alice.connectionId)
    await mallory.say(alice.connectionId, entryOf({ clientId: 4_242, connectionId: identity.connectionId }))
    await alice.sees('alice', 'bob', 'mallory')
    await expectTalking(alice, bob, 1)
    expect(pathsTo(bob)).toContain('direct')
  },
)
