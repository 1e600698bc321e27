/** y-webrtc's signaling at `/`: as the stock server does it, and what the stock server does not survive. */
import { expect, it } from 'vitest'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { connect, type Probe, startServer } from './kit.ts'

async function subscriber(server: SignalingServer, ...topics: string[]): Promise<Probe> {
  const probe = await connect(server.url)
  probe.sendJson({ type: 'subscribe', topics })
  await probe.isHandled()
  return probe
}

async function gets(probe: Probe, count: number): Promise<unknown[]> {
  await until(`${count} messages`, () => probe.json().length >= count, { seen: () => probe.received })
  return probe.json()
}

it('[S20] a publish goes to every subscriber of its topic, the sender included, with the number of clients', async () => {
  const server = await startServer()
  const alice = await subscriber(server, 'room')
  const bob = await subscriber(server, 'room', 'other')
  const carol = await subscriber(server, 'other')
  alice.send('{"type":"publish", "topic":"room","data":{"b":1,"a":"é\\u0000"}} \n')
  expect(await gets(bob, 1)).toEqual([{ type: 'publish', topic: 'room', data: { b: 1, a: 'é\0' }, clients: 2 }])
  expect(await gets(alice, 1)).toEqual(bob.json())
  expect(bob.received[0]).toBe('{"type":"publish", "topic":"room","data":{"b":1,"a":"é\\u0000"},"clients":2}')
  bob.sendJson({ type: 'publish', topic: 'other', clients: 99 })
  expect(await gets(carol, 1)).toEqual([{ type: 'publish', topic: 'other', clients: 2 }])
  expect(alice.received).toHaveLength(1)
})

it('[S21] only a subscriber may publish in a topic; what others send is dropped and counted', async () => {
  const server = await startServer()
  const alice = await subscriber(server, 'room')
  const bob = await subscriber(server, 'other')
  bob.sendJson({ type: 'publish', topic: 'room' })
  bob.sendJson({ type: 'publish', topic: 'nowhere' })
  await bob.isHandled()
  expect(server.stats().counts['dropped-not-subscribed']).toBe(2)
  alice.sendJson({ type: 'publish', topic: 'room', n: 1 })
  expect(await gets(alice, 1)).toEqual([{ type: 'publish', topic: 'room', n: 1, clients: 1 }])
  expect(bob.ended).toBeUndefined()
})

it('[S22] unsubscribe ends it, and a topic without sockets is forgotten', async () => {
  const server = await startServer()
  const alice = await subscriber(server, 'room', 'room')
  const bob = await subscriber(server, 'room')
  expect(server.stats().topics).toBe(1)
  bob.sendJson({ type: 'unsubscribe', topics: ['room', 'never'] })
  await bob.isHandled()
  alice.sendJson({ type: 'publish', topic: 'room' })
  expect(await gets(alice, 1)).toEqual([{ type: 'publish', topic: 'room', clients: 1 }])
  expect(bob.received).toEqual([])
  await alice.close()
  await until('no topic', () => server.stats().topics === 0)
})

it('[S23] ping is answered with pong, and messages of unknown types are dropped', async () => {
  const server = await startServer()
  const alice = await connect(server.url)
  for (const message of [{}, { type: 'whatever' }, { type: 7 }, { type: null }, { type: ['ping'] }]) {
    alice.sendJson(message)
  }
  alice.sendJson({ type: 'ping' })
  expect(await gets(alice, 1)).toEqual([{ type: 'pong' }])
  expect(server.stats().counts['dropped-unknown']).toBe(5)
})

const MALFORMED: Record<string, string> = {
  'no JSON': '{',
  nothing: '',
  'a BOM': '\ufeff{"type":"ping"}',
  'a number': '7',
  null: 'null',
  'an array': '[{"type":"ping"}]',
  text: '"ping"',
  'topics that are text': '{"type":"subscribe","topics":"room"}',
  'topics that are an object': '{"type":"subscribe","topics":{"length":1e9}}',
  'a topic that is a number': '{"type":"subscribe","topics":["a",7]}',
  'a topic that is null': '{"type":"unsubscribe","topics":[null]}',
  'no topic to publish in': '{"type":"publish"}',
  'an object as topic': '{"type":"publish","topic":{"toString":1}}',
  'deep arrays': `{"type":"publish","topic":"room","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  'deep objects': `{"type":"publish","topic":"room","data":${'{"a":'.repeat(36)}1${'}'.repeat(36)}}`,
  'unclosed depth': '['.repeat(200_000),
}

it.each(Object.entries(MALFORMED))('[S24] a malformed message closes its own socket alone: %s', async (_what, text) => {
  const server = await startServer()
  const alice = await subscriber(server, 'room')
  const bob = await subscriber(server, 'room')
  const mallory = await subscriber(server, 'room')
  mallory.send(text)
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1007 })
  expect(server.stats().counts['closed-malformed']).toBe(1)
  alice.sendJson({ type: 'publish', topic: 'room' })
  expect(await gets(bob, 1)).toEqual([{ type: 'publish', topic: 'room', clients: 2 }])
})

it('[S24] nesting up to the limit passes, brackets inside of text do not count', async () => {
  const server = await startServer({ maxJsonDepth: 4 })
  const alice = await subscriber(server, 'room')
  alice.send('{"type":"publish","topic":"room","data":[[["[[[[{{{{\\"[[["]]]}')
  await gets(alice, 1)
  alice.send('{"type":"publish","topic":"room","data":[[[[1]]]]}')
  expect(await until('the end', () => alice.ended)).toEqual({ code: 1007 })
})

it('[S25] a binary message at / closes its own socket with 1003', async () => {
  const server = await startServer()
  const mallory = await connect(server.url)
  mallory.send(Buffer.from('{"type":"ping"}'))
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1003 })
  expect(server.stats().counts['closed-wrong-type']).toBe(1)
})

it('[S26] too many topics, in one message or one by one, close their socket with 1008', async () => {
  const server = await startServer({ maxTopicsPerSocket: 3 })
  const alice = await subscriber(server, 'a', 'b', 'c')
  const atOnce = await connect(server.url)
  atOnce.sendJson({ type: 'subscribe', topics: Array.from({ length: 20_000 }, () => 'a') })
  expect(await until('the end', () => atOnce.ended)).toEqual({ code: 1008 })
  const oneByOne = await connect(server.url)
  for (const topic of ['a', 'a', 'b', 'c', 'd']) oneByOne.sendJson({ type: 'subscribe', topics: [topic] })
  expect(await until('the end', () => oneByOne.ended)).toEqual({ code: 1008 })
  expect(server.stats()).toMatchObject({ topics: 3, counts: { 'closed-topics': 2 } })
  alice.sendJson({ type: 'publish', topic: 'c' })
  expect(await gets(alice, 1)).toEqual([{ type: 'publish', topic: 'c', clients: 1 }])
})

it('[S27] a topic name over the limit closes its socket with 1008', async () => {
  const server = await startServer({ maxNameLength: 8 })
  for (const message of [
    { type: 'subscribe', topics: ['a'.repeat(9)] },
    { type: 'publish', topic: 'a'.repeat(9) },
  ]) {
    const mallory = await subscriber(server, 'a'.repeat(8))
    mallory.sendJson(message)
    expect(await until('the end', () => mallory.ended)).toEqual({ code: 1008 })
  }
  expect(server.stats().counts['closed-name']).toBe(2)
})

it('[S28] a full topic leaves further sockets out, which keep their other topics', async () => {
  const server = await startServer({ maxSocketsPerTopic: 2 })
  const alice = await subscriber(server, 'room')
  await subscriber(server, 'room')
  const carol = await subscriber(server, 'room', 'other')
  expect(server.stats().counts['dropped-topic-full']).toBe(1)
  alice.sendJson({ type: 'publish', topic: 'room' })
  expect(await gets(alice, 1)).toEqual([{ type: 'publish', topic: 'room', clients: 2 }])
  carol.sendJson({ type: 'publish', topic: 'other' })
  expect(await gets(carol, 1)).toEqual([{ type: 'publish', topic: 'other', clients: 1 }])
})

it('[S29] names and keys of prototypes are names and keys like others', async () => {
  const server = await startServer()
  const topics = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const alice = await subscriber(server, ...topics)
  for (const topic of topics)
    alice.send(`{"type":"publish","topic":"${topic}","__proto__":{"type":"ping","isAdmin":1}}`)
  const messages = await gets(alice, topics.length)
  expect(messages.map((message) => Reflect.get(Object(message), 'topic'))).toEqual(topics)
  alice.send('{"__proto__":{"type":"ping"}}')
  await alice.isHandled()
  expect(server.stats().counts['dropped-unknown']).toBe(1)
  expect(Reflect.get({}, 'isAdmin')).toBeUndefined()
})
