/** The rooms at `/yjs/<room>`: who hears what, who may write which entry, and whose end is told to whom. */
import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import {
  EMPTY_SYNC_STEP_1_FRAME,
  encodeEndedFrame,
  encodeMessageFrame,
  KEEP_ALIVE_FRAME,
  QUERY_FRAME,
} from '../../lib/wire/frame.ts'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { awarenessFrame, connect, entry, keyOf, type Probe, rawStateFrame, startServer } from './kit.ts'

const stock = (server: SignalingServer, room = 'room'): Promise<Probe> => connect(`${server.url}/yjs/${room}`)
const ours = (server: SignalingServer, key: string): Promise<Probe> =>
  connect(`${server.url}/yjs/room?copresence=${keyOf(key)}`)
const message = (clientId: number, seq: number, body: string): Uint8Array =>
  encodeMessageFrame({ clientId: clientId as ClientId, seq, body })
const updateFrame = Uint8Array.of(0, 2, 2, 0, 0)

/** A socket that has written its first entry, with clock 1. */
async function announced(joining: Promise<Probe>, clientId: number): Promise<Probe> {
  const probe = await joining
  probe.send(awarenessFrame(entry(clientId, 1)))
  await probe.isHandled()
  return probe
}

it('[S30] a document frame goes to the others of the room, byte for byte, and to no other room', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  const carol = await stock(server, 'other')
  alice.send(updateFrame)
  await bob.sees('sync 2')
  expect(bob.received.at(-1)).toEqual(updateFrame)
  expect(alice.frames()).not.toContain('sync 2')
  expect(carol.frames()).toEqual([])
})

it('[S31] a question for the document is answered at once where nobody else is', async () => {
  const server = await startServer()
  const alice = await stock(server)
  alice.send(EMPTY_SYNC_STEP_1_FRAME)
  await alice.isHandled()
  expect(alice.frames()).toEqual(['sync 1'])
})

it('[S31] with others it goes to them, and an empty answer comes only if theirs may be missing', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  await alice.isHandled()
  bob.send(Uint8Array.of(0, 0, 2, 7, 7))
  await alice.sees('sync 0')
  expect(alice.received.at(-1)).toEqual(Uint8Array.of(0, 0, 2, 7, 7))
  await bob.isHandled()
  expect(bob.frames()).toEqual(['sync 0'])
  await bob.sees('sync 1')
})

it('[S32] a newcomer is asked for its document, unless it is alone', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  await bob.sees('sync 0')
  expect(bob.received[0]).toEqual(EMPTY_SYNC_STEP_1_FRAME)
  expect(alice.frames()).not.toContain('sync 0')
})

it('[S33] the same answer said by several members is forwarded once, until somebody joins', async () => {
  const server = await startServer()
  const [alice, bob, carol] = [await stock(server), await stock(server), await stock(server)]
  const answer = Uint8Array.of(0, 1, 2, 0, 0)
  alice.send(answer)
  await alice.isHandled()
  bob.send(answer)
  await bob.isHandled()
  await carol.isHandled()
  expect(carol.frames().filter((frame) => frame === 'sync 1')).toHaveLength(1)
  expect(server.stats().counts['dropped-repeated-answer']).toBe(1)
  const dave = await stock(server)
  bob.send(answer)
  await dave.sees('sync 1')
})

it('[S34] an entry goes to the others as it came', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  const frame = awarenessFrame(entry(7, 3, { name: 'alice' }))
  alice.send(frame)
  await bob.sees('entry 7@3 {"name":"alice"}')
  expect(bob.received.at(-1)).toEqual(frame)
  await alice.isHandled()
  expect(alice.frames().filter((text) => text.startsWith('entry'))).toEqual([])
})

it('[S35] a socket writes one client: of what it sends of others nothing is forwarded', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const bob = await announced(stock(server), 2)
  const carol = await announced(stock(server), 3)
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
  const alice = await stock(server)
  const bob = await stock(server)
  alice.send(KEEP_ALIVE_FRAME)
  alice.send(awarenessFrame(entry(1, 1)))
  await bob.sees('entry 1@1 {}')
  expect(bob.frames()).not.toContain('empty awareness')
})

it('[S36] a client id that a living socket holds is refused to a second one', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const bob = await announced(stock(server), 2)
  const mallory = await stock(server)
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
  const alice = await stock(server)
  const bob = await stock(server)
  bob.send(awarenessFrame(entry(1, 5, null)))
  await bob.isHandled()
  alice.send(awarenessFrame(entry(1, 6, { back: 1 })))
  await bob.sees('entry 1@6 {"back":1}')
})

it('[S37] a state that is no JSON object, or too deep, is dropped: it would end a stock client', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`
  for (const json of ['{"a":', '7', '"text"', '[]', 'undefined', ' null', deep, '{"\xff']) {
    alice.send(rawStateFrame(1, 1, Buffer.from(json, 'latin1')))
  }
  alice.send(awarenessFrame(entry(1, 2, { fine: 1 })))
  await bob.sees('entry 1@2 {"fine":1}')
  expect(bob.frames().filter((frame) => /entry|awareness/.test(frame))).toEqual(['entry 1@2 {"fine":1}'])
  expect(server.stats().counts['dropped-bad-state']).toBe(8)
})

it('[S38] the others are asked for their awareness when somebody joins, not the newcomer', async () => {
  const server = await startServer()
  const alice = await stock(server)
  const bob = await stock(server)
  await alice.sees('query')
  await bob.isHandled()
  expect(bob.frames()).not.toContain('query')
})

it('[S38] many joins are few rounds of asking, the last of which comes after the last join', async () => {
  const server = await startServer({ queryIntervalMs: 200 })
  const alice = await stock(server)
  await Promise.all(Array.from({ length: 20 }, () => stock(server)))
  const queries = () => alice.frames().filter((frame) => frame === 'query').length
  await until('the trailing round', () => queries() >= 2, { seen: alice.frames })
  await alice.isHandled()
  expect(queries()).toBeLessThanOrEqual(3)
})

it('[S39] a query of a client goes to the others, and only a few of them do', async () => {
  const server = await startServer({ queryIntervalMs: 1 })
  const alice = await stock(server)
  const bob = await stock(server)
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
  const alice = await announced(ours(server, 'alice'), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  const carol = await announced(stock(server), 3)
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

it('[S41] the end of a socket is told: ours that it ended, stock clients that the entry is gone', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  const carol = await announced(stock(server), 3)
  alice.send(awarenessFrame(entry(1, 5, { x: 1 })))
  await alice.isHandled()
  alice.ws.terminate()
  await bob.sees('ended 1')
  await carol.sees('gone 1@5')
  expect(bob.frames().join()).not.toMatch('gone')
  expect(carol.frames().join()).not.toMatch('ended')
})

it('[S41] whoever said goodbye, or never said who it is, ends without a word', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const nobody = await stock(server)
  const bob = await announced(ours(server, 'bob'), 2)
  alice.send(awarenessFrame(entry(1, 2, null)))
  await bob.sees('gone 1@2')
  await alice.close()
  await nobody.close()
  await until('two gone', () => server.stats().connections === 1)
  await bob.isHandled()
  expect(bob.frames().join()).not.toMatch('ended')
})

it('[S42] a client cannot say that another ended', async () => {
  const server = await startServer()
  await announced(ours(server, 'alice'), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  const mallory = await announced(ours(server, 'mallory'), 3)
  mallory.send(encodeEndedFrame(1 as ClientId))
  mallory.send(encodeEndedFrame(3 as ClientId))
  await mallory.isHandled()
  await bob.isHandled()
  expect(bob.frames().join()).not.toMatch('ended')
  expect(server.stats().counts['dropped-forged-ended']).toBe(2)
})

it('[S43] a socket with the key of a living one replaces it at once, and nobody hears of it', async () => {
  const server = await startServer()
  const alice = await announced(ours(server, 'alice'), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  const carol = await announced(stock(server), 3)
  const again = await ours(server, 'alice')
  await until('the old socket to end', () => alice.ended)
  again.send(awarenessFrame(entry(1, 2, { back: 1 })))
  await carol.sees('entry 1@2 {"back":1}')
  await bob.isHandled()
  expect(bob.frames().join()).not.toMatch('ended')
  expect(carol.frames().join()).not.toMatch('gone')
  expect(server.stats()).toMatchObject({ connections: 3, counts: { 'closed-replaced': 1 } })
  again.ws.terminate()
  await bob.sees('ended 1')
})

it('[S43] a replacement that has not spoken yet ends as its client, and one that is another client ends the former', async () => {
  const server = await startServer()
  await announced(ours(server, 'alice'), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  const again = await ours(server, 'alice')
  again.send(awarenessFrame(entry(11, 1, { reborn: 1 })))
  await bob.sees('ended 1')
  await bob.sees('entry 11@1 {"reborn":1}')
  const third = await ours(server, 'alice')
  await third.close()
  await bob.sees('ended 11')
})

it('[S44] a stock client whose former socket is dead gets its id back after the probe, and is asked again', async () => {
  const server = await startServer({ probeTimeoutMs: 50 })
  const dead = await announced(stock(server), 1)
  const bob = await announced(ours(server, 'bob'), 2)
  dead.ws.pause()
  const again = await stock(server)
  again.send(awarenessFrame(entry(1, 1)))
  await bob.sees('ended 1')
  await again.sees('query')
  again.send(awarenessFrame(entry(1, 2, { back: 1 })))
  await bob.sees('entry 1@2 {"back":1}')
  expect(server.stats().counts).toMatchObject({ 'closed-silent': 1, 'dropped-second-binder': 1 })
})

it('[S44] a claim costs a living socket nothing', async () => {
  const server = await startServer({ probeTimeoutMs: 20 })
  const alice = await announced(stock(server), 1)
  const mallory = await stock(server)
  let pings = 0
  alice.ws.on('ping', () => pings++)
  for (let round = 1; round <= 3; round++) {
    mallory.send(awarenessFrame(entry(1, round)))
    await until(`probe ${round}`, () => pings >= round)
    // The next claim starts a new probe only when the last one is over.
    await until('the probe to be over', async () => {
      mallory.send(awarenessFrame(entry(1, round)))
      await mallory.isHandled()
      return pings > round
    })
  }
  expect(alice.ended).toBeUndefined()
  expect(server.stats().counts['closed-silent']).toBeUndefined()
})

it('[S45] a stock client that is back with a clock the room saw end is told so, and raises it', async () => {
  const server = await startServer()
  const bob = await announced(stock(server), 2)
  const alice = await announced(stock(server), 1)
  await alice.close()
  await bob.sees('gone 1@1')
  const again = await announced(stock(server), 1)
  await again.sees('gone 1@1')
  const fresh = await stock(server)
  fresh.send(awarenessFrame(entry(4, 1)))
  await fresh.isHandled()
  expect(fresh.frames().join()).not.toMatch('gone')
})

it('[S46] a malformed frame closes its own socket with 1007', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const bob = await announced(stock(server), 2)
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
    const mallory = await stock(server)
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
  const mallory = await stock(server)
  mallory.send('{"type":"ping"}')
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1003 })
})

it('[S47] unknown frames and updates of too many entries are dropped, their socket goes on', async () => {
  const server = await startServer()
  const alice = await announced(stock(server), 1)
  const bob = await announced(stock(server), 2)
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
  const alice = await stock(server)
  const bob = await connect(server.url)
  const keepAlives = () => alice.frames().filter((frame) => frame === 'empty awareness').length
  await until('three of them', () => keepAlives() >= 3)
  expect(alice.received.at(-1)).toEqual(KEEP_ALIVE_FRAME)
  expect(bob.received).toEqual([])
})

it('[S49] a room is its percent-decoded name, slashes included', async () => {
  const server = await startServer()
  const alice = await stock(server, 'a%20b/%C3%A9')
  const bob = await connect(`${server.url}/yjs/a b/é?x=1`)
  alice.send(updateFrame)
  await bob.sees('sync 2')
  expect(server.stats().rooms).toBe(1)
  await Promise.all([alice.close(), bob.close()])
  await until('no room', () => server.stats().rooms === 0)
})
