/** The rooms at `/yjs/<room>`: who hears what, and who may write which entry. */
import { expect, it } from 'vitest'
import { EMPTY_SYNC_STEP_1_FRAME, KEEP_ALIVE_FRAME, QUERY_FRAME } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'
import {
  announced,
  awarenessFrame,
  connect,
  entry,
  joinOurs,
  joinStock,
  message,
  type Probe,
  rawStateFrame,
  startServer,
} from './kit.ts'

const updateFrame = Uint8Array.of(0, 2, 2, 0, 0)

it('[S34] an entry goes to the others as it came', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  const frame = awarenessFrame(entry(7, 3, { name: 'alice' }))
  alice.send(frame)
  await bob.sees('entry 7@3 {"name":"alice"}')
  expect(bob.received.at(-1)).toEqual(frame)
  await alice.isHandled()
  expect(alice.frames().filter((text) => text.startsWith('entry'))).toEqual([])
})

it('[S61] an entry that the others have goes only to those who joined or asked since', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinStock(server), 2)
  const times = (probe: Probe, text: string) => probe.frames().filter((frame) => frame === text).length
  alice.send(awarenessFrame(entry(1, 1)))
  await bob.sees('entry 1@1 {}')
  alice.send(awarenessFrame(entry(1, 1)))
  const carol = await announced(joinStock(server), 3)
  alice.send(awarenessFrame(entry(1, 1)))
  await carol.sees('entry 1@1 {}')
  await bob.isHandled()
  expect([times(bob, 'entry 1@1 {}'), times(carol, 'entry 1@1 {}')]).toEqual([1, 1])
  bob.send(QUERY_FRAME)
  await bob.isHandled()
  alice.send(awarenessFrame(entry(1, 1)))
  await until('the answer', () => times(bob, 'entry 1@1 {}') === 2)
  await carol.isHandled()
  expect(times(carol, 'entry 1@1 {}')).toBe(1)
  alice.send(awarenessFrame(entry(1, 1, null)))
  await bob.sees('gone 1@1')
  await carol.sees('gone 1@1')
})

it('[S35] a socket writes one client: of what it sends of others nothing is forwarded', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinStock(server), 2)
  const carol = await announced(joinStock(server), 3)
  bob.send(awarenessFrame(entry(1, 9, { stolen: true }), entry(2, 2, { x: 1 }), entry(3, 9, null), entry(4, 1)))
  await alice.sees('entry 2@2 {"x":1}')
  bob.send(awarenessFrame(entry(1, 10, null)))
  bob.send(awarenessFrame(entry(4, 1)))
  bob.send(awarenessFrame(entry(2, 3)))
  await carol.sees('entry 2@3 {}')
  expect(alice.frames().join()).not.toMatch(/stolen|gone|entry 4/)
  expect(carol.frames().join()).not.toMatch(/stolen|gone|entry 4/)
  expect(server.stats().counts['dropped-echo']).toBe(2)
})

it('[S35] an update without entries is ignored, and binds nobody', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  alice.send(KEEP_ALIVE_FRAME)
  alice.send(awarenessFrame(entry(1, 1)))
  await bob.sees('entry 1@1 {}')
  expect(bob.frames()).not.toContain('empty awareness')
})

it('[S36] a client id that a living socket holds is refused to a second one', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinStock(server), 2)
  const mallory = await joinStock(server)
  mallory.send(awarenessFrame(entry(1, 99, { stolen: true })))
  await mallory.isHandled()
  await bob.isHandled()
  expect(server.stats().counts['dropped-second-binder']).toBe(1)
  expect(bob.frames().join()).not.toMatch('stolen')
  alice.send(awarenessFrame(entry(1, 2, { mine: 1 })))
  await bob.sees('entry 1@2 {"mine":1}')
})

it("[S36] an entry that says gone is nobody's first: repeating it binds no client", async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  bob.send(awarenessFrame(entry(1, 5, null)))
  await bob.isHandled()
  alice.send(awarenessFrame(entry(1, 6, { back: 1 })))
  await bob.sees('entry 1@6 {"back":1}')
})

it('[S37] a state that is no JSON object, or too deep, is dropped: it would end a stock client', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`
  const withBom = '\xef\xbb\xbf{}'
  for (const json of ['{"a":', '7', '"text"', '[]', 'undefined', ' null', deep, '{"\xff', withBom]) {
    alice.send(rawStateFrame(1, 1, Buffer.from(json, 'latin1')))
  }
  alice.send(awarenessFrame(entry(1, 2, { fine: 1 })))
  await bob.sees('entry 1@2 {"fine":1}')
  expect(bob.frames().filter((frame) => /entry|awareness/.test(frame))).toEqual(['entry 1@2 {"fine":1}'])
  expect(server.stats().counts['dropped-bad-state']).toBe(9)
})

it('[S38] the others are asked for their awareness when somebody joins, not the newcomer', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  await alice.sees('query')
  await bob.isHandled()
  expect(bob.frames()).not.toContain('query')
})

it('[S38] many joins are few rounds of asking, the last of which comes after the last join', async () => {
  const server = await startServer({ queryIntervalMs: 1_000 })
  const alice = await joinStock(server)
  await Promise.all(Array.from({ length: 20 }, () => joinStock(server)))
  const queries = () => alice.frames().filter((frame) => frame === 'query').length
  await until('the trailing round', () => queries() >= 2, { seen: alice.frames })
  await alice.isHandled()
  expect(queries()).toBeLessThanOrEqual(3)
})

it('[S39] a query of a client goes to the others, and only a few of them do', async () => {
  const server = await startServer({ queryIntervalMs: 1 })
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  await alice.sees('query')
  const before = alice.frames().length
  for (let count = 0; count < 50; count++) {
    bob.send(QUERY_FRAME)
    bob.send(EMPTY_SYNC_STEP_1_FRAME)
  }
  await bob.isHandled()
  await alice.isHandled()
  expect(alice.frames().slice(before)).toContain('query')
  expect(alice.frames().slice(before)).toContain('sync 0')
  expect(alice.frames().length - before).toBeLessThanOrEqual(6)
  expect(server.stats().counts['dropped-question']).toBeGreaterThanOrEqual(94)
  expect(bob.ended).toBeUndefined()
})

it('[S40] a message goes to the others that are ours, only from one of ours, and only under its own client', async () => {
  const server = await startServer()
  const alice = await announced(joinOurs(server, 'alice'), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  const carol = await announced(joinStock(server), 3)
  alice.send(message(2, 1, 'as bob'))
  carol.send(message(3, 1, 'as carol'))
  await carol.isHandled()
  alice.send(message(1, 1, 'as alice'))
  await bob.sees('message 1 1 as alice')
  await carol.isHandled()
  expect(bob.frames().join()).not.toMatch(/as bob|as carol/)
  expect(carol.frames().join()).not.toMatch('message')
  expect(server.stats().counts['dropped-not-owner']).toBe(2)
})

it('[S46] a malformed frame closes its own socket with 1007', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinStock(server), 2)
  const malformed: Record<string, number[]> = {
    nothing: [],
    'a truncated type': [0x80],
    'a varint without an end': Array(20).fill(0xff),
    'a sync step of 9': [0, 9, 0],
    'a sync payload that is missing': [0, 2, 200, 1, 1],
    'more after the frame': [0, 2, 0, 7],
    'an awareness without its update': [1, 50],
    'a count without entries': [1, 1, 9],
    'a state longer than the update': [1, 4, 1, 1, 1, 120],
    'a client id over 2^53': [1, 12, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 123, 125],
    'a clock over 2^48': [1, 12, 1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 2, 123],
    'a message that is no text': [100, 1, 1, 1, 0xff],
  }
  for (const [what, bytes] of Object.entries(malformed)) {
    const mallory = await joinStock(server)
    mallory.send(Uint8Array.from(bytes))
    expect(await until(what, () => mallory.ended), what).toEqual({ code: 1007 })
  }
  expect(server.stats().counts['closed-malformed']).toBe(Object.keys(malformed).length)
  alice.send(awarenessFrame(entry(1, 2, { fine: 1 })))
  await bob.sees('entry 1@2 {"fine":1}')
  expect(bob.frames().filter((frame) => /^(sync 2|entry)/.test(frame))).toEqual(['entry 1@2 {"fine":1}'])
})

it('[S46] a text message in a room closes its own socket with 1003', async () => {
  const server = await startServer()
  const mallory = await joinStock(server)
  mallory.send('{"type":"ping"}')
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1003 })
})

it('[S47] unknown frames and updates of too many entries are dropped, their socket goes on', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinStock(server), 2)
  for (const bytes of [
    [2, 0, 1, 65],
    [4, 1, 65],
    [77, 1, 2, 3],
    [0xff, 0x7f],
  ])
    bob.send(Uint8Array.from(bytes))
  bob.send(awarenessFrame(...Array.from({ length: 257 }, (_, index) => entry(index + 2, 1))))
  bob.send(awarenessFrame(entry(2, 2, { fine: 1 })))
  await alice.sees('entry 2@2 {"fine":1}')
  expect(alice.frames().filter((frame) => !/^(query|sync 0|entry 2@[12])/.test(frame))).toEqual([])
  expect(server.stats().counts['dropped-unknown']).toBe(5)
})

it('[S48] a room gets an empty awareness frame at every interval, so that stock clients stay', async () => {
  const server = await startServer({ keepAliveIntervalMs: 30 })
  const alice = await joinStock(server)
  const bob = await connect(server.url)
  const keepAlives = () => alice.frames().filter((frame) => frame === 'empty awareness').length
  await until('three of them', () => keepAlives() >= 3)
  expect(alice.received.at(-1)).toEqual(KEEP_ALIVE_FRAME)
  expect(bob.received).toEqual([])
})

it('[S49] a room is its percent-decoded name, slashes included', async () => {
  const server = await startServer()
  const alice = await joinStock(server, 'a%20b/%C3%A9')
  const bob = await connect(`${server.url}/yjs/a b/é?x=1`)
  alice.send(updateFrame)
  await bob.sees('sync 2')
  expect(server.stats().rooms).toBe(1)
  await Promise.all([alice.close(), bob.close()])
  await until('no room', () => server.stats().rooms === 0)
})
