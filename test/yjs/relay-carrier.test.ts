import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import {
  EMPTY_SYNC_STEP_1_FRAME,
  encodeAwarenessFrame,
  encodeEndedFrame,
  encodeMessageFrame,
  QUERY_FRAME,
} from '../../lib/wire/frame.ts'
import { MAX_FRAME_BYTES } from '../../lib/wire/limits.ts'
import { until } from '../kit/until.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { createMember, freshRoom, startServer, untilMet } from './kit.ts'
import { startRawRelay } from './raw-relay.ts'

const BOB = { clientId: 5 as ClientId }
const OURS = { copresence: {} }
const entryFrame = (clientId: number, clock: number, state: object | null) =>
  encodeAwarenessFrame(encodeAwarenessUpdate({ clientId: clientId as ClientId, clock, state: state as never }))

describe('relay', { timeout: 20_000 }, () => {
  it('[Y1] two members meet over the server, hear each other’s values, and the goodbye', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const [alice, bob] = [createMember({ room, servers: [url] }), createMember({ room, servers: [`${url}/`] })]
    alice.say('first')
    bob.say('b')
    await untilMet([alice, bob], 'relay')
    alice.say('second')
    await until('the second value', () => bob.heard(alice, 'relay') === 'second', { seen: () => bob.evidence })
    expect(alice.heard(bob)).toBe('b')
    await alice.transport.stop()
    await until('the goodbye', () => bob.told(alice).at(-1) === 'relay goodbye', { seen: () => bob.told(alice) })
    expect(bob.hasPath(alice, 'relay')).toBe(false)
    expect(bob.rejects.totals()).toEqual({})
  })

  it('[Y3] a publish is one frame up, and connecting costs one awareness frame', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r 1/x', servers: [relay.url] })
    alice.say('a')
    const { frames, path } = await relay.socket(0)
    await until('the first entry', () => frames.length >= 2)
    for (const text of ['b', 'c']) alice.say(text)
    await until('both values', () => frames.length >= 4, { seen: () => frames })
    expect(frames).toEqual([
      'sync 0',
      `entry ${alice.clientId}@2 "a"`,
      `entry ${alice.clientId}@3 "b"`,
      `entry ${alice.clientId}@4 "c"`,
    ])
    expect(path).toMatch(/^\/yjs\/r%201%2Fx\?copresence=[\w-]{22}$/)
  })

  it('[Y4] what comes from others is never sent on (y-websocket echoes remote updates)', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    for (let clock = 1; clock <= 20; clock++) ws.send(entryFrame(BOB.clientId, clock, { text: clock }))
    await until('the last value', () => alice.heard(BOB) === 20)
    alice.say('after')
    await until('our next value', () => frames.at(-1)?.endsWith('"after"'))
    expect(frames).toHaveLength(3)
  })

  it('[Y6] after a reconnect our entry goes out at once under a fresh clock (y-websocket: same clock, invisible for 15 s)', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const first = await relay.socket(0)
    await until('the entry', () => first.frames.length === 2)
    first.ws.terminate()
    const second = await relay.socket(1)
    await until('the entry again', () => second.frames.length === 2, { seen: () => second.frames })
    const clockOf = (frames: string[]) => Number(/@(\d+)/.exec(frames[1] ?? '')?.[1])
    expect(second.frames[1]).toMatch(/"a"$/)
    expect(clockOf(second.frames)).toBeGreaterThan(clockOf(first.frames))
  })

  it('[Y7] a server’s death is our own loss, not the members’ end; its return is noticed within 2 s and values flow', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws } = await relay.socket(0)
    ws.send(entryFrame(BOB.clientId, 1, { text: 'b' }))
    await until('bob', () => alice.hasPath(BOB, 'relay'))
    await relay.stop()
    await until('the loss', () => alice.told(BOB).at(-1) === 'relay lost', { seen: () => alice.told(BOB) })
    expect(alice.told(BOB)).toEqual(['relay entry', 'relay lost'])
    expect(alice.transport.inspect().servers[0]?.state).not.toBe('open')
    await relay.restart()
    const again = await until('alice to be back', () => relay.sockets[1], { timeoutMs: 2_000 })
    again.ws.send(entryFrame(BOB.clientId, 1, { text: 'b' }))
    await until('bob again', () => alice.hasPath(BOB, 'relay'))
    expect(alice.transport.inspect().servers).toEqual([{ url: relay.url, state: 'open' }])
  })

  it('[Y7] a server that was never there is tried again, and found when it comes', async () => {
    const relay = await startRawRelay()
    await relay.stop()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    await until('the first failure', () => alice.transport.inspect().servers[0]?.state === 'closed')
    await relay.restart()
    const { frames } = await until('alice', () => relay.sockets[0], { timeoutMs: 2_000 })
    await until('her entry', () => frames.length === 2)
  })

  it('[Y25] a server that closes with 4400 to 4499 is asked again after 15 to 30 s (y-websocket would stop for good)', async () => {
    const relay = await startRawRelay()
    const clock = createVirtualClock()
    createMember({ room: 'r', servers: [relay.url], clock })
    const { ws } = await relay.socket(0)
    ws.close(4401)
    await until('the retry to be planned', () => clock.timerCount() > 0)
    await clock.advance(14_000)
    expect(relay.sockets).toHaveLength(1)
    await clock.advance(16_000)
    await relay.socket(1)
  })

  it('[Y8] the end of a member’s socket, as our server tells it, is `closed` for its relay path alone', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    const { ws } = await relay.socket(0)
    ws.send(entryFrame(BOB.clientId, 1, {}))
    ws.send(entryFrame(6, 1, {}))
    ws.send(encodeEndedFrame(BOB.clientId))
    ws.send(encodeEndedFrame(99 as ClientId))
    await until('the end', () => alice.told(BOB).length === 2)
    expect(alice.told(BOB)).toEqual(['relay entry', 'relay closed'])
    expect(alice.transport.inspect().paths.map(({ id }) => id)).toEqual(['relay:0:6'])
  })

  it('[Y9] our own entry is never taken from the wire; told that we are gone, we say once a second that we are not', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    await until('the entry', () => frames.length === 2)
    ws.send(entryFrame(alice.clientId, 9, { text: 'forged' }))
    for (let clock = 10; clock < 30; clock++) ws.send(entryFrame(alice.clientId, clock, null))
    await until('all of them', () => alice.rejects.totals()['own-entry'] === 21)
    await until('the objection', () => frames.length === 3)
    ws.send(QUERY_FRAME)
    await until('the answer', () => frames.length === 4)
    expect(alice.evidence).toEqual([])
    expect(frames.slice(2)).toEqual([`entry ${alice.clientId}@3 "a"`, `entry ${alice.clientId}@3 "a"`])
  })

  it('[Y9] told by our server that our socket ended, as it may after a reconnect, we say that we are here', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    await until('the entry', () => frames.length === 2)
    ws.send(encodeEndedFrame(alice.clientId))
    await until('the objection', () => frames.length === 3)
    expect(frames[2]).toBe(`entry ${alice.clientId}@3 "a"`)
  })

  it('[Y10] malformed, unknown, oversized and text frames are counted, and the socket goes on', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    const { ws } = await relay.socket(0)
    // The stock handler would make an array of four billion bytes of this text.
    ws.send('4294967295')
    ws.send(new Uint8Array())
    ws.send(Uint8Array.of(1, 200))
    ws.send(Uint8Array.of(55, 1))
    ws.send(Uint8Array.of(2, 0, 2, 78, 79))
    ws.send(encodeAwarenessFrame(Uint8Array.of(1, 5, 1, 3, 123, 34, 97)))
    ws.send(entryFrame(BOB.clientId, 1, { text: 'still here' }))
    await until('the good frame', () => alice.heard(BOB) === 'still here')
    expect(alice.rejects.totals()).toEqual({ malformed: 3, 'unknown-frame': 1, 'bad-json': 1 })
    expect(relay.sockets).toHaveLength(1)
    ws.send(new Uint8Array(MAX_FRAME_BYTES + 1))
    await relay.socket(1)
  })

  it('[Y10] many entries in one frame, as third-party servers send them, are a path each, up to 256', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    const { ws } = await relay.socket(0)
    const frameOf = (from: number, count: number) =>
      encodeAwarenessFrame(
        encoding.encode((encoder) => {
          encoding.writeVarUint(encoder, count)
          for (let n = 0; n < count; n++) {
            encoding.writeVarUint(encoder, from + n)
            encoding.writeVarUint(encoder, 1)
            encoding.writeVarString(encoder, '{}')
          }
        }),
      )
    ws.send(frameOf(100_000, 200))
    await until('200 paths', () => alice.transport.inspect().paths.length === 200)
    ws.send(frameOf(200_000, 100))
    await until('the refusals', () => alice.rejects.totals()['room-full'] === 44)
    expect(alice.transport.inspect().paths).toHaveLength(256)
    ws.send(entryFrame(100_000, 2, { text: 'known' }))
    await until('a known one', () => alice.heard({ clientId: 100_000 as ClientId }) === 'known')
  })

  it('[Y20] a message goes up once if one of ours is there, and comes from a known client only', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    const { ws, frames } = await relay.socket(0)
    const send = (seq: number) => alice.transport.send({ clientId: alice.clientId, seq, body: 'hi' })
    ws.send(entryFrame(BOB.clientId, 1, { text: 'stock' }))
    await until('bob', () => alice.hasPath(BOB, 'relay'))
    send(1)
    ws.send(entryFrame(BOB.clientId, 2, { ...OURS, text: 'ours' }))
    await until('bob to be ours', () => alice.heard(BOB) === 'ours')
    send(2)
    await until('the message', () => frames.length === 2)
    expect(frames).toEqual(['sync 0', `message ${alice.clientId} 2 hi`])
    ws.send(encodeMessageFrame({ clientId: BOB.clientId, seq: 1, body: 'yo' }))
    ws.send(encodeMessageFrame({ clientId: 77 as ClientId, seq: 1, body: 'forged' }))
    ws.send(encodeMessageFrame({ clientId: alice.clientId, seq: 1, body: 'forged' }))
    await until('the refusals', () => alice.rejects.totals()['not-owner'] === 2)
    expect(alice.messages.map(({ path, message }) => [path.id, message.body])).toEqual([[`relay:0:5`, 'yo']])
  })

  it('[M5] a message that came before its sender’s entry is told with it, and none of one who has left in between', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    const { ws } = await relay.socket(0)
    ws.send(encodeMessageFrame({ clientId: BOB.clientId, seq: 1, body: 'before it left' }))
    ws.send(entryFrame(BOB.clientId, 2, null))
    ws.send(encodeMessageFrame({ clientId: BOB.clientId, seq: 7, body: 'since it is back' }))
    ws.send(entryFrame(BOB.clientId, 3, OURS))
    await until('bob', () => alice.hasPath(BOB, 'relay'))
    expect(alice.messages.map(({ message }) => message.body)).toEqual(['since it is back'])
  })

  it('[M4] asked, it says what has changed since without a send, under a newer clock: whoever is back sees only those', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    await until('the entry', () => frames.length === 2)
    alice.transport.hold({ text: 'a, and one message' })
    ws.send(QUERY_FRAME)
    await until('the answer', () => frames.length === 3)
    ws.send(QUERY_FRAME)
    await until('the second answer', () => frames.length === 4)
    const [first, second, third] = frames.slice(1).map((frame) => Number(/@(\d+)/.exec(frame)?.[1]))
    expect(frames.slice(2).every((frame) => frame.endsWith('"a, and one message"'))).toBe(true)
    expect([(second ?? 0) > (first ?? 0), third]).toEqual([true, second])
  })

  it('[Y15] without a document a sync step 1 is left to the server, and other sync frames go nowhere', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url] })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    ws.send(EMPTY_SYNC_STEP_1_FRAME)
    ws.send(Uint8Array.of(0, 2, 5, 1, 0xff, 0xff, 0xff, 0x7f))
    ws.send(QUERY_FRAME)
    await until('the answer to the query', () => frames.length === 3)
    expect(frames.filter((frame) => frame.startsWith('sync'))).toEqual(['sync 0'])
    expect(alice.rejects.totals()).toEqual({})
  })

  it('[Y22] while the server does not read, entries wait as one, and the last one arrives', async () => {
    const relay = await startRawRelay()
    const alice = createMember({ room: 'r', servers: [relay.url], maxEntryBytes: 80_000 })
    alice.say('a')
    const { ws, frames } = await relay.socket(0)
    await until('the entry', () => frames.length === 2)
    ws.pause()
    // Far more than the buffers of the system hold: 400 entries of 60 kB.
    for (let n = 0; n < 400; n++) {
      alice.say(`${n} ${'x'.repeat(60_000)}`)
      if (n % 20 === 0) await new Promise((resume) => setImmediate(resume))
    }
    alice.say('last')
    ws.resume()
    await until('the last one', () => frames.at(-1)?.endsWith('"last"'), { seen: () => frames.length })
    expect(frames.length).toBeLessThan(380)
  })

  it('[Y22] entries too large for the server at that pace go less often, the last one arrives, and nobody is cut off', async () => {
    const { url } = await startServer()
    const join = () => createMember({ room: 'r', servers: [url], maxEntryBytes: 80_000 })
    const [alice, bob] = [join(), join()]
    for (const member of [alice, bob]) member.say('here')
    await untilMet([alice, bob], 'relay')
    for (let n = 0; n < 60; n++) {
      alice.say(`${n} ${'x'.repeat(60_000)}`)
      await new Promise((resume) => setImmediate(resume))
    }
    alice.say('last')
    await until('the last one', () => bob.heard(alice, 'relay') === 'last')
    const told = [...alice.told(bob), ...bob.told(alice)]
    expect(told.filter((line) => !line.endsWith(' entry') && !line.includes('entry'))).toEqual([])
  })
})
