import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import {
  decodeFrame,
  EMPTY_SYNC_STEP_1_FRAME,
  EMPTY_SYNC_STEP_2_FRAME,
  encodeAwarenessFrame,
  encodeEndedFrame,
  encodeMessageFrame,
  KEEP_ALIVE_FRAME,
  QUERY_FRAME,
} from '../../lib/wire/frame.ts'
import { MAX_FRAME_BYTES } from '../../lib/wire/limits.ts'

const read = (bytes: Uint8Array) => {
  const frame = decodeFrame(bytes)
  return frame.ok ? frame.value : frame.reason
}
const CLIENT = 77 as ClientId

describe('frames', () => {
  it('[W2] every frame that is encoded decodes to itself', () => {
    const update = Uint8Array.of(1, 2, 3)
    expect(read(encodeAwarenessFrame(update))).toEqual({ kind: 'awareness', update })
    const message = { clientId: CLIENT, seq: 2 ** 48, body: '{"name":"💬"}' }
    expect(read(encodeMessageFrame(message))).toEqual({ kind: 'message', ...message })
    expect(read(encodeEndedFrame(CLIENT))).toEqual({ kind: 'ended', clientId: CLIENT, silentMs: 0 })
    expect(read(QUERY_FRAME)).toEqual({ kind: 'query' })
    expect(read(KEEP_ALIVE_FRAME)).toEqual({ kind: 'awareness', update: Uint8Array.of(0) })
    expect(read(EMPTY_SYNC_STEP_1_FRAME)).toEqual({ kind: 'sync', step: 0, payload: Uint8Array.of(0) })
    expect(read(EMPTY_SYNC_STEP_2_FRAME)).toEqual({ kind: 'sync', step: 1, payload: Uint8Array.of(0, 0) })
  })

  it('[W5] trailing bytes, a cut and an unknown sync step are malformed', () => {
    for (const whole of [QUERY_FRAME, KEEP_ALIVE_FRAME, EMPTY_SYNC_STEP_2_FRAME, encodeEndedFrame(CLIENT)]) {
      expect(read(Uint8Array.of(...whole, 0))).toBe('malformed')
      expect(read(whole.subarray(0, -1))).toBe('malformed')
    }
    expect(read(Uint8Array.of(0, 3, 0))).toBe('malformed')
    expect(read(encodeMessageFrame({ clientId: CLIENT, seq: 2 ** 48 + 1, body: '' }))).toBe('malformed')
  })

  it('[W5] a type that nobody knows is an unknown frame, the stock providers’ own ones are ignored', () => {
    for (const type of [5, 99, 102, 120]) expect(read(Uint8Array.of(type, 1, 2, 3))).toBe('unknown-frame')
    expect(read(Uint8Array.of(2, 0, 1, 65))).toEqual({ kind: 'ignored' })
    expect(read(Uint8Array.of(4, 1, 1, 65))).toEqual({ kind: 'ignored' })
  })

  it('[W5] a frame over the limit is refused before it is read, and a declared length is not believed', () => {
    expect(read(new Uint8Array(MAX_FRAME_BYTES + 1))).toBe('too-large')
    const liar = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, 2 ** 50)
    })
    expect(read(liar)).toBe('malformed')
  })
})
