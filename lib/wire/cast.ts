/**
 * One sealed frame for several: what goes up to a server once and down to each of them.
 *
 *   cast = number:varUint counter:varUint slots:varUint8Array tag:byte{8}{as many as slots has bits} ciphertext
 *
 * `number` names the sender's key, `slots` is a set of small numbers (bit 0 of byte 0 is slot 0), each of which the sender
 * has given to one receiver with that key; the tags stand in the order of their slots. Knows shapes and sizes alone.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { readBlock, readBytes } from './fixed-bytes.ts'
import { MAX_CAST_SLOTS, MAX_COUNT, MAX_FRAME_BYTES } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

/** Bytes of a tag: who tries to guess one is refused 2^63 times first, each time by a frame that is counted. */
export const CAST_TAG_BYTES = 8
/** Bytes of the tag that the seal itself adds. */
const SEAL_BYTES = 16

export interface Cast {
  readonly number: number
  readonly counter: number
  /** By slot, in ascending order; views of the frame. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  readonly ciphertext: Uint8Array
}

/** Reads one cast, whole or not at all. Bytes are views of `bytes`. Never throws. */
export function decodeCast(bytes: Uint8Array): Result<Cast> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const number = decoding.readVarUint(decoder)
    const counter = decoding.readVarUint(decoder)
    const slots = readBlock(decoder, MAX_CAST_SLOTS / 8)
    if (slots === undefined) return reject('too-large')
    const tags = new Map(slotsOf(slots).map((slot) => [slot, readBytes(decoder, CAST_TAG_BYTES)]))
    const ciphertext = decoding.readTailAsUint8Array(decoder)
    const isPossible = number <= MAX_COUNT && counter <= MAX_COUNT && ciphertext.length >= SEAL_BYTES
    return isPossible ? accept({ number, counter, tags, ciphertext }) : reject('malformed')
  })
}

export const encodeCast = ({ number, counter, tags, ciphertext }: Cast): Uint8Array =>
  encoding.encode((encoder) => {
    const slots = [...tags.keys()].sort((one, other) => one - other)
    encoding.writeVarUint(encoder, number)
    encoding.writeVarUint(encoder, counter)
    encoding.writeVarUint8Array(encoder, bitsOf(slots))
    for (const slot of slots) encoding.writeUint8Array(encoder, tags.get(slot) ?? new Uint8Array(CAST_TAG_BYTES))
    encoding.writeUint8Array(encoder, ciphertext)
  })

function bitsOf(slots: readonly number[]): Uint8Array {
  const bits = new Uint8Array(Math.floor(Math.max(-1, ...slots) / 8) + 1)
  for (const slot of slots) bits[slot >> 3] = (bits[slot >> 3] ?? 0) | (1 << (slot & 7))
  return bits
}

function slotsOf(bits: Uint8Array): number[] {
  const slots: number[] = []
  for (const [index, byte] of bits.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) slots.push(8 * index + bit)
  return slots
}
