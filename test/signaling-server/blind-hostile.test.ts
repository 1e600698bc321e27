/** Attacks at the blind protocol: forged proofs, words at the wrong time, and what one socket may cost. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { type ClientFrame, encodeClientFrame, encodeServerFrame } from '../../lib/wire/relay-frame.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { resolveSettings } from '../../signaling-server/options.ts'
import { until } from '../kit/until.ts'
import { createPlayedPlatform, join, startClient } from '../signaling/kit.ts'
import {
  type BlindProbe,
  bytesOf,
  HOST,
  identityOf,
  onTopic,
  openBlind,
  randomTopic,
  statementOf,
  welcomed,
} from './blind-kit.ts'
import { startServer } from './kit.ts'

const [ALICE, BOB, MALLORY] = [identityOf('alice'), identityOf('bob'), identityOf('mallory')]
const endOf = async (probe: BlindProbe, timeoutMs = 5_000) =>
  (await until('the end', () => probe.ended, { timeoutMs })).code
const count = (server: SignalingServer, event: keyof ReturnType<SignalingServer['stats']>['counts']) =>
  server.stats().counts[event] ?? 0

async function stillServes(server: SignalingServer): Promise<void> {
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  bob.say({ kind: 'cast', topic, payload: bytesOf('still here') })
  await alice.hears('from bob still here')
  await alice.close()
  await bob.close()
}

it('[G1] a socket is challenged with a fresh nonce, and is welcome once it has signed that', async () => {
  const server = await startServer()
  const probes = await Promise.all([openBlind(server), openBlind(server), openBlind(server)])
  const nonces = await Promise.all(probes.map(async (probe) => Buffer.from(await probe.nonce()).toString('hex')))
  expect(new Set(nonces).size).toBe(3)
  const alice = await welcomed(server, ALICE)
  expect(alice.heard().map(({ kind }) => kind)).toEqual(['challenge', 'welcome'])
})

const forgeries: [string, (probe: BlindProbe, server: SignalingServer) => Promise<[Uint8Array, Uint8Array]>][] = [
  ['another key', async (probe) => [ALICE.publicKey, await MALLORY.sign(statementOf(await probe.nonce()))]],
  [
    'a signature that was seen before',
    async (_probe, server) => {
      const spied = await openBlind(server)
      const seen = await ALICE.sign(statementOf(await spied.nonce()))
      spied.say({ kind: 'prove', publicKey: ALICE.publicKey, signature: seen, host: HOST })
      await until('the welcome', () => spied.heard()[1])
      return [ALICE.publicKey, seen]
    },
  ],
  [
    "another server's nonce",
    async () => {
      const other = await openBlind(await startServer())
      return [ALICE.publicKey, await ALICE.sign(statementOf(await other.nonce()))]
    },
  ],
  ['the bare nonce', async (probe) => [ALICE.publicKey, await ALICE.sign(await probe.nonce())]],
  [
    'a flipped bit',
    async (probe) => {
      const signature = await ALICE.sign(statementOf(await probe.nonce()))
      return [ALICE.publicKey, signature.with(40, (signature[40] ?? 0) ^ 1)]
    },
  ],
  ['zeros', async () => [ALICE.publicKey, new Uint8Array(64)]],
  ['a key that is no point', async () => [new Uint8Array(32).fill(255), new Uint8Array(64)]],
]

it.each(forgeries)('[G2] a forged proof admits nobody and harms nobody: %s', async (_what, forge) => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  const mallory = await openBlind(server)
  const [publicKey, signature] = await forge(mallory, server)
  // The replay above made a real second socket of alice.
  const before = bob.words()
  mallory.say({ kind: 'prove', publicKey, signature, host: HOST })
  expect(await endOf(mallory)).toBe(1008)
  expect(mallory.heard().map(({ kind }) => kind)).toEqual(['challenge'])
  expect(count(server, 'closed-proof')).toBe(1)
  await bob.isHandled()
  expect(bob.words()).toEqual(before)
  if (!_what.includes('seen before')) expect(alice.ended).toBeUndefined()
})

it.each<[string, (proof: Extract<ClientFrame, { kind: 'prove' }>) => ClientFrame, string]>([
  ['as it came', (proof) => proof, 'wrong-host'],
  ['under the true name', (proof) => ({ ...proof, host: HOST }), 'proof'],
  ['under no name', (proof) => ({ ...proof, host: '' }), 'wrong-host'],
])('[G33] a server that passes the challenge on comes in as nobody: %s', async (_what, passOn, reason) => {
  const server = await startServer({ hosts: ['localhost:4444', HOST] })
  const topic = randomTopic()
  const bob = await onTopic(server, BOB, topic)
  // Alice uses the bad server too; it hands her the true one's challenge, and hands that her proof.
  const platform = createPlayedPlatform()
  const alice = startClient({ name: 'alice', url: 'wss://evil.example/', platform, identity: ALICE })
  join(alice.client, topic)
  await until('the dial', () => platform.sockets.length === 1)
  const between = await openBlind(server)
  platform.socket().say({ kind: 'challenge', nonce: await between.nonce() })
  const proof = await until('the proof', () => platform.socket().sent.find((frame) => frame.kind === 'prove'))
  expect(proof).toMatchObject({ kind: 'prove', host: 'evil.example' })
  if (proof.kind === 'prove') between.say(passOn(proof))
  expect(await endOf(between)).toBe(1008)
  expect(count(server, `closed-${reason}` as 'closed-proof')).toBe(1)
  expect(between.heard().map(({ kind }) => kind)).toEqual(['challenge'])
  await bob.isHandled()
  expect(bob.words()).toEqual(['members '])
})

it('[G33] without a list of hosts any is accepted; with one, who dialled another is told why', async () => {
  const open = await startServer()
  const strict = await startServer({ hosts: [HOST] })
  const [served, refused] = [open, strict].map(({ url }) => startClient({ name: 'alice', url }))
  for (const client of [served?.client, refused?.client]) if (client !== undefined) join(client, randomTopic())
  await until('the open one', () => served?.client.report().state === 'open')
  await until('the refusal', () => refused?.client.report().refusal === 'wrong-host')
  expect(served?.client.report()).not.toHaveProperty('refusal')
  expect((await welcomed(strict, MALLORY)).ended).toBeUndefined()
})

it('[G33] a port of a host that goes without saying may be said', () => {
  const { hosts } = resolveSettings({ hosts: ['a.example:443', 'b.example:80', 'c.example:4444', 'd.example'] })
  // What a client of wss:// or ws:// signs.
  const dialled = [
    'wss://a.example',
    'wss://a.example:443',
    'ws://b.example:80',
    'wss://c.example:4444',
    'ws://d.example',
  ]
  expect(dialled.map((url) => hosts.includes(new URL(url).host))).toEqual(dialled.map(() => true))
  expect(['wss://a.example:444', 'ws://c.example'].map((url) => hosts.includes(new URL(url).host))).toEqual([
    false,
    false,
  ])
})

it.each<[string, (probe: BlindProbe) => void]>([
  ['a join', (probe) => probe.say({ kind: 'join', topic: randomTopic() })],
  ['a cast', (probe) => probe.say({ kind: 'cast', topic: randomTopic(), payload: bytesOf('hi') })],
  ['a ping', (probe) => probe.say({ kind: 'ping' })],
  ['nothing at all', (probe) => probe.send(new Uint8Array())],
  ['an unknown frame', (probe) => probe.send(Uint8Array.of(99))],
  ['a cut off proof', (probe) => probe.send(Uint8Array.of(2, 1, 2, 3))],
])('[G3] before its proof a socket may say nothing else: %s', async (_what, say) => {
  const server = await startServer()
  const mallory = await openBlind(server)
  say(mallory)
  expect(await endOf(mallory)).toBe(1008)
  expect(count(server, 'closed-unproved')).toBe(1)
  expect(server.stats().topics).toBe(0)
  await stillServes(server)
})

it('[G3] one proof for one socket: while it is checked, and after it, another word of it ends the socket', async () => {
  const server = await startServer()
  const hasty = await openBlind(server)
  const signature = await MALLORY.sign(statementOf(await hasty.nonce()))
  for (let index = 0; index < 50; index++)
    hasty.say({ kind: 'prove', publicKey: MALLORY.publicKey, signature, host: HOST })
  expect(await endOf(hasty)).toBe(1008)
  expect(hasty.heard()).toHaveLength(1)
  const again = await welcomed(server, MALLORY)
  again.say({ kind: 'prove', publicKey: MALLORY.publicKey, signature, host: HOST })
  expect(await endOf(again)).toBe(1008)
  expect(server.stats().counts).toMatchObject({ 'closed-unproved': 1, 'closed-proof': 1 })
  await stillServes(server)
})

it('[G3] a socket that proves nothing, or joins nothing, in time is closed with 1008', async () => {
  // Alice has to join in time too.
  const server = await startServer({ helloTimeoutMs: 3_000 })
  const alice = await onTopic(server, ALICE, randomTopic())
  const silent = await openBlind(server)
  const idle = await welcomed(server, MALLORY)
  expect([await endOf(silent, 10_000), await endOf(idle, 10_000)]).toEqual([1008, 1008])
  expect(count(server, 'closed-hello')).toBe(2)
  expect(alice.ended).toBeUndefined()
})

it('[G7] a client cannot say who sent a frame, nor speak as a server', async () => {
  const topic = randomTopic()
  const connectionId = BOB.connectionId
  const payload = bytesOf('I am bob')
  for (const frame of [
    encodeServerFrame({ kind: 'from', topic, from: connectionId, payload }),
    encodeServerFrame({ kind: 'left', topic, connectionId, silentMs: 0 }),
    encodeServerFrame({ kind: 'joined', topic, connectionId }),
    encodeServerFrame({ kind: 'members', topic, members: [connectionId] }),
    encodeServerFrame({ kind: 'welcome' }),
    encodeServerFrame({ kind: 'pong' }),
  ]) {
    const server = await startServer()
    const alice = await onTopic(server, ALICE, topic)
    const mallory = await onTopic(server, MALLORY, topic)
    mallory.send(frame)
    mallory.say({ kind: 'cast', topic, payload: bytesOf('as myself') })
    await alice.hears('from mallory as myself')
    expect(alice.words()).toEqual(['members ', 'joined mallory', 'from mallory as myself'])
    expect(count(server, 'dropped-unknown')).toBe(1)
  }
})

it.each<[string, Uint8Array | string, number]>([
  ['text', 'text', 1003],
  ['nothing', new Uint8Array(), 1007],
  ['a short topic', Uint8Array.of(4, 1, 2, 3), 1007],
  ['a tail', Uint8Array.of(12, 0), 1007],
  ['a payload that is longer than the frame', Uint8Array.from([10, ...new Uint8Array(32), 200, 1]), 1007],
  ['an id that is none', Uint8Array.from([9, ...new Uint8Array(54), 0]), 1007],
  ['an endless number', new Uint8Array(40).fill(255), 1007],
])('[G13] a malformed frame closes its own socket alone: %s', async (_what, bytes, code) => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const mallory = await onTopic(server, MALLORY, topic)
  mallory.send(bytes)
  expect(await endOf(mallory)).toBe(code)
  await alice.hears('left mallory 0')
  expect(alice.ended).toBeUndefined()
  expect(count(server, 'closed-internal')).toBe(0)
})

it('[G13] more topics than a socket may have are dropped, until it leaves one; its others go on', async () => {
  const server = await startServer()
  const mallory = await welcomed(server, MALLORY)
  const first = randomTopic()
  mallory.say({ kind: 'join', topic: first })
  for (let index = 0; index < 1_499; index++) mallory.say({ kind: 'join', topic: randomTopic() })
  await mallory.isHandled()
  expect(mallory.words()).toHaveLength(100)
  expect(count(server, 'dropped-topics')).toBe(1_400)
  expect(server.stats().topics).toBe(100)
  mallory.say({ kind: 'leave', topic: first })
  mallory.say({ kind: 'join', topic: randomTopic() })
  await mallory.isHandled()
  expect(mallory.words()).toHaveLength(101)
  await stillServes(server)
})

it('[G13] a full topic leaves further sockets out, until there is a place', async () => {
  const server = await startServer({ maxSocketsPerTopic: 2 })
  const topic = randomTopic()
  await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  const mallory = await welcomed(server, MALLORY)
  mallory.say({ kind: 'join', topic })
  mallory.say({ kind: 'cast', topic, payload: bytesOf('let me in') })
  await mallory.isHandled()
  expect(mallory.words()).toEqual([])
  expect(server.stats().counts).toMatchObject({ 'dropped-topic-full': 1, 'dropped-not-member': 1 })
  // Who replaces its own socket needs no place.
  const again = await onTopic(server, BOB, topic)
  expect(again.words()).toEqual(['members alice'])
  await until('the end of the first', () => bob.ended)
  await again.close()
  await until('the place', () => server.stats().connections === 2)
  mallory.say({ kind: 'join', topic })
  await mallory.hears('members alice')
})

it('[G13] a flood of casts, joins, or pings closes its own socket with 1013', async () => {
  const server = await startServer({ maxMessagesPerSecond: 10, maxMessageBurst: 100 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const cast = encodeClientFrame({ kind: 'cast', topic, payload: bytesOf('x') })
  const flip = [encodeClientFrame({ kind: 'leave', topic }), encodeClientFrame({ kind: 'join', topic })]
  for (const frames of [[cast], flip, [encodeClientFrame({ kind: 'ping' })]]) {
    const mallory = await onTopic(server, MALLORY, topic)
    for (let index = 0; index < 400; index++) mallory.send(frames[index % frames.length] ?? cast)
    expect(await endOf(mallory)).toBe(1013)
  }
  expect(count(server, 'closed-flood')).toBe(3)
  expect(alice.ended).toBeUndefined()
})

it('[G13] a frame to one other costs a quarter of one to all', async () => {
  const server = await startServer({ maxMessagesPerSecond: 1, maxMessageBurst: 100 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  await alice.hears('joined bob')
  const say = (probe: BlindProbe, kind: 'send' | 'cast', times: number) => {
    for (let left = times; left > 0; left--)
      probe.say({ kind, topic, to: BOB.connectionId, payload: bytesOf('hi') } as ClientFrame)
  }
  // A proof and a join were said.
  say(alice, 'send', 4 * 95)
  await alice.isHandled()
  expect(alice.ended).toBeUndefined()
  say(alice, 'send', 4 * 60)
  expect(await endOf(alice)).toBe(1013)
  say(bob, 'cast', 105)
  expect(await endOf(bob)).toBe(1013)
})

it('[G13] a member that does not read holds back at most its limit, then is cut off, and the others go on', async () => {
  // One that reads nothing is not ended for its silence, however long the test takes: what is under test is its backlog.
  const other = { helloTimeoutMs: 60_000, silenceTimeoutMs: 60_000 }
  const server = await startServer({ ...other, maxBytesPerSecond: 1e9, maxByteBurst: 1e9 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const bob = await onTopic(server, BOB, topic)
  const stuck = await onTopic(server, MALLORY, topic)
  await alice.hears('joined mallory')
  stuck.ws.pause()
  let round = 0
  await until(
    'the cut',
    async () => {
      alice.say({ kind: 'cast', topic, payload: bytesOf(`${round++} `.padEnd(100_000, 'x')) })
      await alice.isHandled()
      return count(server, 'closed-backlog') === 1
    },
    { everyMs: 0, timeoutMs: 15_000, seen: () => round },
  )
  await alice.hears('left mallory 0')
  await until('bob to have all', () => bob.words().filter((text) => text.startsWith('from')).length === round)
})

it('[G13] a message over the limit closes its own socket with 1009', async () => {
  const server = await startServer({ maxPayloadBytes: 200_000 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const mallory = await onTopic(server, MALLORY, topic)
  mallory.say({ kind: 'cast', topic, payload: new Uint8Array(300_000) })
  expect(await endOf(mallory)).toBe(1009)
  expect(alice.ended).toBeUndefined()
})

it('[G16] no frame is let through that would be too large for clients once its sender is put in', async () => {
  const server = await startServer({ maxPayloadBytes: 524_288 })
  const topic = randomTopic()
  const alice = await onTopic(server, ALICE, topic)
  const mallory = await onTopic(server, MALLORY, topic)
  mallory.say({ kind: 'cast', topic, payload: new Uint8Array(524_288 - 22 - 36) })
  await until('the largest', () => alice.heard().some(({ kind }) => kind === 'from'))
  const largest = alice.received.at(-1)
  expect(largest?.length).toBe(524_288)
  mallory.say({ kind: 'cast', topic, payload: new Uint8Array(524_288 - 22 - 35) })
  expect(await endOf(mallory)).toBe(1009)
  await alice.isHandled()
  expect(alice.words().at(-1)).toBe('left mallory 0')
})

it('[G8] an id that nobody has is sent to in vain', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const mallory = await onTopic(server, MALLORY, topic)
  mallory.say({ kind: 'send', topic, to: '__proto__-------------' as ConnectionId, payload: bytesOf('x') })
  await mallory.isHandled()
  expect(mallory.ended).toBeUndefined()
  expect(count(server, 'dropped-no-receiver')).toBe(1)
})
