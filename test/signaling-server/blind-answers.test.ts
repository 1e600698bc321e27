/** Pings of the server: who answers them is told so, often enough to have nothing to ask. */
import { EventEmitter } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import {
  type ClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  QUIET_MS,
  type ServerFrame,
} from '../../lib/wire/relay-frame.ts'
import { handleBlindSocket } from '../../signaling-server/blind-socket.ts'
import { createBlindTopics } from '../../signaling-server/blind-topics.ts'
import { createCounts } from '../../signaling-server/counts.ts'
import { guardSocket } from '../../signaling-server/guarded-socket.ts'
import { resolveLimits } from '../../signaling-server/limits.ts'
import { until } from '../kit/until.ts'
import { HOST, identityOf, randomTopic, statementOf, welcomed } from './blind-kit.ts'
import { startServer } from './kit.ts'

const ALICE = identityOf('alice')

/** A socket on a topic of a server whose time the test alone moves on: a busy machine would be late by what is measured. */
async function timedSocket(pingIntervalMs: number) {
  const [limits, counts] = [resolveLimits({ pingIntervalMs }), createCounts()]
  const said: ServerFrame[] = []
  const toldMs: number[] = []
  let nowMs = 0
  let pings = 0
  const ws = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    ping: () => pings++,
    send(bytes: Uint8Array) {
      const frame = decodeServerFrame(bytes)
      if (!frame.ok) throw new Error('no frame of a server')
      said.push(frame.value)
      if (frame.value.kind === 'pong') toldMs.push(nowMs)
    },
  })
  onTestFinished(() => void ws.emit('close'))
  const needs = { limits, counts, topics: createBlindTopics({ limits, counts }), hosts: [], now: () => nowMs }
  const guarded = guardSocket(ws as unknown as WebSocket, { ...needs, onEnd: () => undefined }, (socket) =>
    handleBlindSocket(socket, needs),
  )
  const say = (frame: ClientFrame) => ws.emit('message', Buffer.from(encodeClientFrame(frame)), true)
  const [challenge] = said
  if (challenge?.kind !== 'challenge') throw new Error('no challenge')
  const signature = await ALICE.sign(statementOf(challenge.nonce))
  say({ kind: 'prove', publicKey: ALICE.publicKey, signature, host: HOST })
  await until('the welcome', () => said.some(({ kind }) => kind === 'welcome'))
  say({ kind: 'join', topic: randomTopic() })
  return {
    /** When it was told a pong. */
    toldMs,
    /** Each ping is answered so late, one after the other and again from the first on. */
    passBeats(count: number, answerMs: readonly number[]) {
      for (let beat = 1; beat <= count; beat++) {
        const before = pings
        nowMs = beat * Math.floor(pingIntervalMs / 4)
        guarded.beat(nowMs, false)
        if (pings === before) continue
        nowMs += answerMs[before % answerMs.length] ?? 0
        ws.emit('pong', Buffer.alloc(0))
      }
    },
  }
}

it('[G34] a socket that answers pings is told a pong for which it did not ask', async () => {
  const alice = await welcomed(await startServer({ pingIntervalMs: 1_000 }), ALICE)
  await until('a pong', () => alice.pongs() > 0, { timeoutMs: 10_000 })
  expect(alice.heard().map(({ kind }) => kind)).toEqual(['challenge', 'welcome', ...Array(alice.pongs()).fill('pong')])
})

it.each([
  ['at once', 1_000, [5]],
  ['late by 0.3 s at most', resolveLimits({}).pingIntervalMs, [0, 300, 100, 300, 300, 0, 0, 100, 160, 300]],
] as const)(
  '[G34] a socket that answers pings is told so before it has heard nothing for 3 s, and no sooner: %s',
  async (_how, pingIntervalMs, answerMs) => {
    const { passBeats, toldMs } = await timedSocket(pingIntervalMs)
    passBeats(200, answerMs)
    expect(toldMs.length).toBeGreaterThan(10)
    for (const [index, ms] of toldMs.entries()) {
      const quietMs = ms - (toldMs[index - 1] ?? 0)
      expect(quietMs).toBeLessThan(3_000)
      expect(quietMs).toBeGreaterThan(1_500)
    }
  },
)

it('[G34] by default two pings fit into 3 s, and 0.3 s to be late by', () => {
  expect(2 * resolveLimits({}).pingIntervalMs).toBeLessThanOrEqual(QUIET_MS - 300)
})

it('[G34] a socket that answers no ping is told nothing', async () => {
  const alice = await welcomed(await startServer({ pingIntervalMs: 200 }), ALICE, { autoPong: false })
  let pings = 0
  alice.ws.on('ping', () => pings++)
  await until('pings for over 3 s', () => pings >= 18, { timeoutMs: 10_000 })
  expect(alice.pongs()).toBe(0)
})

it('[G34] pongs that answer no ping draw nothing out of the server', async () => {
  // The server's own first ping comes after a quarter of that, and its answer does draw a pong.
  const server = await startServer({ pingIntervalMs: 60_000, silenceTimeoutMs: 60_000 })
  const alice = await welcomed(server, ALICE)
  for (let pong = 0; pong < 20; pong++) alice.ws.pong()
  await alice.isHandled()
  expect(alice.pongs()).toBe(0)
})
