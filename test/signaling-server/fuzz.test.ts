/**
 * Random and structured messages at both endpoints: nothing throws, nobody else's socket ends, nobody's entry is written
 * by another. COPRESENCE_FUZZ_FRAMES raises the number; a failure prints the seed, COPRESENCE_FUZZ_SEED repeats it.
 */
import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { scanAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { decodeFrame, encodeEndedFrame, encodeMessageFrame, QUERY_FRAME } from '../../lib/wire/frame.ts'
import { createCounts } from '../../signaling-server/counts.ts'
import type { GuardedSocket, SocketHandler } from '../../signaling-server/guarded-socket.ts'
import { resolveLimits } from '../../signaling-server/limits.ts'
import { createRooms } from '../../signaling-server/rooms.ts'
import { createTopics } from '../../signaling-server/topics.ts'
import { until } from '../kit/until.ts'
import { awarenessFrame, connect, entry, keyOf, startServer } from './kit.ts'

const FRAMES = Number(process.env.COPRESENCE_FUZZ_FRAMES ?? 20_000)
const SEED = process.env.COPRESENCE_FUZZ_SEED
/** The first failure counts: the runs share one server, so a smaller case cannot be sought. */
const runs = (numRuns: number) => ({
  numRuns: Math.max(1, Math.round(numRuns)),
  endOnFailure: true,
  ...(SEED && { seed: Number(SEED) }),
})

const [ALICE, BOB] = [1, 2]
const number = fc.oneof(
  fc.nat({ max: 4 }),
  fc.nat(),
  fc.constantFrom(2 ** 32, 2 ** 48, 2 ** 48 + 1, Number.MAX_SAFE_INTEGER),
)
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const state = fc.oneof(
  fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
  fc
    .constantFrom('null', '{}', '{"user":{"name":"m"}}', '"', '{"__proto__":1}', '['.repeat(99))
    .map((text) => Buffer.from(text)),
  bytes(20),
)
const update = fc
  .tuple(fc.array(fc.tuple(number, number, state), { maxLength: 4 }), fc.option(number, { freq: 9 }))
  .map(([entries, count]) =>
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, count ?? entries.length)
      for (const [clientId, clock, json] of entries) {
        encoding.writeVarUint(encoder, clientId)
        encoding.writeVarUint(encoder, clock)
        encoding.writeVarUint8Array(encoder, json)
      }
    }),
  )
const wrap = (type: number, ...parts: (number | Uint8Array)[]) =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, type)
    for (const part of parts) {
      if (typeof part === 'number') encoding.writeVarUint(encoder, part)
      else encoding.writeVarUint8Array(encoder, part)
    }
  })
const wellFormed = fc.oneof(
  { weight: 6, arbitrary: update.map((body) => wrap(1, body)) },
  { weight: 2, arbitrary: fc.tuple(fc.nat({ max: 3 }), bytes(30)).map(([step, body]) => wrap(0, step, body)) },
  fc.constant(QUERY_FRAME),
  fc
    .tuple(number, number, fc.string())
    .map(([clientId, seq, body]) => encodeMessageFrame({ clientId: clientId as ClientId, seq, body })),
  number.map((clientId) => encodeEndedFrame(clientId as ClientId)),
  fc.tuple(fc.nat({ max: 300 }), bytes(20)).map(([type, body]) => wrap(type, body)),
)
const frame = fc.oneof(
  { weight: 4, arbitrary: wellFormed },
  { weight: 1, arbitrary: bytes(64) },
  {
    weight: 1,
    arbitrary: fc.tuple(wellFormed, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(wellFormed, fc.nat(), fc.nat({ max: 255 })).map(([whole, at, byte]) => {
      const changed = Uint8Array.from(whole)
      changed[at % changed.length] = byte
      return changed
    }),
  },
)

const topic = fc.oneof(fc.constantFrom('room', 'other', '__proto__', ''), fc.string({ maxLength: 300 }))
const signal = fc.oneof(
  fc.record({ type: fc.constantFrom('subscribe', 'unsubscribe'), topics: fc.oneof(fc.array(topic), fc.jsonValue()) }),
  fc.record({ type: fc.constant('publish'), topic: fc.oneof(topic, fc.jsonValue()), data: fc.jsonValue() }),
  fc.record({ type: fc.oneof(fc.constant('ping'), fc.jsonValue()) }),
  fc.jsonValue(),
)
const text = fc.oneof(
  { weight: 4, arbitrary: signal.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.tuple(signal, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at % 40)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{"a":', '"\\', '{"type":"publish","topic":"room","data":['))
      .map(([part]) => part.repeat(500)),
  },
)

/** A socket without a network. */
function createFakeSocket(): {
  socket: GuardedSocket
  sent: Uint8Array[]
  isClosed(): boolean
  attach(handler: SocketHandler): void
} {
  const sent: Uint8Array[] = []
  let handler: SocketHandler | undefined
  let isClosed = false
  const end = () => {
    if (isClosed) return
    isClosed = true
    handler?.onEnd(0)
  }
  const nothing = () => undefined
  const socket = {
    send: (data: Uint8Array) => void sent.push(data),
    close: end,
    cutOff: end,
    probe: nothing,
    beat: nothing,
    refund: nothing,
    greet: nothing,
  }
  return {
    socket,
    sent,
    isClosed: () => isClosed,
    attach: (attached) => {
      handler = attached
    },
  }
}

const needs = () => ({ limits: resolveLimits({}), counts: createCounts(), now: () => performance.now() })

it(`[S60] ${FRAMES / 2} frames in a room: none throws, none ends or writes another`, () => {
  const room = needs()
  const rooms = createRooms(room)
  const join = (key?: string) => {
    const fake = createFakeSocket()
    const handler = rooms.handle(fake.socket, 'room', key)
    fake.attach(handler)
    return { ...fake, handler }
  }
  const alice = join(keyOf('alice'))
  const bob = join()
  alice.handler.onMessage(Buffer.from(awarenessFrame(entry(ALICE, 1))), true)
  bob.handler.onMessage(Buffer.from(awarenessFrame(entry(BOB, 1))), true)
  let mallory = join(keyOf('mallory'))
  let bytesIn = 0
  const check = (data: Uint8Array, isOurs: boolean) => {
    const decoded = decodeFrame(data)
    if (!decoded.ok) throw new Error(`was sent ${decoded.reason}`)
    if (decoded.value.kind === 'awareness') {
      const spans = scanAwarenessUpdate(decoded.value.update)
      if (!spans.ok) throw new Error(`was sent entries that are ${spans.reason}`)
      for (const { clientId, json } of spans.value) {
        expect([ALICE, BOB]).not.toContain(clientId)
        JSON.parse(Buffer.from(json).toString())
      }
    }
    if (decoded.value.kind === 'ended' || decoded.value.kind === 'message') {
      expect(isOurs).toBe(true)
      expect([ALICE, BOB]).not.toContain(decoded.value.clientId)
    }
  }
  alice.sent.length = 0
  bob.sent.length = 0
  fc.assert(
    fc.property(frame, (data) => {
      if (mallory.isClosed()) mallory = join(bytesIn % 2 === 0 ? keyOf(`mallory${bytesIn % 7}`) : undefined)
      bytesIn += data.length
      mallory.handler.onMessage(Buffer.from(data), true)
      for (const data of alice.sent.splice(0)) check(data, true)
      for (const data of bob.sent.splice(0)) check(data, false)
      expect([alice.isClosed(), bob.isClosed()]).toEqual([false, false])
    }),
    runs(FRAMES / 2),
  )
  expect(room.counts.totals()).toMatchObject({
    forwarded: expect.any(Number),
    'dropped-echo': expect.any(Number),
    'dropped-second-binder': expect.any(Number),
    'dropped-forged-ended': expect.any(Number),
    'dropped-bad-state': expect.any(Number),
    'dropped-unknown': expect.any(Number),
  })
  alice.handler.onMessage(Buffer.from(awarenessFrame(entry(ALICE, 2))), true)
  expect(bob.sent).toEqual([Buffer.from(awarenessFrame(entry(ALICE, 2)))])
  for (const member of [mallory, alice, bob]) member.socket.cutOff('closed-silent')
  expect(rooms.size).toBe(0)
}, 600_000)

it(`[S60] ${FRAMES / 2} messages at /: none throws, none ends another`, () => {
  const signaling = needs()
  const topics = createTopics(signaling)
  const open = () => {
    const fake = createFakeSocket()
    const handler = topics.handle(fake.socket)
    fake.attach(handler)
    return { ...fake, handler, say: (value: string) => handler.onMessage(Buffer.from(value), false) }
  }
  const alice = open()
  alice.say('{"type":"subscribe","topics":["room"]}')
  let mallory = open()
  fc.assert(
    fc.property(text, (value) => {
      if (mallory.isClosed()) {
        mallory = open()
        mallory.say('{"type":"subscribe","topics":["room"]}')
      }
      mallory.say(value)
      for (const data of alice.sent.splice(0)) {
        expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({
          type: 'publish',
          topic: 'room',
          clients: expect.any(Number),
        })
      }
      expect(alice.isClosed()).toBe(false)
    }),
    runs(FRAMES / 2),
  )
  expect(signaling.counts.totals()).toMatchObject({
    forwarded: expect.any(Number),
    'dropped-not-subscribed': expect.any(Number),
  })
  mallory.socket.cutOff('closed-silent')
  alice.socket.cutOff('closed-silent')
  expect(topics.size).toBe(0)
}, 600_000)

it(`[S60] ${FRAMES / 20} of both over real sockets: a fresh pair still meets, and no defect was counted`, async () => {
  const server = await startServer()
  const alice = await connect(`${server.url}/yjs/room?copresence=${keyOf('alice')}`)
  alice.send(awarenessFrame(entry(ALICE, 1)))
  const paths = ['/', '/yjs/room', `/yjs/room?copresence=${keyOf('mallory')}`]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.array(fc.oneof(frame, text), { minLength: 1, maxLength: 5 }),
      async (path, batch) => {
        const mallory = await connect(server.url + path)
        for (const data of batch) mallory.send(data)
        mallory.ws.ping()
        await Promise.race([
          new Promise((resolve) => mallory.ws.once('pong', resolve)),
          until('the end', () => mallory.ended, { everyMs: 5 }),
        ])
        mallory.ws.terminate()
      },
    ),
    runs(FRAMES / 60),
  )
  expect(alice.ended).toBeUndefined()
  const bob = await connect(`${server.url}/yjs/room`)
  alice.send(awarenessFrame(entry(ALICE, 2, { still: 'here' })))
  await bob.sees(`entry ${ALICE}@2 {"still":"here"}`)
  expect(server.stats().counts['closed-internal']).toBeUndefined()
  expect(server.stats().counts.received).toBeGreaterThan(FRAMES / 60)
}, 600_000)
