/** The life of a server: it listens, tells what is there, and ends without a trace. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createSignalingServer, type SignalingServerOptions } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { awarenessFrame, connect, connectRaw, entry, keyOf, startServer, upgradeRequest } from './kit.ts'

const SERVER_LIFE = fileURLToPath(new URL('server-life.ts', import.meta.url))

it('[S1] ready resolves once it listens, and url names the address, with port 0 too', async () => {
  const server = await startServer({ port: 0 })
  expect(server.port).toBeGreaterThan(0)
  expect(server.url).toBe(`ws://127.0.0.1:${server.port}`)
  await connect(server.url)
  expect(createSignalingServer().url).toBe('ws://127.0.0.1:4444')
})

it('[S1] url is right for IPv6, and for every address names one that can be reached', async () => {
  const v6 = await startServer({ host: '::1' })
  expect(v6.url).toBe(`ws://[::1]:${v6.port}`)
  await connect(v6.url)
  const all = await startServer({ host: '0.0.0.0' })
  expect(all.url).toBe(`ws://127.0.0.1:${all.port}`)
  await connect(all.url)
  const all6 = await startServer({ host: '::' })
  await connect(all6.url)
})

it('[S2] ready rejects where the port is in use, and says nothing to those who do not wait for it', async () => {
  const unhandled: unknown[] = []
  const listener = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  const { port } = await startServer()
  const second = createSignalingServer({ port })
  await expect(second.ready).rejects.toThrow(/EADDRINUSE/)
  await second.close()
  createSignalingServer({ port })
  const third = createSignalingServer({ port })
  await expect(third.ready).rejects.toThrow(/EADDRINUSE/)
  // What nobody waits for has failed before; Node reports it at the end of the turn.
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})

it('[S2] ready rejects where there is no folder to serve', async () => {
  await expect(createSignalingServer({ port: 0, demo: '/nonexistent/folder' }).ready).rejects.toThrow(/ENOENT/)
})

it('[S3] close closes every socket with 1001 and then is done, however often it is called', async () => {
  const server = await startServer()
  const alice = await connect(server.url)
  const bob = await connect(`${server.url}/yjs/room`)
  const closing = server.close()
  expect(server.close()).toBe(closing)
  await closing
  await until('both to end', () => alice.ended && bob.ended)
  expect([alice.ended, bob.ended]).toEqual([{ code: 1001 }, { code: 1001 }])
  expect(server.stats()).toMatchObject({ connections: 0, topics: 0, rooms: 0 })
  await expect(connect(server.url)).rejects.toThrow(/ECONNREFUSED/)
  await createSignalingServer({ port: 0 }).close()
})

it('[S3] a server that ends tells no room that its members ended', async () => {
  const server = await startServer()
  const alice = await connect(`${server.url}/yjs/room?copresence=${keyOf('alice')}`)
  const bob = await connect(`${server.url}/yjs/room?copresence=${keyOf('bob')}`)
  const carol = await connect(`${server.url}/yjs/room`)
  for (const [index, member] of [alice, bob, carol].entries()) {
    member.send(awarenessFrame(entry(index + 1, 1)))
    await member.isHandled()
  }
  await server.close()
  await until('all to end', () => alice.ended && bob.ended && carol.ended)
  expect([...alice.frames(), ...bob.frames(), ...carol.frames()].join()).not.toMatch(/ended|gone/)
})

it('[S3] those who do not answer are cut off after the close timeout', async () => {
  const server = await startServer({ closeTimeoutMs: 50 })
  const silent = await connectRaw(server)
  silent.tcp.write(upgradeRequest('/yjs/room'))
  const idle = await connectRaw(server)
  await until('the socket', () => server.stats().connections === 1)
  await server.close()
  await until('both to end', () => silent.isEnded() && idle.isEnded())
})

it('[S3] nothing is left of a server: no timer, no socket', async () => {
  // In a process of its own, where nothing else comes and goes.
  const child = spawn(process.execPath, ['--import', 'tsx', SERVER_LIFE], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  const [code] = await once(child, 'exit')
  const { before, during, after } = JSON.parse(said)
  expect(during.length).toBeGreaterThan(before.length + 7)
  expect([code, after]).toEqual([0, before])
})

it('[S4] two servers of one process know nothing of each other', async () => {
  const [one, two] = [await startServer(), await startServer()]
  const alice = await connect(`${one.url}/yjs/room`)
  const bob = await connect(`${two.url}/yjs/room`)
  alice.send(awarenessFrame(entry(1, 1)))
  await alice.isHandled()
  await bob.isHandled()
  expect(bob.frames()).toEqual([])
  expect(two.stats().counts).toEqual({})
})

it.each<[string, object]>([
  ['port is 65536', { port: 65_536 }],
  ['port is 1.5', { port: 1.5 }],
  ['host is ""', { host: '' }],
  ['origins has "example.org"', { origins: ['example.org'] }],
  ['origins has "https://a.b/"', { origins: ['https://a.b/'] }],
  ['hosts is "a.b", but must be an array', { hosts: 'a.b' }],
  ['hosts has "https://a.b"', { hosts: ['https://a.b'] }],
  ['hosts has "A.b"', { hosts: ['A.b'] }],
  ['hosts has "a.b/"', { hosts: ['a.b:1', 'a.b/'] }],
  ['hosts has ""', { hosts: [''] }],
  ['maxSockets is 0', { maxSockets: 0 }],
  ['maxSockets is NaN', { maxSockets: Number.NaN }],
  ['maxSockets is "9"', { maxSockets: '9' }],
  ['pingIntervalMs is 2147483648, but must be a whole number of ms from 1 to 2147483647', { pingIntervalMs: 2 ** 31 }],
  ['silenceTimeoutMs is 10, but pingIntervalMs is 1350', { silenceTimeoutMs: 10 }],
  ['the first must be 524352 at least', { maxBacklogBytes: 524_288 }],
  ['maxByteBurst is 10, but maxPayloadBytes is 524288', { maxByteBurst: 10 }],
  ['maxSocket is no option', { maxSocket: 1 }],
])('[S5] a bad option throws at once and says what it must be: %s', (text, options) => {
  const create = () => createSignalingServer(options as SignalingServerOptions)
  expect(create).toThrow(expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(text) }))
})

it('[S6] stats is a plain snapshot that does not change', async () => {
  const server = await startServer()
  const before = server.stats()
  const alice = await connect(server.url)
  alice.sendJson({ type: 'subscribe', topics: ['a', 'b'] })
  await connect(`${server.url}/yjs/room`)
  await alice.isHandled()
  expect(server.stats()).toEqual({ connections: 2, topics: 2, rooms: 1, counts: { received: 1 } })
  expect(before).toEqual({ connections: 0, topics: 0, rooms: 0, counts: {} })
})
