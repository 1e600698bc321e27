import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import {
  MAX_CAST_SLOTS,
  MAX_DESCRIPTION_BYTES,
  MAX_DOCUMENT_UPDATE_BYTES,
  MAX_FRAME_BYTES,
  MAX_LEASE_MS,
  MAX_MEMBERS,
} from '../../lib/wire/limits.ts'
import {
  decodeLinkFrame,
  encodeCastAck,
  encodeCastKey,
  encodeDocument,
  encodeEntry,
  encodeFind,
  encodeLease,
  encodeMessage,
  encodePeers,
  encodePing,
  encodePong,
  encodeSignal,
  encodeVia,
  GOODBYE_FRAME,
  type SignalKind,
} from '../../lib/wire/link-frame.ts'

const ALICE = 'alice-0000000000000000' as ConnectionId
const BOB = 'Bob_000000000000000000' as ConnectionId
const CLIENT = 77 as ClientId
const MOST = 2 ** 48

const read = (bytes: Uint8Array) => {
  const frame = decodeLinkFrame(bytes)
  return frame.ok ? frame.value : frame.reason
}
const bytesOf = (write: (encoder: encoding.Encoder) => void) => encoding.encode(write)
const numbers = (...values: readonly number[]) =>
  bytesOf((encoder) => {
    for (const value of values) encoding.writeVarUint(encoder, value)
  })

const message = { clientId: CLIENT, seq: MOST, body: '{"name":"💬"}' }
const update = Uint8Array.of(1, 2, 3)
const castKey = { number: 1, first: MOST, slot: 0, key: new Uint8Array(32).fill(1), tagKey: new Uint8Array(32).fill(2) }
const FRAMES: readonly (readonly [Uint8Array, object])[] = [
  [encodeEntry(update), { kind: 'entry', update }],
  [GOODBYE_FRAME, { kind: 'goodbye' }],
  [encodeMessage(message), { kind: 'message', ...message }],
  [encodePing(0), { kind: 'ping', token: 0 }],
  [encodePong(MOST), { kind: 'pong', token: MOST }],
  [encodeSignal('description', '{"sdp":"v=0"}'), { kind: 'signal', signal: 'description', json: '{"sdp":"v=0"}' }],
  [encodeSignal('candidates', '[]'), { kind: 'signal', signal: 'candidates', json: '[]' }],
  [encodeSignal('full', ''), { kind: 'signal', signal: 'full', json: '' }],
  [encodeSignal('restart', ''), { kind: 'signal', signal: 'restart', json: '' }],
  [encodeDocument(2, update), { kind: 'document', step: 2, payload: update }],
  [encodeVia(BOB, update), { kind: 'via', far: BOB, sealed: update }],
  [encodeVia(BOB, update, 'passed'), { kind: 'passed', far: BOB, sealed: update }],
  [encodeLease(MAX_LEASE_MS), { kind: 'lease', ms: MAX_LEASE_MS }],
  [encodePeers([ALICE, BOB]), { kind: 'peers', peers: [ALICE, BOB] }],
  [encodeFind([]), { kind: 'find', peers: [] }],
  [encodeCastKey(castKey), { kind: 'castKey', ...castKey }],
  [encodeCastAck({ number: MOST, slot: 127 }), { kind: 'castAck', number: MOST, slot: 127 }],
]

describe('frames of a link', () => {
  it('[W20] each that is encoded decodes to itself', () => {
    for (const [bytes, frame] of FRAMES) expect(read(bytes)).toEqual(frame)
  })

  it('[W20] a cut or a byte too many makes each malformed', () => {
    for (const [bytes, frame] of FRAMES) {
      for (let length = 0; length < bytes.length; length++)
        expect(read(bytes.subarray(0, length)), JSON.stringify(frame)).toBe('malformed')
      expect(read(Uint8Array.of(...bytes, 0)), JSON.stringify(frame)).toBe('malformed')
    }
  })

  it('[W20] an unknown type is an unknown frame', () => {
    for (const type of [0, 64, 99, 127]) expect(read(Uint8Array.of(type, 1, 2))).toBe('unknown-frame')
  })

  it('[W21] numbers over their bounds are malformed: counts, tokens, client ids, leases, steps, kinds', () => {
    for (const bad of [
      encodePing(MOST + 1),
      encodePong(MOST + 1),
      encodeMessage({ ...message, seq: MOST + 1 }),
      numbers(3, 2 ** 53, 1, 0),
      encodeLease(MAX_LEASE_MS + 1),
      encodeCastKey({ ...castKey, slot: MAX_CAST_SLOTS }),
      encodeCastKey({ ...castKey, first: MOST + 1 }),
      encodeCastAck({ number: MOST + 1, slot: 0 }),
      numbers(6, 5, 0),
      numbers(7, 3, 0),
    ])
      expect(read(bad)).toBe('malformed')
  })

  it('[W21] blocks over their bounds are too large, before they are looked at', () => {
    const text = (bytes: number) => 'x'.repeat(bytes)
    const limits: readonly [SignalKind, number][] = [
      ['description', MAX_DESCRIPTION_BYTES],
      ['candidates', MAX_DESCRIPTION_BYTES],
      ['restart', 0],
      ['full', 0],
      ['vacant', 0],
    ]
    for (const [kind, limit] of limits) {
      expect(read(encodeSignal(kind, text(limit)))).toMatchObject({ kind: 'signal' })
      expect(read(encodeSignal(kind, text(limit + 1)))).toBe('too-large')
    }
    expect(read(encodeDocument(1, new Uint8Array(MAX_DOCUMENT_UPDATE_BYTES)))).toMatchObject({ kind: 'document' })
    expect(read(encodeDocument(1, new Uint8Array(MAX_DOCUMENT_UPDATE_BYTES + 1)))).toBe('too-large')
    const ids = (count: number) => Array.from({ length: count }, () => ALICE)
    expect(read(encodePeers(ids(MAX_MEMBERS)))).toMatchObject({ kind: 'peers' })
    expect(read(encodePeers(ids(MAX_MEMBERS + 1)))).toBe('too-large')
    expect(read(encodeFind(ids(MAX_MEMBERS + 1)))).toBe('too-large')
    expect(read(new Uint8Array(MAX_FRAME_BYTES + 1).fill(1))).toBe('too-large')
  })

  it('[W21] a declared length or count is not believed', () => {
    const via = encodeVia(BOB, new Uint8Array(0)).subarray(0, 23)
    for (const head of [[1], [3, 1, 1], [6, 0], [7, 0], via, [10], [11]]) {
      for (const declared of [1, 100, 2 ** 31, 2 ** 50]) {
        const liar = bytesOf((encoder) => {
          encoding.writeUint8Array(encoder, Uint8Array.from(head))
          encoding.writeVarUint(encoder, declared)
        })
        expect(['malformed', 'too-large']).toContain(read(liar))
      }
    }
  })

  it('[W21] a connectionId is 22 URL-safe characters, a text is UTF-8', () => {
    const via = encodeVia(BOB, update)
    for (const char of ['!', ' ', '\0', '/', '+', '=', 'é']) {
      const bad = via.slice()
      bad[5] = char.charCodeAt(0)
      expect(read(bad), char).toBe('malformed')
    }
    expect(read(Uint8Array.of(3, 1, 1, 2, 0xc3, 0x28))).toBe('malformed')
    expect(() => encodeVia('too-short' as ConnectionId, update)).toThrow('22')
    expect(() => encodePeers([`${ALICE}x` as ConnectionId])).toThrow('22')
  })

  it('[W24] what is handed on are views of the frame, inside it alone', () => {
    const around = new Uint8Array(64).fill(0xee)
    const frame = encodeVia(BOB, update)
    around.set(frame, 10)
    const decoded = read(Buffer.from(around.buffer, 10, frame.length))
    if (typeof decoded === 'string' || decoded.kind !== 'via') throw new Error('a via frame')
    expect(decoded.sealed.buffer).toBe(around.buffer)
    expect(decoded.sealed).toEqual(update)
    expect(decoded.sealed.constructor).toBe(Uint8Array)
    // One byte more than the frame has, though the memory behind it has it.
    const liar = around.slice()
    liar[10 + 1 + 22] = update.length + 1
    expect(read(liar.subarray(10, 10 + frame.length))).toBe('malformed')
  })
})
