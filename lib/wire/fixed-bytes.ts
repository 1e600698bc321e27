/**
 * Parts of frames whose length is known, and blocks that announce theirs: views of the frame, never past its end.
 * For use inside `attempt`: they throw on whatever is cut short.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ConnectionId } from '../base/ids.ts'

/** Characters of a connectionId, each one byte on the wire. */
export const CONNECTION_ID_BYTES = 22
/** Bytes of a topic. */
export const TOPIC_BYTES = 32

const CONNECTION_ID = /^[A-Za-z0-9_-]{22}$/

/** The next `length` bytes as a plain view, whichever class the frame is of; never past the frame's end. */
export const readBytes = decoding.readUint8Array

/** A block that announces its length; `undefined` where that is over `maxBytes`. */
export function readBlock(decoder: decoding.Decoder, maxBytes: number): Uint8Array | undefined {
  const length = decoding.readVarUint(decoder)
  return length > maxBytes ? undefined : readBytes(decoder, length)
}

export function readConnectionId(decoder: decoding.Decoder): ConnectionId {
  const text = String.fromCharCode(...readBytes(decoder, CONNECTION_ID_BYTES))
  if (!CONNECTION_ID.test(text)) throw new RangeError('no connectionId')
  return text as ConnectionId
}

/** A list of connectionIds; its count is compared with the bytes that are left before it is believed. */
export function readConnectionIds(decoder: decoding.Decoder, maxCount: number): ConnectionId[] | undefined {
  const count = decoding.readVarUint(decoder)
  if (count > maxCount) return undefined
  if (count * CONNECTION_ID_BYTES > decoder.arr.length - decoder.pos) throw new RangeError('more ids than bytes')
  return Array.from({ length: count }, () => readConnectionId(decoder))
}

/** Throws over an id that is not 22 bytes long: what a caller made itself. */
export function writeConnectionId(encoder: encoding.Encoder, connectionId: ConnectionId): void {
  if (!CONNECTION_ID.test(connectionId)) throw new RangeError(`a connectionId of 22 URL-safe characters is needed`)
  for (let index = 0; index < CONNECTION_ID_BYTES; index++) encoding.write(encoder, connectionId.charCodeAt(index))
}

export function writeConnectionIds(encoder: encoding.Encoder, connectionIds: readonly ConnectionId[]): void {
  encoding.writeVarUint(encoder, connectionIds.length)
  for (const connectionId of connectionIds) writeConnectionId(encoder, connectionId)
}
