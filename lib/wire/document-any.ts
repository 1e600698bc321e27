/**
 * Passes over one lib0 `any` value: the JSON-like encoding of Yjs contents and of encrypted signaling.
 *
 *   any = tag:uint8 payload      tag 127 undefined · 126 null · 125 integer · 124 float32 · 123 float64 · 122 bigint
 *                                    121 false · 120 true · 119 text · 118 object · 117 array · 116 bytes
 *
 * lib0's own reader recurses and believes counts; this one does neither, so it runs before it.
 */
import * as decoding from 'lib0/decoding'

/** Levels of objects and arrays in one value: lib0 reads them by recursion, and the stack holds thousands. */
export const MAX_ANY_DEPTH = 256

/** Members of an object or array that are still to be passed. */
interface Open {
  left: number
  readonly isObject: boolean
}

/** Moves the decoder behind the value and says what it was. Throws on anything that is not one; the caller catches. */
export function skipAny(decoder: decoding.Decoder): 'object' | 'array' | 'scalar' {
  const open: Open[] = []
  const outermost = skipHead(decoder, open)
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
    if (inner.left-- === 0) open.pop()
    else {
      if (inner.isObject) skipBytes(decoder)
      skipHead(decoder, open)
    }
  }
  return outermost
}

function skipHead(decoder: decoding.Decoder, open: Open[]): 'object' | 'array' | 'scalar' {
  const tag = decoding.readUint8(decoder)
  switch (tag) {
    case 127:
    case 126:
    case 121:
    case 120:
      return 'scalar'
    case 125:
      decoding.readVarInt(decoder)
      return 'scalar'
    case 124:
      return skipFixed(decoder, 4)
    case 123:
    case 122:
      return skipFixed(decoder, 8)
    case 119:
    case 116:
      skipBytes(decoder)
      return 'scalar'
    case 118:
    case 117: {
      const left = decoding.readVarUint(decoder)
      const isObject = tag === 118
      // A member of an object is a key and a value, two bytes at least.
      if (left * (isObject ? 2 : 1) > decoder.arr.length - decoder.pos) throw new RangeError('more members than bytes')
      if (open.length === MAX_ANY_DEPTH) throw new RangeError(`deeper than ${MAX_ANY_DEPTH} levels`)
      open.push({ left, isObject })
      return isObject ? 'object' : 'array'
    }
    default:
      throw new RangeError(`no value begins with ${tag}`)
  }
}

function skipFixed(decoder: decoding.Decoder, bytes: number): 'scalar' {
  if (decoder.pos + bytes > decoder.arr.length) throw new RangeError('a number cut short')
  decoder.pos += bytes
  return 'scalar'
}

function skipBytes(decoder: decoding.Decoder): void {
  const length = decoding.readVarUint(decoder)
  if (length > decoder.arr.length - decoder.pos) throw new RangeError('a text cut short')
  decoder.pos += length
}
