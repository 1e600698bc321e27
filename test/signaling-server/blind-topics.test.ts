/** Topics of the blind protocol: who hears what, and what a socket's end and return tell. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { decodeServerFrame } from '../../lib/wire/relay-frame.ts'
import { createBlindTopics } from '../../signaling-server/blind-topics.ts'
import { createCounts } from '../../signaling-server/counts.ts'
import type { GuardedSocket } from '../../signaling-server/guarded-socket.ts'
import { resolveLimits } from '../../signaling-server/limits.ts'
import { until } from '../kit/until.ts'
import { bytesOf, HOST, identityOf, onTopic, openBlind, randomTopic, statementOf, welcomed } from './blind-kit.ts'
import { connect, startServer } from './kit.ts'

const [ALICE, BOB, CAROL] = [identityOf('alice'), identityOf('bob'), identityOf('carol')]

it('[G4] who joins is told of the others in the order in which they came, and they of it', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  const carol = await onTopic(server, CAROL, topic)
  await bob.hears('joined carol')
  await alice.hears('joined carol')
  expect(alice.words()).toEqual(['members ', 'joined bob', 'joined carol'])
  expect(bob.words()).toEqual(['members alice', 'joined carol'])
  expect(carol.words()).toEqual(['members alice,bob'])
  expect(server.stats().topics).toBe(1)
})

it('[G4] a join of a topic that one is on is not answered', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  for (let index = 0; index < 5; index++) bob.say({ kind: 'join', topic })
  await bob.isHandled()
  await alice.isHandled()
  expect(bob.words()).toEqual(['members alice'])
  expect(alice.words()).toEqual(['members ', 'joined bob'])
  expect(server.stats().counts['dropped-repeated-join']).toBe(5)
})

it('[G4] the members of a topic too large for one list are told in several', () => {
  const topics = createBlindTopics({ limits: resolveLimits({ maxSocketsPerTopic: 1_100 }), counts: createCounts() })
  const topic = randomTopic()
  const lists: number[] = []
  const seen = new Set<ConnectionId>()
  const socket = (send: GuardedSocket['send']) => ({ send }) as GuardedSocket
  for (let index = 0; index < 1_030; index++) {
    const connectionId = String(index).padEnd(22, '_') as ConnectionId
    topics.join(
      topics.admit(
        connectionId,
        socket(() => undefined),
      ),
      topic,
    )
  }
  const listen = (bytes: Uint8Array) => {
    const frame = decodeServerFrame(bytes)
    if (!frame.ok || frame.value.kind !== 'members') throw new Error('no list')
    lists.push(frame.value.members.length)
    for (const connectionId of frame.value.members) seen.add(connectionId)
  }
  topics.join(topics.admit(ALICE.connectionId, socket(listen)), topic)
  expect(lists).toEqual([1_024, 6])
  expect(seen.size).toBe(1_030)
})

it('[G5] who is cut off over the answer to its join has come and gone to the others', () => {
  const topics = createBlindTopics({ limits: resolveLimits({}), counts: createCounts() })
  const topic = randomTopic()
  const heard: string[] = []
  const listen = (bytes: Uint8Array) => {
    const frame = decodeServerFrame(bytes)
    if (frame.ok) heard.push(frame.value.kind)
  }
  topics.join(topics.admit(ALICE.connectionId, { send: listen } as GuardedSocket), topic)
  // One that reads nothing: what is sent to it ends it.
  const slow = topics.admit(BOB.connectionId, { send: () => topics.end(slow, 0) } as unknown as GuardedSocket)
  topics.join(slow, topic)
  expect(heard).toEqual(['members', 'joined', 'left'])
  expect(topics.size).toBe(1)
})

it('[G5] leaving a topic is told there and nowhere else', async () => {
  const server = await startServer()
  const [topic, other] = [randomTopic(), randomTopic()]
  const alice = await onTopic(server, ALICE, topic)
  const carol = await onTopic(server, CAROL, other)
  const bob = await onTopic(server, BOB, topic)
  bob.say({ kind: 'join', topic: other })
  await carol.hears('joined bob')
  bob.say({ kind: 'leave', topic })
  await alice.hears('left bob 0')
  bob.say({ kind: 'leave', topic })
  bob.say({ kind: 'cast', topic, payload: bytesOf('after the end') })
  await bob.isHandled()
  await carol.isHandled()
  expect(carol.words()).toEqual(['members ', 'joined bob'])
  expect(alice.words().slice(1)).toEqual(['joined bob', 'left bob 0'])
  expect(server.stats().counts['dropped-not-member']).toBe(2)
})

it.each(['close', 'terminate'] as const)('[G5] the end of a socket is told on all its topics: %s', async (how) => {
  const server = await startServer()
  const [topic, other] = [randomTopic(), randomTopic()]
  const alice = await onTopic(server, ALICE, topic)
  const carol = await onTopic(server, CAROL, other)
  const bob = await onTopic(server, BOB, topic)
  bob.say({ kind: 'join', topic: other })
  await carol.hears('joined bob')
  bob.ws[how]()
  await alice.hears('left bob 0')
  await carol.hears('left bob 0')
  await alice.close()
  await carol.close()
  await until('no topic to be left', () => server.stats().topics === 0)
})

it('[G5] a socket that is cut off for its silence is told with the time of it', async () => {
  const server = await startServer({ pingIntervalMs: 200, silenceTimeoutMs: 800 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  bob.ws.pause()
  const left = await until('the end', () => alice.words().find((text) => text.startsWith('left bob')))
  expect(Number(left.split(' ')[2])).toBeGreaterThanOrEqual(800)
  expect(Number(left.split(' ')[2])).toBeLessThan(4_000)
})

it('[G6] send goes to one, cast to all others, and what they carry is not touched', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  const carol = await onTopic(server, CAROL, topic)
  alice.say({ kind: 'send', topic, to: BOB.connectionId, payload: bytesOf('to bob') })
  alice.say({ kind: 'cast', topic, payload: bytesOf('to all') })
  const all = Uint8Array.from({ length: 256 }, (_, index) => index)
  alice.say({ kind: 'cast', topic, payload: all })
  alice.say({ kind: 'cast', topic, payload: new Uint8Array() })
  await carol.hears('from alice ')
  await bob.hears('from alice ')
  expect(bob.words().filter((text) => text.startsWith('from'))).toHaveLength(4)
  expect(bob.words()).toContain('from alice to bob')
  expect(carol.words().slice(1, 2)).toEqual(['from alice to all'])
  const payloads = carol.heard().flatMap((frame) => (frame.kind === 'from' ? [Buffer.from(frame.payload)] : []))
  expect(payloads[1]).toEqual(Buffer.from(all))
  await alice.isHandled()
  expect(alice.words()).toEqual(['members ', 'joined bob', 'joined carol'])
  expect(server.stats().counts.forwarded).toBe(4)
})

it('[G6] a ping is answered with a pong', async () => {
  const alice = await welcomed(await startServer(), ALICE)
  alice.say({ kind: 'ping' })
  await until('the pong', () => alice.pongs() === 1)
})

it('[G8] only members send in a topic, and only members are sent to', async () => {
  const server = await startServer()
  const [topic, other] = [randomTopic(), randomTopic()]
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, other)
  const payload = bytesOf('stranger')
  bob.say({ kind: 'cast', topic, payload })
  bob.say({ kind: 'send', topic, to: ALICE.connectionId, payload })
  bob.say({ kind: 'leave', topic })
  bob.say({ kind: 'send', topic: other, to: ALICE.connectionId, payload })
  bob.say({ kind: 'send', topic: other, to: BOB.connectionId, payload })
  bob.say({ kind: 'cast', topic: other, payload })
  await bob.isHandled()
  await alice.isHandled()
  expect(alice.words()).toEqual(['members '])
  expect(bob.words()).toEqual(['members '])
  expect(server.stats().counts).toMatchObject({ 'dropped-not-member': 3, 'dropped-no-receiver': 2 })
  expect(server.stats().counts.forwarded).toBeUndefined()
})

it('[G9] a topic is known only to those who name all of it', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await welcomed(server, BOB)
  for (let bit = 0; bit < 8; bit++) {
    const near = topic.with(bit * 4, (topic[bit * 4] ?? 0) ^ (1 << bit))
    bob.say({ kind: 'join', topic: near })
    bob.say({ kind: 'cast', topic: near, payload: bytesOf('anybody?') })
  }
  await bob.isHandled()
  await alice.isHandled()
  expect(bob.words()).toEqual(Array(8).fill('members '))
  expect(alice.words()).toEqual(['members '])
  const health = await fetch(`${server.url.replace('ws', 'http')}/health`)
  const text = `${await health.text()}${JSON.stringify(server.stats())}`
  for (const form of ['base64', 'base64url', 'hex'] as const)
    expect(text).not.toContain(Buffer.from(topic).toString(form))
  expect(text).not.toContain(ALICE.connectionId)
})

it('[G10] a second socket of a connection takes its place, and nobody hears of it', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const old = await onTopic(server, BOB, topic)
  const fresh = await welcomed(server, BOB)
  await until('the end of the first', () => old.ended)
  alice.say({ kind: 'cast', topic, payload: bytesOf('meanwhile') })
  await fresh.hears('from alice meanwhile')
  fresh.say({ kind: 'join', topic })
  await fresh.hears('members alice')
  fresh.say({ kind: 'cast', topic, payload: bytesOf('back') })
  await alice.hears('from bob back')
  const carol = await onTopic(server, CAROL, topic)
  expect(carol.words()).toEqual(['members alice,bob'])
  expect(alice.words()).toEqual(['members ', 'joined bob', 'from bob back', 'joined carol'])
  expect(server.stats()).toMatchObject({ connections: 3, topics: 1, counts: { 'closed-replaced': 1 } })
  await fresh.close()
  await alice.hears('left bob 0')
})

it('[G10] a socket that came before, and proves late, does not take the place of the connection’s own', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const old = await openBlind(server)
  const nonce = await old.nonce()
  const fresh = await onTopic(server, BOB, topic)
  old.say({ kind: 'prove', publicKey: BOB.publicKey, signature: await BOB.sign(statementOf(nonce)), host: HOST })
  await until('the end of the old one', () => old.ended)
  fresh.say({ kind: 'cast', topic, payload: bytesOf('still here') })
  await alice.hears('from bob still here')
  expect(alice.words()).toEqual(['members ', 'joined bob', 'from bob still here'])
})

it('[G11] topics that the new socket does not join in time are left, and those it joined are not', async () => {
  const server = await startServer({ rejoinTimeoutMs: 1_500 })
  const [topic, other] = [randomTopic(), randomTopic()]
  const alice = await onTopic(server, ALICE, topic)
  const carol = await onTopic(server, CAROL, other)
  const old = await onTopic(server, BOB, topic)
  old.say({ kind: 'join', topic: other })
  await carol.hears('joined bob')
  const fresh = await onTopic(server, BOB, topic)
  fresh.say({ kind: 'cast', topic: other, payload: bytesOf('not joined') })
  fresh.say({ kind: 'leave', topic: randomTopic() })
  await carol.hears('left bob 0')
  expect(carol.words()).toEqual(['members ', 'joined bob', 'left bob 0'])
  fresh.say({ kind: 'cast', topic, payload: bytesOf('still here') })
  await alice.hears('from bob still here')
  expect(alice.words()).toEqual(['members ', 'joined bob', 'from bob still here'])
})

it('[G11] a new socket that ends before it joined, or leaves what it took over, is told at once', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  await onTopic(server, BOB, topic)
  const fresh = await welcomed(server, BOB)
  await fresh.close()
  await alice.hears('left bob 0')
  await onTopic(server, CAROL, topic)
  const carol = await welcomed(server, CAROL)
  carol.say({ kind: 'leave', topic })
  await alice.hears('left carol 0')
  expect(alice.words().filter((text) => text.startsWith('left'))).toHaveLength(2)
})

it('[G12] a server that ends closes with 1001 and tells nobody that anybody left', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const members = [
    await onTopic(server, ALICE, topic),
    await onTopic(server, BOB, topic),
    await onTopic(server, CAROL, topic),
  ]
  await server.close()
  await until('all to end', () => members.every(({ ended }) => ended))
  expect(members.map(({ ended }) => ended?.code)).toEqual([1001, 1001, 1001])
  expect(members.flatMap((member) => member.words()).join()).not.toMatch('left')
  expect(server.stats()).toMatchObject({ connections: 0, topics: 0 })
})

it('[G12] nothing is left of a server whose sockets wait to be joined again', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  await until('quiet', () => timers() === 0, { seen: timers })
  const server = await startServer({ rejoinTimeoutMs: 60_000 })
  const topic = randomTopic()
  await onTopic(server, ALICE, topic)
  const alice = await welcomed(server, ALICE)
  await server.close()
  await until('the end', () => alice.ended)
  await until('no timer to be left', () => timers() === 0, { seen: timers })
})

it('[G14] the stock signaling and the rooms are other places than the topics', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const stock = await connect(server.url)
  const text = Buffer.from(topic).toString('base64')
  stock.sendJson({ type: 'subscribe', topics: [text] })
  stock.sendJson({ type: 'publish', topic: text, data: 'hi' })
  await until('the echo', () => stock.json().length === 1)
  alice.say({ kind: 'cast', topic, payload: bytesOf('hi') })
  await alice.isHandled()
  await stock.isHandled()
  expect(stock.json()).toHaveLength(1)
  expect(alice.words()).toEqual(['members '])
  expect(server.stats().topics).toBe(2)
})

it('[G14] our protocol is chosen among those that are offered, and only at /', async () => {
  const server = await startServer()
  const ours = await connect(server.url, {}, ['other.1', 'copresence.1'])
  expect(ours.ws.protocol).toBe('copresence.1')
  const challenge = await until('the challenge', () => ours.received[0])
  expect(decodeServerFrame(challenge as Uint8Array)).toMatchObject({ ok: true, value: { kind: 'challenge' } })
  await expect(connect(server.url, {}, ['copresence.2'])).rejects.toThrow('400')
  const room = await connect(`${server.url}/yjs/room`, {}, ['stock'])
  expect(room.ws.protocol).toBe('stock')
})
