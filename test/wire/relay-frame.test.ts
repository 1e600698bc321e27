import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { MAX_FRAME_BYTES, MAX_LISTED_MEMBERS } from '../../lib/wire/limits.ts'
import {
  type ClientFrame,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  isAnswerDue,
  type ServerFrame,
} from '../../lib/wire/relay-frame.ts'
import type { Result } from '../../lib/wire/result.ts'

const ALICE = 'alice-0000000000000000' as ConnectionId
const BOB = 'Bob_000000000000000000' as ConnectionId
const topic = Uint8Array.from({ length: 32 }, (_, index) => index)
const payload = Uint8Array.of(4, 5, 6)

const read = (frame: Result<ServerFrame | ClientFrame>) => (frame.ok ? frame.value : frame.reason)

const OF_SERVER: readonly ServerFrame[] = [
  { kind: 'challenge', nonce: new Uint8Array(32).fill(1) },
  { kind: 'welcome' },
  { kind: 'members', topic, members: [ALICE, BOB] },
  { kind: 'members', topic, members: [] },
  { kind: 'joined', topic, connectionId: ALICE },
  { kind: 'left', topic, connectionId: BOB, silentMs: 10_000 },
  { kind: 'from', topic, from: ALICE, payload },
  { kind: 'pong' },
]
const OF_CLIENT: readonly ClientFrame[] = [
  { kind: 'prove', publicKey: new Uint8Array(32).fill(2), signature: new Uint8Array(64).fill(3), host: 'one.test:1' },
  { kind: 'join', topic },
  { kind: 'leave', topic },
  { kind: 'send', topic, to: BOB, payload },
  { kind: 'cast', topic, payload: new Uint8Array(0) },
  { kind: 'ping' },
]

describe('frames of the blind server', () => {
  it('[W22] each that is encoded decodes to itself', () => {
    for (const frame of OF_SERVER) expect(read(decodeServerFrame(encodeServerFrame(frame)))).toEqual(frame)
    for (const frame of OF_CLIENT) expect(read(decodeClientFrame(encodeClientFrame(frame)))).toEqual(frame)
  })

  it('[W22] a cut or a byte too many makes each malformed', () => {
    const both = [
      ...OF_SERVER.map((frame) => [encodeServerFrame(frame), decodeServerFrame] as const),
      ...OF_CLIENT.map((frame) => [encodeClientFrame(frame), decodeClientFrame] as const),
    ]
    for (const [bytes, decode] of both) {
      for (let length = 0; length < bytes.length; length++)
        expect(read(decode(bytes.subarray(0, length)))).toBe('malformed')
      expect(read(decode(Uint8Array.of(...bytes, 0)))).toBe('malformed')
    }
  })

  it('[W23] what only a server says is unknown from a client, and the other way round', () => {
    for (const frame of OF_SERVER) expect(read(decodeClientFrame(encodeServerFrame(frame)))).toBe('unknown-frame')
    for (const frame of OF_CLIENT) expect(read(decodeServerFrame(encodeClientFrame(frame)))).toBe('unknown-frame')
    for (const type of [0, 14, 100]) {
      expect(read(decodeClientFrame(Uint8Array.of(type)))).toBe('unknown-frame')
      expect(read(decodeServerFrame(Uint8Array.of(type)))).toBe('unknown-frame')
    }
  })

  it('[W22] a frame over its bounds is refused, and a declared length or count is not believed', () => {
    const most = Array.from({ length: MAX_LISTED_MEMBERS }, () => ALICE)
    expect(read(decodeServerFrame(encodeServerFrame({ kind: 'members', topic, members: most })))).toMatchObject({
      kind: 'members',
    })
    const more = encodeServerFrame({ kind: 'members', topic, members: [...most, BOB] })
    expect(read(decodeServerFrame(more))).toBe('too-large')
    const late = encodeServerFrame({ kind: 'left', topic, connectionId: BOB, silentMs: 2 ** 48 + 1 })
    expect(read(decodeServerFrame(late))).toBe('malformed')
    const proof = { kind: 'prove', publicKey: new Uint8Array(32), signature: new Uint8Array(64) } as const
    expect(read(decodeClientFrame(encodeClientFrame({ ...proof, host: 'a'.repeat(259) })))).toMatchObject(proof)
    expect(read(decodeClientFrame(encodeClientFrame({ ...proof, host: 'a'.repeat(260) })))).toBe('too-large')
    const cast = encodeClientFrame({ kind: 'cast', topic, payload: new Uint8Array(MAX_FRAME_BYTES) })
    expect(read(decodeClientFrame(cast))).toBe('too-large')
    for (const [type, decode] of [
      [6, decodeServerFrame],
      [10, decodeClientFrame],
    ] as const) {
      for (const declared of [1, 1_000, 2 ** 31, 2 ** 50]) {
        const liar = encoding.encode((encoder) => {
          encoding.writeVarUint(encoder, type)
          encoding.writeUint8Array(encoder, topic)
          encoding.writeVarUint(encoder, declared)
        })
        expect(['malformed', 'too-large']).toContain(read(decode(liar)))
      }
    }
  })

  it('[W22] what a caller made wrong is not encoded', () => {
    expect(() => encodeClientFrame({ kind: 'join', topic: topic.subarray(1) })).toThrow('31')
    expect(() => encodeServerFrame({ kind: 'challenge', nonce: new Uint8Array(33) })).toThrow('33')
    expect(() => encodeServerFrame({ kind: 'joined', topic, connectionId: 'bob' as ConnectionId })).toThrow('22')
  })

  it('[W24] topics and payloads are views of the frame', () => {
    const bytes = encodeClientFrame({ kind: 'send', topic, to: BOB, payload })
    const frame = read(decodeClientFrame(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)))
    if (typeof frame === 'string' || frame.kind !== 'send') throw new Error('a send frame')
    for (const view of [frame.topic, frame.payload]) {
      expect(view.buffer).toBe(bytes.buffer)
      expect(view.constructor).toBe(Uint8Array)
    }
  })
})

it('[G34] a next chance at the very end of 3 s would come too late', () => {
  expect([1_000, 2_000, 2_700].map((quietMs) => isAnswerDue(quietMs, 1_000))).toEqual([false, true, true])
  expect([1_350, 2_700].map((quietMs) => isAnswerDue(quietMs, 1_350))).toEqual([false, true])
})
