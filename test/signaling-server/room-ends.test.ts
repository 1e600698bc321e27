/** The end of a socket in a room: to whom it is told, who comes back, and who takes over. */
import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { encodeEndedFrame } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'
import { announced, awarenessFrame, entry, joinOurs, joinStock, startServer } from './kit.ts'

it('[S41] the end of a socket is told: ours that it ended, stock clients that the entry is gone', async () => {
  const server = await startServer()
  const alice = await announced(joinStock(server), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  const carol = await announced(joinStock(server), 3)
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
  const alice = await announced(joinStock(server), 1)
  const nobody = await joinStock(server)
  const bob = await announced(joinOurs(server, 'bob'), 2)
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
  await announced(joinOurs(server, 'alice'), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  const mallory = await announced(joinOurs(server, 'mallory'), 3)
  mallory.send(encodeEndedFrame(1 as ClientId))
  mallory.send(encodeEndedFrame(3 as ClientId))
  await mallory.isHandled()
  await bob.isHandled()
  expect(bob.frames().join()).not.toMatch('ended')
  expect(server.stats().counts['dropped-forged-ended']).toBe(2)
})

it('[S43] a socket with the key of a living one replaces it at once, and nobody hears of it', async () => {
  const server = await startServer()
  const alice = await announced(joinOurs(server, 'alice'), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  const carol = await announced(joinStock(server), 3)
  const again = await joinOurs(server, 'alice')
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

it('[S43] a replacement in a room without others is met by who comes later', async () => {
  const server = await startServer()
  await announced(joinOurs(server, 'alice'), 1)
  const again = await announced(joinOurs(server, 'alice'), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  await again.sees('entry 2@1 {}')
  again.send(awarenessFrame(entry(1, 2)))
  await bob.sees('entry 1@2 {}')
  expect(server.stats()).toMatchObject({ connections: 2, rooms: 1 })
})

it('[S43] a replacement that has not spoken yet ends as its client, and one that is another client ends the former', async () => {
  const server = await startServer()
  await announced(joinOurs(server, 'alice'), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  const again = await joinOurs(server, 'alice')
  again.send(awarenessFrame(entry(11, 1, { reborn: 1 })))
  await bob.sees('ended 1')
  await bob.sees('entry 11@1 {"reborn":1}')
  const third = await joinOurs(server, 'alice')
  await third.close()
  await bob.sees('ended 11')
})

it('[S44] a stock client whose former socket is dead gets its id back after the probe, and is asked again', async () => {
  const server = await startServer({ probeTimeoutMs: 500 })
  const dead = await announced(joinStock(server), 1)
  const bob = await announced(joinOurs(server, 'bob'), 2)
  dead.ws.pause()
  const again = await joinStock(server)
  again.send(awarenessFrame(entry(1, 1)))
  await bob.sees('ended 1')
  await again.sees('query')
  again.send(awarenessFrame(entry(1, 2, { back: 1 })))
  await bob.sees('entry 1@2 {"back":1}')
  expect(server.stats().counts).toMatchObject({ 'closed-silent': 1, 'dropped-second-binder': 1 })
})

it('[S44] a claim costs a living socket nothing', async () => {
  const server = await startServer({ probeTimeoutMs: 400 })
  const alice = await announced(joinStock(server), 1)
  const mallory = await joinStock(server)
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
  const bob = await announced(joinStock(server), 2)
  const alice = await announced(joinStock(server), 1)
  await alice.close()
  await bob.sees('gone 1@1')
  const again = await announced(joinStock(server), 1)
  await again.sees('gone 1@1')
  again.send(awarenessFrame(entry(1, 1)))
  await again.isHandled()
  expect(again.frames().filter((frame) => frame === 'gone 1@1')).toHaveLength(1)
  const fresh = await joinStock(server)
  fresh.send(awarenessFrame(entry(4, 1)))
  await fresh.isHandled()
  expect(fresh.frames().join()).not.toMatch('gone')
  await again.close()
  const one = await announced(joinOurs(server, 'alice'), 1)
  expect(one.frames().join()).not.toMatch('gone')
})
