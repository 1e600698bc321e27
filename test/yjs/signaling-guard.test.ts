/** The guard before y-webrtc's signaling socket, over a socket made of plain objects: what a server does not do on demand. */
import { expect, it } from 'vitest'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { guardSignaling } from '../../lib/yjs/signaling-guard.ts'
import { MAX_SIGNALING_CHARS } from '../../lib/yjs/signaling-message.ts'
import type { StockSignaling } from '../../lib/yjs/stock.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

interface FakeSocket {
  readyState: number
  onmessage: (event: { data: unknown }) => void
  onclose: (event: object) => void
  onerror: (event: object) => void
}

/** Like lib0's client: what its handlers do to it when a socket ends, and how long it would then wait. */
function open() {
  const stock: unknown[] = []
  const sent: unknown[] = []
  const waits: { ms: number; isWanted: boolean }[] = []
  const conn = {
    ws: null as FakeSocket | null,
    connected: true,
    shouldConnect: true,
    unsuccessfulReconnects: 0,
    lastMessageReceived: 0,
    providers: new Set<unknown>(['ours']),
    connects: 0,
    connect() {
      conn.connects++
      conn.shouldConnect = true
      const ended = () => {
        conn.ws = null
        if (!conn.connected) conn.unsuccessfulReconnects++
        conn.connected = false
        waits.push({ ms: Math.log10(conn.unsuccessfulReconnects + 1) * 1_200, isWanted: conn.shouldConnect })
      }
      conn.ws = { readyState: 0, onmessage: ({ data }) => void stock.push(data), onclose: ended, onerror: ended }
    },
    send(message: unknown) {
      if (conn.ws?.readyState !== 1) throw new Error('WebSocket is not open')
      sent.push(message)
    },
    emit: (_: string, [message]: readonly unknown[]) => void stock.push(message),
  }
  conn.connect()
  const clock = createVirtualClock()
  const rejects = createRejectCounter()
  const heard: unknown[] = []
  const release = guardSignaling(conn as unknown as StockSignaling, 'room', {
    clock,
    rejects,
    random: () => Uint8Array.of(0),
    receive(data, deliver) {
      heard.push(data)
      if (data === 'deliver') deliver('checked')
      if (data === 'throw') throw new TypeError('as stock code does over a stray answer')
    },
  })
  const say = (data: unknown) => conn.ws?.onmessage({ data })
  const publish = (topic: unknown, data: unknown) => say(JSON.stringify({ type: 'publish', topic, data }))
  return { clock, conn, heard, publish, rejects, release, say, sent, stock, waits }
}

it('[Y29] what y-webrtc says while the socket is not open is dropped, and throws nothing', () => {
  const { conn, sent } = open()
  conn.send('too soon')
  if (conn.ws !== null) conn.ws.readyState = 1
  conn.send('in time')
  conn.ws = null
  conn.send('too late')
  expect(sent).toEqual(['in time'])
})

it('[Y14] texts that are no JSON or too long, and binary messages, are counted; unknown types are passed over', () => {
  const { heard, rejects, say, stock } = open()
  for (const data of ['', '{', 'null', '7', '"publish"', new Uint8Array(4), ' '.repeat(MAX_SIGNALING_CHARS + 1)])
    say(data)
  expect(rejects.totals()).toEqual({ 'signaling-refused': 7 })
  say('{"type":"surprise"}')
  say('{}')
  expect([heard, stock]).toEqual([[], []])
  say('{"type":"pong"}')
  expect(stock).toEqual(['{"type":"pong"}'])
})

it('[Y14] a topic of ours is read by its guard, another’s goes to y-webrtc as it came, and what is thrown is counted', () => {
  const { heard, publish, rejects, stock } = open()
  publish('room', 'quiet')
  publish('room', 'deliver')
  publish('room', 'throw')
  publish('elsewhere', 'theirs')
  expect(heard).toEqual(['quiet', 'deliver', 'throw'])
  expect(stock).toEqual([
    { type: 'publish', topic: 'room', data: 'checked' },
    '{"type":"publish","topic":"elsewhere","data":"theirs"}',
  ])
  expect(rejects.totals()).toEqual({ 'signaling-refused': 1 })
})

it('[Y17] a socket that ends, opened or not, leaves y-webrtc no timer to wait for and no wish to connect; we connect again', async () => {
  const { clock, conn, waits } = open()
  conn.ws?.onclose({})
  expect(conn.connects).toBe(1)
  await clock.advance(100)
  expect(conn.connects).toBe(2)
  conn.ws?.onerror({})
  await clock.advance(200)
  conn.ws?.onclose({})
  await clock.advance(400)
  expect(conn.connects).toBe(4)
  expect(waits).toEqual(Array.from({ length: 3 }, () => ({ ms: 0, isWanted: false })))
})

it('[Y17] released while it waits, it does not connect again; where another provider shares the socket, it does at once', async () => {
  const alone = open()
  alone.conn.ws?.onclose({})
  alone.conn.providers.clear()
  alone.release()
  await alone.clock.advance(10_000)
  expect([alone.conn.connects, alone.clock.timerCount()]).toEqual([1, 0])
  const shared = open()
  shared.conn.ws?.onclose({})
  shared.release()
  expect([shared.conn.connects, shared.clock.timerCount()]).toEqual([2, 0])
})

it('[Y18] after the release a socket that somebody else uses is as it was: messages and its end go to y-webrtc alone', () => {
  const { conn, publish, release, stock, waits } = open()
  release()
  publish('room', 'theirs now')
  conn.ws?.onclose({})
  expect(stock).toHaveLength(1)
  expect(waits).toEqual([{ ms: 0, isWanted: true }])
})
