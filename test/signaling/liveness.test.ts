/** When the client doubts a connection, and when it tries again: over sockets that the test plays, in virtual time. */
import { expect, it } from 'vitest'
import type { Platform } from '../../lib/signaling/system.ts'
import { createVirtualClock, settleMicrotasks } from '../kit/virtual-clock.ts'
import { bytesOf, randomTopic } from '../signaling-server/blind-kit.ts'
import { createPlayedPlatform, idOf, join, longestDelays, startClient } from './kit.ts'

/** Alice, on one topic of a server that the test plays; open unless told otherwise. */
async function playedAlice({ isOpen = true, platform = createPlayedPlatform() } = {}) {
  const clock = createVirtualClock()
  const topic = randomTopic()
  const alice = startClient({ name: 'alice', url: 'ws://played', clock, platform, random: longestDelays })
  const member = join(alice.client, topic)
  await settleMicrotasks()
  if (isOpen) {
    await platform.socket().welcome()
    platform.socket().say({ kind: 'members', topic, members: [] })
  }
  return { ...alice, ...member, clock, topic, platform, pings: () => countOf(platform.socket().kinds(), 'ping') }
}
const countOf = (kinds: readonly string[], kind: string) => kinds.filter((each) => each === kind).length

it('[G25] a connection that is quiet for 3 s is asked, and stays while it answers', async () => {
  const { clock, platform, pings, handle, heard } = await playedAlice()
  await clock.advance(2_900)
  expect(pings()).toBe(0)
  for (let round = 1; round <= 5; round++) {
    await clock.advance(200)
    expect(pings()).toBe(round)
    platform.socket().say({ kind: 'pong' })
    await clock.advance(2_900)
  }
  expect(platform.sockets).toHaveLength(1)
  expect(handle.isOpen).toBe(true)
  expect(heard).toEqual(['members '])
})

it('[G25] whatever is heard is a sign of life', async () => {
  const { clock, platform, topic, pings } = await playedAlice()
  for (let round = 0; round < 10; round++) {
    await clock.advance(2_900)
    platform.socket().say({ kind: 'joined', topic, connectionId: idOf('bob') })
  }
  expect(pings()).toBe(0)
})

it('[G25] a connection that does not answer within 5 s is replaced, in silence of 8 s, which is told', async () => {
  const { clock, platform, topic, handle, heard, lostAfterMs, client, rejects } = await playedAlice()
  await clock.advance(7_900)
  expect(handle.isOpen).toBe(true)
  await clock.advance(200)
  expect(heard.at(-1)).toBe('lost')
  expect(lostAfterMs).toEqual([8_000])
  expect(platform.socket().readyState).toBe(platform.socket().CLOSING)
  expect(client.state()).toBe('closed')
  const old = platform.socket()
  await clock.advance(300)
  expect(platform.sockets).toHaveLength(2)
  await platform.socket().welcome()
  platform.socket().say({ kind: 'members', topic, members: [] })
  // What the old one still says is not heard, and its late end ends nothing.
  old.say({ kind: 'from', topic, from: idOf('bob'), payload: bytesOf('late') })
  old.end()
  expect(handle.isOpen).toBe(true)
  expect(heard.slice(1)).toEqual(['lost', 'members '])
  platform.socket().end()
  expect(lostAfterMs).toEqual([8_000, 0])
  expect(rejects.totals()).toEqual({})
})

it('[G25] after a sleep of our own the connection is asked once more before it is judged', async () => {
  const { clock, platform, pings, handle } = await playedAlice()
  await clock.advance(5_000)
  expect(pings()).toBe(1)
  clock.sleep(3_600_000)
  await clock.advance(0)
  await clock.advance(0)
  expect(pings()).toBe(2)
  expect(handle.isOpen).toBe(true)
  platform.socket().say({ kind: 'pong' })
  await clock.advance(4_000)
  expect(handle.isOpen).toBe(true)
})

it('[G25] timers once a minute do not keep a dead connection for ever', async () => {
  const { clock, handle } = await playedAlice()
  for (let minute = 0; minute < 4; minute++) {
    clock.sleep(60_000)
    await clock.advance(1)
  }
  expect(handle.isOpen).toBe(false)
})

it('[G25] wake asks an open connection at once, and only once', async () => {
  const { clock, platform, pings, client, handle } = await playedAlice()
  client.wake()
  client.wake()
  expect(pings()).toBe(1)
  await clock.advance(3_000)
  await clock.advance(0)
  expect(handle.isOpen).toBe(false)
  client.wake()
  await settleMicrotasks()
  expect(platform.sockets).toHaveLength(2)
})

it('[G24] a join while a retry is waited for dials no sooner and no second time', async () => {
  const { clock, platform, client } = await playedAlice({ isOpen: false })
  platform.socket().end()
  join(client, randomTopic())
  await settleMicrotasks()
  expect(platform.sockets).toHaveLength(1)
  await clock.advance(300)
  expect(platform.sockets).toHaveLength(2)
  join(client, randomTopic())
  await clock.advance(2_000)
  expect(platform.sockets).toHaveLength(2)
  await platform.socket().welcome()
  expect(countOf(platform.socket().kinds(), 'join')).toBe(3)
})

it('[G26] who leaves its last topic and joins again dials when the old socket has closed, or after 0.5 s', async () => {
  const { clock, platform, client, handle, topic } = await playedAlice()
  void handle.leave()
  join(client, topic)
  await clock.advance(100)
  expect(platform.sockets).toHaveLength(1)
  platform.socket().end(1000)
  await settleMicrotasks()
  expect(platform.sockets).toHaveLength(2)
  await platform.socket().welcome()
  await client.stop({ isImmediate: true })
  const never = await playedAlice()
  void never.handle.leave()
  join(never.client, never.topic)
  await never.clock.advance(499)
  expect(never.platform.sockets).toHaveLength(1)
  await never.clock.advance(1)
  expect(never.platform.sockets).toHaveLength(2)
})

it('[G24] word that the network is back tries again at once', async () => {
  const { clock, platform, client } = await playedAlice({ isOpen: false })
  for (let failure = 0; failure < 6; failure++) {
    platform.socket().end()
    await clock.advance(2_000)
  }
  platform.socket().end()
  await settleMicrotasks()
  const before = platform.sockets.length
  expect(client.state()).toBe('closed')
  platform.goOnline()
  await settleMicrotasks()
  expect(platform.sockets).toHaveLength(before + 1)
  platform.goOnline()
  await clock.advance(2_000)
  expect(platform.sockets).toHaveLength(before + 1)
})

it('[G24] the delays begin anew only after a connection that stayed: a server that lets in and closes is not asked in a circle', async () => {
  const { clock, platform } = await playedAlice()
  for (let round = 0; round < 400; round++) {
    if (platform.socket().readyState < 2) {
      await platform.socket().welcome()
      platform.socket().end(1013)
    }
    await clock.advance(100)
  }
  // 40 s at limits of 0.5 and 2 s; at 0.3 s it would be 130.
  expect(platform.sockets.length).toBeLessThan(100)
  expect(platform.sockets.length).toBeGreaterThan(15)
})

it('[G24] a server that goes again and again, a second after it came back, is looked for within 0.5 s each time', async () => {
  const { clock, platform } = await playedAlice()
  for (let round = 0; round < 20; round++) {
    await clock.advance(1_000)
    platform.socket().end()
    const lost = platform.sockets.length
    for (let failure = 0; failure < 3; failure++) {
      await clock.advance(500)
      expect(platform.sockets.length, `round ${round}`).toBe(lost + failure + 1)
      if (failure < 2) platform.socket().end()
    }
    await platform.socket().welcome()
  }
})

it('[G24] a server that objects to us is asked seldom', async () => {
  const { clock, platform } = await playedAlice()
  for (let dials = 1; dials <= 5; dials++) {
    platform.socket().end(1008)
    await clock.advance(29_900)
    expect(platform.sockets).toHaveLength(dials)
    await clock.advance(100)
    expect(platform.sockets).toHaveLength(dials + 1)
  }
})

it('[G27] leaving one topic of several resolves when what was sent has left, after 0.3 s at most', async () => {
  const { clock, platform, client } = await playedAlice()
  let hasLeft = false
  const leave = () => {
    hasLeft = false
    void join(client, randomTopic())
      .handle.leave()
      .then(() => {
        hasLeft = true
      })
  }
  platform.socket().bufferedAmount = 100
  leave()
  await clock.advance(200)
  expect(hasLeft).toBe(false)
  platform.socket().bufferedAmount = 0
  await clock.advance(10)
  expect(hasLeft).toBe(true)
  platform.socket().bufferedAmount = 100
  leave()
  await clock.advance(290)
  expect(hasLeft).toBe(false)
  await clock.advance(10)
  expect(hasLeft).toBe(true)
  expect(platform.socket().kinds().slice(-4)).toEqual(['join', 'leave', 'join', 'leave'])
})

it('[G32] a dial that comes to nothing within 5 s is given up, at whatever step it hangs', async () => {
  const { clock, platform } = await playedAlice({ isOpen: false })
  for (let step = 0; step < 3; step++) {
    const hanging = platform.socket()
    if (step > 0) hanging.readyState = 1
    if (step > 1) hanging.say({ kind: 'challenge', nonce: new Uint8Array(32) })
    await clock.advance(4_950)
    expect(hanging.readyState).not.toBe(hanging.CLOSING)
    await clock.advance(50)
    expect(hanging.readyState).toBe(hanging.CLOSING)
    await clock.advance(step === 0 ? 300 : 500)
    expect(platform.socket()).not.toBe(hanging)
  }
})

it('[G32] a platform that forbids the socket, or has none, is asked again like any server', async () => {
  const played = createPlayedPlatform()
  let tries = 0
  const platform: typeof played = {
    ...played,
    loadWebSocket: async () => {
      tries++
      if (tries === 1) throw new Error('no module')
      if (tries === 2) {
        return class {
          constructor() {
            throw new Error('SecurityError')
          }
        } as unknown as Awaited<ReturnType<Platform['loadWebSocket']>>
      }
      return played.loadWebSocket()
    },
  }
  const { clock, client } = await playedAlice({ isOpen: false, platform })
  expect(client.state()).toBe('closed')
  await clock.advance(1_000)
  expect(tries).toBe(3)
  await played.socket().welcome()
  expect(client.state()).toBe('open')
})

it('[G31] a topic that the server does not answer for is asked for again every 10 s', async () => {
  const { clock, platform, topic, client, heard } = await playedAlice()
  const other = join(client, randomTopic())
  const joins = () => countOf(platform.socket().kinds(), 'join')
  expect(joins()).toBe(2)
  for (let second = 0; second < 25; second++) {
    await clock.advance(1_000)
    platform.socket().say({ kind: 'pong' })
  }
  expect(joins()).toBe(4)
  expect(platform.socket().sent.filter((frame) => frame.kind === 'join' && frame.topic === topic)).toHaveLength(0)
  expect(other.heard).toEqual([])
  expect(heard).toEqual(['members '])
})

it('[G27] stop at any step of a dial leaves no timer, and nothing comes of it any more', async () => {
  for (let step = 0; step < 5; step++) {
    const clock = createVirtualClock()
    const platform = createPlayedPlatform()
    const { client } = startClient({ name: 'alice', url: 'ws://played', clock, platform })
    const topic = randomTopic()
    const member = join(client, topic)
    expect(platform.holds()).toBe(1)
    if (step > 0) await settleMicrotasks()
    if (step > 1) platform.socket().say({ kind: 'challenge', nonce: new Uint8Array(32) })
    if (step > 2) await settleMicrotasks()
    if (step > 3) platform.socket().say({ kind: 'welcome' })
    let isDone = false
    const stopping = client.stop().then(() => {
      isDone = true
    })
    const sentBefore = platform.sockets[0]?.sent.length ?? 0
    platform.sockets[0]?.say({ kind: 'challenge', nonce: new Uint8Array(32) })
    platform.sockets[0]?.say({ kind: 'members', topic, members: [idOf('bob')] })
    platform.goOnline()
    client.wake()
    await clock.advance(500)
    await stopping
    expect(isDone, `step ${step}`).toBe(true)
    await clock.advance(100_000)
    expect(clock.timerCount(), `step ${step}`).toBe(0)
    expect(platform.holds()).toBe(0)
    expect(platform.onlineListeners()).toBe(0)
    expect(platform.sockets.length).toBe(step > 0 ? 1 : 0)
    expect(platform.sockets[0]?.sent.length ?? 0).toBe(sentBefore)
    expect(member.heard).toEqual([])
  }
})

it('[G27] an immediate stop waits for nothing', async () => {
  const { client, clock, platform } = await playedAlice()
  await client.stop({ isImmediate: true })
  expect(platform.socket().readyState).toBe(platform.socket().CLOSING)
  await clock.advance(1_000)
  expect(clock.timerCount()).toBe(0)
})
