import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { CAST_TAG_BYTES, type Cast, decodeCast, encodeCast } from '../../lib/wire/cast.ts'
import { decodeEnvelope, encodeCastEnvelope, isCastEnvelope } from '../../lib/wire/envelope.ts'
import { MAX_CAST_SLOTS, MAX_FRAME_BYTES } from '../../lib/wire/limits.ts'

const MOST = 2 ** 48
const read = (bytes: Uint8Array) => {
  const cast = decodeCast(bytes)
  return cast.ok ? cast.value : cast.reason
}
const tag = (of: number) => new Uint8Array(CAST_TAG_BYTES).fill(of)
const castTo = (...slots: readonly number[]): Cast => ({
  number: 1,
  counter: MOST,
  tags: new Map(slots.map((slot) => [slot, tag(slot)])),
  ciphertext: new Uint8Array(16).fill(9),
})

describe('a cast', () => {
  it('[W25] decodes to what was encoded, whichever slots it is for', () => {
    for (const slots of [[], [0], [7, 8], [127], [0, 1, 2, 3, 64, 127], Array.from({ length: 128 }, (_, slot) => slot)])
      expect(read(encodeCast(castTo(...slots)))).toEqual(castTo(...slots))
    // In whatever order its sender has them.
    expect(read(encodeCast(castTo(9, 3)))).toEqual(castTo(3, 9))
    const envelope = encodeCastEnvelope(encodeCast(castTo(3)))
    expect(isCastEnvelope(envelope)).toBe(true)
    expect(decodeEnvelope(envelope)).toMatchObject({ ok: true, value: { kind: 'cast' } })
  })

  it('[W25] takes 8 bytes for each receiver, and 22 or so', () => {
    const sizes = [2, 7, 15, 31].map(
      (count) => encodeCast({ ...castTo(...Array.from({ length: count }, (_, slot) => slot)), counter: 99 }).length,
    )
    expect(sizes).toEqual([36, 76, 141, 271])
  })

  it('[W25] cut short it is malformed; so are counts over 2^48 and less than a seal', () => {
    const whole = encodeCast(castTo(0, 5))
    for (let length = 0; length < whole.length; length++) expect(read(whole.subarray(0, length))).toBe('malformed')
    expect(read(encodeCast({ ...castTo(0), number: MOST + 1 }))).toBe('malformed')
    expect(read(encodeCast({ ...castTo(0), counter: MOST + 1 }))).toBe('malformed')
  })

  it('[W25] more slots than there are, a length that is not there and a giant are refused before they are read', () => {
    const withSlots = (bytes: number, after: number) =>
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, bytes)
        encoding.writeUint8Array(encoder, new Uint8Array(after).fill(255))
      })
    expect(read(withSlots(MAX_CAST_SLOTS / 8 + 1, 2_000))).toBe('too-large')
    expect(read(withSlots(2 ** 40, 10))).toBe('too-large')
    expect(read(withSlots(16, 16 + 128 * 8 - 1))).toBe('malformed')
    expect(read(new Uint8Array(MAX_FRAME_BYTES + 1))).toBe('too-large')
  })
})
