/** What a socket may cost: sizes, rates, backlog, silence and slowness. The others go on, and the process does. */
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { awarenessFrame, connect, connectRaw, entry, type Probe, startServer, upgradeRequest } from './kit.ts'

const room = (server: SignalingServer): Promise<Probe> => connect(`${server.url}/yjs/room`)
const count = (server: SignalingServer, event: keyof ReturnType<SignalingServer['stats']>['counts']) =>
  server.stats().counts[event] ?? 0

/** A masked frame as a client sends it, by hand: `first` is FIN and opcode; `length` may lie. */
function rawFrame(first: number, payload: Uint8Array, length = payload.length): Buffer {
  const size =
    length < 126
      ? Buffer.of(0x80 | length)
      : length < 65_536
        ? Buffer.of(0x80 | 126, length >> 8, length & 255)
        : Buffer.of(0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255)
  return Buffer.concat([Buffer.of(first), size, Buffer.alloc(4), payload])
}

async function rawSocket(server: SignalingServer, path = '/yjs/room') {
  const raw = await connectRaw(server)
  raw.tcp.write(upgradeRequest(path))
  await until('the upgrade', () => raw.text().includes('101 Switching'))
  return raw
}

/** One that says nothing and reads nothing is not ended for either, however long the test takes: what is under test is its backlog. */
const NO_OTHER_END = { helloTimeoutMs: 60_000, silenceTimeoutMs: 60_000 }

/** Whether two fresh clients of the room still meet. */
async function stillServes(server: SignalingServer): Promise<void> {
  const [alice, bob] = [await room(server), await room(server)]
  alice.send(awarenessFrame(entry(901, 1, { still: 'here' })))
  await bob.sees('entry 901@1 {"still":"here"}')
  await alice.close()
  await bob.close()
}

it.each(['/', '/yjs/room'])('[S50] a message over the limit closes its own socket with 1009: %s', async (path) => {
  const server = await startServer({ maxPayloadBytes: 1_000 })
  const mallory = await connect(server.url + path)
  mallory.send(path === '/' ? 'x'.repeat(1_001) : new Uint8Array(1_001))
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1009 })
  expect(count(server, 'closed-too-large')).toBe(1)
  await stillServes(server)
})

it('[S50] a length that is announced is refused before its bytes come, in pieces too', async () => {
  const server = await startServer({ closeTimeoutMs: 50 })
  const announced = await rawSocket(server)
  announced.tcp.write(rawFrame(0x82, Buffer.alloc(10), 600_000))
  await until('the end', announced.isEnded)
  const pieces = await rawSocket(server)
  pieces.tcp.write(rawFrame(0x02, Buffer.alloc(60_000)))
  for (let piece = 0; piece < 9; piece++) pieces.tcp.write(rawFrame(0x00, Buffer.alloc(60_000)))
  await until('the end', pieces.isEnded)
  const tiny = await rawSocket(server)
  tiny.tcp.write(Buffer.concat([rawFrame(0x02, Buffer.of(1)), ...Array(3_000).fill(rawFrame(0x00, Buffer.of(1)))]))
  await until('the end', tiny.isEnded)
  expect(count(server, 'closed-too-large') + count(server, 'closed-protocol')).toBe(3)
  await stillServes(server)
})

it.each<[string, Buffer]>([
  ['reserved bits', rawFrame(0xf2, Buffer.of(1))],
  ['an unknown opcode', rawFrame(0x83, Buffer.of(1))],
  ['no mask', Buffer.of(0x82, 1, 3)],
  ['a continuation of nothing', rawFrame(0x80, Buffer.of(1))],
  ['a ping over 125 bytes', rawFrame(0x89, Buffer.alloc(126))],
  ['a ping in pieces', rawFrame(0x09, Buffer.of(1))],
  ['text that is no UTF-8', rawFrame(0x81, Buffer.of(0xff, 0xfe))],
  ['a close of one byte', rawFrame(0x88, Buffer.of(3))],
  ['a close with a bad code', rawFrame(0x88, Buffer.of(0, 1))],
  ['a length of 2^63', Buffer.from('82ffffffffffffffffff00000000', 'hex')],
])('[S51] ill-formed WebSocket frames close their own socket: %s', async (_what, bytes) => {
  const server = await startServer({ closeTimeoutMs: 50 })
  for (const path of ['/', '/yjs/room']) {
    const raw = await rawSocket(server, path)
    raw.tcp.write(bytes)
    await until('the end', raw.isEnded)
  }
  expect(count(server, 'closed-protocol') + count(server, 'closed-too-large')).toBe(2)
  await stillServes(server)
})

it('[S52] compression is not spoken', async () => {
  const server = await startServer()
  const alice = await connect(server.url, { perMessageDeflate: true })
  expect(alice.ws.extensions).toBe('')
})

it.each(['/', '/yjs/room'])(
  '[S53] more messages than the rate allows close their own socket with 1013: %s',
  async (path) => {
    // As slow as may be: at 10/s a pause of 100 ms while the server reads is one message more.
    const server = await startServer({ maxMessagesPerSecond: 1, maxMessageBurst: 50 })
    const alice = await room(server)
    const mallory = await connect(server.url + path)
    for (let index = 0; index < 200; index++) mallory.send(path === '/' ? '{"type":"ping"}' : Uint8Array.of(1, 1, 0))
    expect(await until('the end', () => mallory.ended)).toEqual({ code: 1013 })
    expect(count(server, 'closed-flood')).toBe(1)
    expect(count(server, 'received')).toBe(50)
    expect(alice.ended).toBeUndefined()
    await stillServes(server)
  },
)

it('[S53] pings and pongs count as messages', async () => {
  const server = await startServer({ maxMessagesPerSecond: 10, maxMessageBurst: 50 })
  for (const kind of ['ping', 'pong'] as const) {
    const mallory = await room(server)
    for (let index = 0; index < 200; index++) mallory.ws[kind]()
    expect(await until('the end', () => mallory.ended), kind).toEqual({ code: 1013 })
  }
  await stillServes(server)
})

it('[S53] more bytes than the rate allows close their own socket with 1013', async () => {
  const server = await startServer({ maxPayloadBytes: 10_000, maxByteBurst: 50_000, maxBytesPerSecond: 1_000 })
  const mallory = await room(server)
  for (let index = 0; index < 10; index++) mallory.send(Buffer.concat([Buffer.of(77), Buffer.alloc(9_000)]))
  expect(await until('the end', () => mallory.ended)).toEqual({ code: 1013 })
  expect(count(server, 'received')).toBe(5)
  await stillServes(server)
})

it('[S54] what a stock client repeats of what it was sent does not count against its rates, and no more than that', async () => {
  const server = await startServer({ maxMessagesPerSecond: 1, maxMessageBurst: 30 })
  const bob = await room(server)
  bob.send(awarenessFrame(entry(2, 1)))
  await bob.isHandled()
  for (let round = 0; round < 5; round++) {
    const alice = await room(server)
    for (let clock = 1; clock <= 20; clock++) {
      alice.send(awarenessFrame(entry(100 + round, clock)))
      await bob.sees(`entry ${100 + round}@${clock} {}`)
      bob.send(awarenessFrame(entry(100 + round, clock)))
    }
    await bob.isHandled()
    await alice.close()
  }
  expect(bob.ended).toBeUndefined()
  expect(count(server, 'dropped-echo')).toBe(100)
  for (let index = 0; index < 40; index++) bob.send(awarenessFrame(entry(100, 20)))
  expect(await until('the end', () => bob.ended)).toEqual({ code: 1013 })
})

it('[S55] a socket that does not read holds back at most its limit, then is cut off, and the others go on', async () => {
  const maxBacklogBytes = 1_048_576
  const server = await startServer({ ...NO_OTHER_END, maxBytesPerSecond: 1e9, maxByteBurst: 1e9, maxBacklogBytes })
  const stuck = await rawSocket(server)
  stuck.tcp.pause()
  const alice = await room(server)
  const bob = await room(server)
  await until('three', () => server.stats().connections === 3)
  let held = 0
  let clock = 0
  await until(
    'the cut',
    async () => {
      alice.send(awarenessFrame(entry(1, ++clock, { text: 'x'.repeat(70_000) })))
      await alice.isHandled()
      // Measured from outside: what all sockets of this process have been given and have not passed on.
      const waiting = [...openServerSockets()].map((socket) => socket.writableLength)
      held = Math.max(held, ...waiting)
      return count(server, 'closed-backlog') === 1
    },
    { everyMs: 0, timeoutMs: 20_000, seen: () => ({ clock, held }) },
  )
  expect(held).toBeGreaterThan(0)
  expect(held).toBeLessThanOrEqual(maxBacklogBytes + 64)
  expect(server.stats().connections).toBe(2)
  await until('bob to have all', () => bob.frames().some((frame) => frame.startsWith(`entry 1@${clock} `)))
})

it('[S63] messages that wait are counted too, since a small one costs more memory than its bytes', async () => {
  const maxBacklogMessages = 50
  const server = await startServer({
    ...NO_OTHER_END,
    maxBytesPerSecond: 1e9,
    maxByteBurst: 1e9,
    maxMessagesPerSecond: 1e6,
    maxMessageBurst: 1e6,
    maxBacklogMessages,
  })
  const stuck = await rawSocket(server)
  stuck.tcp.pause()
  const alice = await room(server)
  await until('both', () => server.stats().connections === 2)
  let clock = 0
  let held = 0
  await until(
    'the cut',
    async () => {
      // The system's own buffers take some thousand of them first: too many to wait for each.
      for (let n = 0; n < 20; n++) alice.send(awarenessFrame(entry(1, ++clock, { text: 'x'.repeat(10_000) })))
      await alice.isHandled()
      held = Math.max(held, ...[...openServerSockets()].map((socket) => socket.writableLength))
      return count(server, 'closed-backlog') === 1
    },
    { everyMs: 0, timeoutMs: 20_000, seen: () => ({ clock, held }) },
  )
  expect(held).toBeLessThan(maxBacklogMessages * 11_000)
})

it('[S62] a state over the limit of one client is dropped, and its socket goes on', async () => {
  const server = await startServer({})
  const alice = await room(server)
  const bob = await room(server)
  await until('both', () => server.stats().connections === 2)
  alice.send(awarenessFrame(entry(1, 1, { text: 'x'.repeat(90_000) })))
  alice.send(awarenessFrame(entry(1, 2, { text: 'fits' })))
  await until('bob to have the second', () => bob.frames().some((frame) => frame.startsWith('entry 1@2 ')))
  expect(bob.frames().some((frame) => frame.startsWith('entry 1@1 '))).toBe(false)
  expect(count(server, 'dropped-bad-state')).toBe(1)
})

/** The TCP sockets of this process. */
function openServerSockets(): { writableLength: number }[] {
  const handles: unknown = Reflect.get(process, '_getActiveHandles').call(process)
  return (handles as unknown[]).filter(
    (handle): handle is { writableLength: number } =>
      typeof handle === 'object' && handle !== null && 'writableLength' in handle && 'remotePort' in handle,
  )
}

it('[S56] a socket without a sign of life is cut off, and its end is told', async () => {
  const server = await startServer({ pingIntervalMs: 200, silenceTimeoutMs: 800 })
  const bob = await room(server)
  const alice = await room(server)
  alice.send(awarenessFrame(entry(1, 1)))
  await alice.isHandled()
  alice.ws.pause()
  await bob.sees('gone 1@1')
  expect(count(server, 'closed-silent')).toBe(1)
  expect(bob.ended).toBeUndefined()
})

it('[S56] a server that slept itself asks before it judges', async () => {
  const server = await startServer({ pingIntervalMs: 200, silenceTimeoutMs: 800 })
  const alice = await room(server)
  let pings = 0
  alice.ws.on('ping', () => pings++)
  await until('a ping', () => pings > 0)
  const wakeAt = performance.now() + 1_600
  while (performance.now() < wakeAt) Math.sqrt(wakeAt)
  const before = pings
  await until('three more pings', () => pings >= before + 3)
  expect(alice.ended).toBeUndefined()
  expect(count(server, 'closed-silent')).toBe(0)
})

it('[S57] a connection that sends no headers, or sends them slowly, ends after the header timeout', async () => {
  const server = await startServer({ headerTimeoutMs: 200 })
  const silent = await connectRaw(server)
  const slow = await connectRaw(server)
  slow.tcp.write('GET / HTTP/1.1\r\nHost: a\r\n')
  const dripping = setInterval(() => slow.tcp.write('X-A: b\r\n'), 20)
  await until('both to end', () => silent.isEnded() && slow.isEnded())
  clearInterval(dripping)
  const body = await connectRaw(server)
  body.tcp.write('GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n')
  await until('the end of one whose body does not come', body.isEnded)
  await stillServes(server)
})

it.each(['/', '/yjs/room'])(
  '[S58] a socket that does not say what it is here for is closed with 1008: %s',
  async (path) => {
    // Alice has to say what she is here for in time too.
    const server = await startServer({ helloTimeoutMs: 3_000 })
    const alice = await connect(server.url + path)
    if (path === '/') alice.sendJson({ type: 'subscribe', topics: ['room'] })
    else alice.send(Uint8Array.of(1, 1, 0))
    const mallory = await connect(server.url + path)
    if (path === '/') mallory.sendJson({ type: 'ping' })
    expect(await until('the end', () => mallory.ended, { timeoutMs: 10_000 })).toEqual({ code: 1008 })
    expect(count(server, 'closed-hello')).toBe(1)
    expect(alice.ended).toBeUndefined()
  },
)

it('[S59] a socket that goes on sending after its close is not heard, and is cut off', async () => {
  const server = await startServer({ closeTimeoutMs: 100 })
  const bob = await room(server)
  const mallory = await rawSocket(server)
  mallory.tcp.write(rawFrame(0x81, Buffer.from('text')))
  for (let clock = 1; clock <= 50; clock++) mallory.tcp.write(rawFrame(0x82, awarenessFrame(entry(1, clock))))
  await until('the end', mallory.isEnded)
  expect(bob.frames().join()).not.toMatch('entry')
  await stillServes(server)
})

it('[S59] sockets that are torn down at any moment leave nothing behind', async () => {
  const server = await startServer()
  for (let round = 0; round < 60; round++) {
    const raw = await connectRaw(server)
    const text = upgradeRequest(round % 2 === 0 ? '/' : '/yjs/room')
    raw.tcp.write(text.slice(0, round < 20 ? round * 8 : text.length))
    if (round < 40) raw.tcp.resetAndDestroy()
    else raw.tcp.end(rawFrame(0x82, awarenessFrame(entry(round, 1))))
  }
  await until('none', () => server.stats().connections === 0, { seen: () => server.stats() })
  expect(server.stats()).toMatchObject({ topics: 0, rooms: 0 })
  await stillServes(server)
})

it('[S59] a name that connects and never opens does no harm to a room that others use', async () => {
  const server = await startServer()
  const alice = await room(server)
  for (let round = 0; round < 20; round++)
    new WebSocket(`${server.url}/yjs/room`).on('error', () => undefined).terminate()
  await alice.isHandled()
  await stillServes(server)
  expect(alice.ended).toBeUndefined()
})
