/** The client against a real server: it proves, joins, carries, comes back, and ends without a trace. */
import { expect, it } from 'vitest'
import { createSignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { bytesOf, identityOf, onTopic, randomTopic } from '../signaling-server/blind-kit.ts'
import { startServer } from '../signaling-server/kit.ts'
import { join, startClient } from './kit.ts'

it('[G20] a client proves who it is, joins, and tells of the others in the order of the server', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = startClient({ name: 'alice', url: server.url })
  expect(alice.client.state()).toBe('closed')
  const inAlice = join(alice.client, topic)
  expect(inAlice.heard).toEqual([])
  expect(alice.client.state()).toBe('connecting')
  await inAlice.hears('members ')
  expect(alice.client.state()).toBe('open')
  const bob = startClient({ name: 'bob', url: server.url })
  const inBob = join(bob.client, topic)
  await inBob.hears('members alice')
  await inAlice.hears('joined bob')
  expect(inBob.handle.send(alice.identity.connectionId, bytesOf('to one'))).toBe(true)
  expect(inBob.handle.cast(bytesOf('to all'))).toBe(true)
  await inAlice.hears('from bob to all')
  await bob.client.stop()
  await inAlice.hears('left bob 0')
  expect(inAlice.heard).toEqual(['members ', 'joined bob', 'from bob to one', 'from bob to all', 'left bob 0'])
  expect(alice.rejects.totals()).toEqual({})
  expect(inBob.heard).toEqual(['members alice'])
})

it('[G20] the client meets a socket that was written by hand, in both directions', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const bob = await onTopic(server, identityOf('bob'), topic)
  const alice = startClient({ name: 'alice', url: server.url })
  const inAlice = join(alice.client, topic)
  await inAlice.hears('members bob')
  inAlice.handle.cast(bytesOf('hi'))
  await bob.hears('from alice hi')
  bob.say({ kind: 'send', topic, to: alice.identity.connectionId, payload: bytesOf('hello') })
  await inAlice.hears('from bob hello')
  const { sent, received } = alice.client.traffic()
  const { host } = new URL(server.url)
  expect(sent).toEqual({ messages: 3, bytes: 98 + host.length + 33 + 36 })
  expect(received.messages).toBe(4)
})

it('[G21] the topics of one client share a socket and know nothing of each other', async () => {
  const server = await startServer()
  const [topic, other] = [randomTopic(), randomTopic()]
  const alice = startClient({ name: 'alice', url: server.url })
  const [one, two] = [join(alice.client, topic), join(alice.client, other)]
  await one.hears('members ')
  await two.hears('members ')
  const bob = startClient({ name: 'bob', url: server.url })
  const inBob = join(bob.client, topic)
  await inBob.hears('members alice')
  await one.hears('joined bob')
  inBob.handle.cast(bytesOf('hi'))
  await one.hears('from bob hi')
  expect(two.heard).toEqual(['members '])
  expect(server.stats()).toMatchObject({ connections: 2, topics: 2 })
  await one.handle.leave()
  await inBob.hears('left alice 0')
  expect(two.handle.isOpen).toBe(true)
  expect(one.handle.isOpen).toBe(false)
  expect(one.handle.cast(bytesOf('gone'))).toBe(false)
  await two.handle.leave()
  await until('one socket', () => server.stats().connections === 1)
  expect(alice.client.state()).toBe('closed')
})

it('[G22] a server that goes and comes back is a loss and no leave, and all is as before', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const alice = startClient({ name: 'alice', url: server.url })
  const inAlice = join(alice.client, topic)
  await inAlice.hears('members ')
  // Not before: which of two sockets is on the topic first is nobody's to say.
  const inBob = join(startClient({ name: 'bob', url: server.url }).client, topic)
  await until('both', () => inAlice.heard.join().includes('bob') && inBob.heard.join().includes('alice'))
  await server.close()
  await inAlice.hears('lost')
  await inBob.hears('lost')
  expect(inAlice.handle.cast(bytesOf('into the void'))).toBe(false)
  const again = await startServer({ port: server.port })
  const backAt = performance.now()
  await until('both to be back', () => again.stats().topics === 1 && inAlice.handle.isOpen && inBob.handle.isOpen)
  expect(performance.now() - backAt).toBeLessThan(2_500)
  inAlice.handle.cast(bytesOf('again'))
  await until('the word', () => inBob.heard.at(-1) === 'from alice again', { seen: () => inBob.heard })
  expect([...inAlice.heard, ...inBob.heard].join()).not.toMatch('left')
})

it('[G22] a server that comes later is found', async () => {
  const { port } = await startServer()
  const later = createSignalingServer({ port: 0 })
  await later.ready
  await later.close()
  expect(later.port).not.toBe(port)
  const alice = startClient({ name: 'alice', url: later.url })
  const inAlice = join(alice.client, randomTopic())
  await until('a failure', () => alice.client.state() === 'closed')
  await startServer({ port: later.port })
  await inAlice.hears('members ')
})

it('[G23] a socket that is lost to one member alone is replaced, and the others hear of one leave and one join at most', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const sockets: { terminate(): void }[] = []
  const { systemPlatform } = await import('../../lib/signaling/system.ts')
  const platform = {
    ...systemPlatform,
    loadWebSocket: async () => {
      const Base = await systemPlatform.loadWebSocket()
      return class extends Base {
        constructor(url: string, protocols: string) {
          super(url, protocols)
          sockets.push(this as unknown as { terminate(): void })
        }
      }
    },
  }
  const alice = startClient({ name: 'alice', url: server.url })
  const bob = startClient({ name: 'bob', url: server.url, platform })
  const inAlice = join(alice.client, topic)
  await inAlice.hears('members ')
  const inBob = join(bob.client, topic)
  await inAlice.hears('joined bob')
  sockets[0]?.terminate()
  await inBob.hears('lost')
  await until('bob to be back', () => inBob.handle.isOpen)
  inBob.handle.cast(bytesOf('back'))
  await inAlice.hears('from bob back')
  expect(inAlice.heard.slice(1)).toEqual(['joined bob', 'left bob 0', 'joined bob', 'from bob back'])
  expect(inBob.heard).toEqual(['members alice', 'lost', 'members alice'])
})

it('[G26] several may be on one topic: each is told, and the server hears of the first and the last', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const bob = await onTopic(server, identityOf('bob'), topic)
  const alice = startClient({ name: 'alice', url: server.url })
  const first = join(alice.client, topic)
  await first.hears('members bob')
  const second = join(alice.client, topic)
  expect(second.heard).toEqual([])
  await second.hears('members bob')
  bob.say({ kind: 'cast', topic, payload: bytesOf('hi') })
  await first.hears('from bob hi')
  await second.hears('from bob hi')
  await first.handle.leave()
  await first.handle.leave()
  bob.say({ kind: 'cast', topic, payload: bytesOf('you') })
  await second.hears('from bob you')
  expect(first.heard).toEqual(['members bob', 'from bob hi'])
  second.handle.cast(bytesOf('still here'))
  await bob.hears('from alice still here')
  await second.handle.leave()
  await bob.hears('left alice 0')
  expect(bob.words()).toEqual(['members ', 'joined alice', 'from alice still here', 'left alice 0'])
})

it('[G26] who leaves its last topic and joins at once is left and joined, in this order', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const bob = await onTopic(server, identityOf('bob'), topic)
  const alice = startClient({ name: 'alice', url: server.url })
  const first = join(alice.client, topic)
  await first.hears('members bob')
  void first.handle.leave()
  const second = join(alice.client, topic)
  await second.hears('members bob')
  await until('the words', () => bob.words().length === 4, { seen: bob.words })
  expect(bob.words()).toEqual(['members ', 'joined alice', 'left alice 0', 'joined alice'])
})

it('[G27] what was sent before a leave or a stop still arrives', async () => {
  const server = await startServer()
  const topic = randomTopic()
  const bob = await onTopic(server, identityOf('bob'), topic)
  for (const end of ['leave', 'stop'] as const) {
    const alice = startClient({ name: end, url: server.url })
    const inAlice = join(alice.client, topic)
    await inAlice.hears('members bob')
    inAlice.handle.cast(new Uint8Array(200_000))
    inAlice.handle.cast(bytesOf('goodbye'))
    await (end === 'leave' ? inAlice.handle.leave() : alice.client.stop())
    await bob.hears(`from ${end} goodbye`)
    await bob.hears(`left ${end} 0`)
  }
})

it('[G27] nothing is left after stop, at whatever moment: no timer, no socket', async () => {
  const kinds = ['Timeout', 'TCPSocketWrap', 'TCPWrap', 'GetAddrInfoReqWrap', 'TCPConnectWrap']
  const resources = () =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => kinds.includes(kind))
      .sort()
  const server = await startServer()
  const nowhere = createSignalingServer({ port: 0 })
  await nowhere.ready
  await nowhere.close()
  // Those of the running server; the tests before this one may still be ending.
  const before = ['Timeout', 'Timeout']
  await until('quiet', () => resources().join() === before.join(), { seen: resources })
  for (const moment of ['at once', 'connecting', 'open', 'waiting'] as const) {
    const alice = startClient({ name: 'alice', url: moment === 'waiting' ? nowhere.url : server.url })
    const inAlice = join(alice.client, randomTopic())
    if (moment === 'connecting') await until('a socket', () => server.stats().connections === 1, { everyMs: 0 })
    if (moment === 'open') await inAlice.hears('members ')
    if (moment === 'waiting') await until('a failure', () => alice.client.state() === 'closed')
    const heard = inAlice.heard.length
    const startedAt = performance.now()
    await alice.client.stop()
    await alice.client.stop()
    expect(performance.now() - startedAt, moment).toBeLessThan(1_000)
    await until(`nothing to be left: ${moment}`, () => resources().join() === before.join(), { seen: resources })
    expect(inAlice.heard.length, moment).toBe(heard)
    expect(join(alice.client, randomTopic()).handle.isOpen).toBe(false)
    expect(resources(), moment).toEqual(before)
  }
})

it('[G30] a client keeps a Node process alive while it is on a topic, though its server is away, and not after', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const nowhere = createSignalingServer({ port: 0 })
  await nowhere.ready
  await nowhere.close()
  await until('quiet', () => timers() === 0, { seen: timers })
  const before = timers()
  const alice = startClient({ name: 'alice', url: nowhere.url })
  expect(timers()).toBe(before)
  const inAlice = join(alice.client, randomTopic())
  await until('a failure', () => alice.client.state() === 'closed')
  expect(timers()).toBe(before + 1)
  await inAlice.handle.leave()
  expect(timers()).toBe(before)
})
