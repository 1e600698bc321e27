/**
 * Whether bytes are a Yjs V1 update or state vector that Yjs can read without being hurt (W7, yjs#687).
 *
 *   update    = count:varUint block{count} deleteSet
 *   block     = count:varUint clientId:varUint clock:varUint struct{count}
 *   struct    = info:uint8 ( length:varUint | origins parent content )       by the lowest 5 bits of info
 *   deleteSet = count:varUint ( clientId:varUint count:varUint ( clock:varUint length:varUint ){count} ){count}
 *   vector    = count:varUint ( clientId:varUint clock:varUint ){count}
 *
 * Walks the bytes once and allocates nothing by a declared count; every count is compared with the bytes that are left
 * before it is believed. Knows the form only: not what the document holds, nor who may change it.
 */
import * as decoding from 'lib0/decoding'
import { skipAny } from './document-any.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

/** Subdocuments in one update: each becomes a Y.Doc of some kilobytes when it is read. */
export const MAX_SUBDOCUMENTS = 64

/** The lowest 5 bits of a struct's info byte. */
const CONTENT_MASK = 0b1_1111
const HAS_ORIGIN = 0b1000_0000
const HAS_RIGHT_ORIGIN = 0b0100_0000
const HAS_PARENT_KEY = 0b0010_0000

const GC = 0
const DELETED = 1
const JSON_TEXTS = 2
const BINARY = 3
const STRING = 4
const EMBED = 5
const FORMAT = 6
const TYPE = 7
const ANY = 8
const SUBDOCUMENT = 9
const SKIP = 10

/** Type numbers run from 0 (array) to 6 (xml text); an element and a hook carry a name. */
const LAST_TYPE = 6
const NAMED_TYPES: readonly number[] = [3, 5]

/** The fewest bytes of one item of each list: what a declared count is compared with. */
const BLOCK_BYTES = 3
const STRUCT_BYTES = 2
const VALUE_BYTES = 1
const DELETES_OF_CLIENT_BYTES = 2
const PAIR_BYTES = 2

/** Thrown while walking, and caught where walking began: `attempt` makes it `malformed`. */
class Refusal extends Error {}

interface Walk {
  readonly bytes: decoding.Decoder
  subdocuments: number
}

/** What a document has of its own client: whatever goes past it was made up by somebody else. */
export interface OwnStructs {
  readonly clientId: number
  readonly clock: number
}

/**
 * Accepts a whole V1 update of at most `MAX_DOCUMENT_UPDATE_BYTES`; `document-refused` otherwise. Never throws. With `own`
 * it also refuses edits under our own client id that we have not made: Yjs would give the id up over them.
 */
export function checkDocumentUpdate(update: Uint8Array, own?: OwnStructs): Result<Uint8Array> {
  return checked(update, (walk) => {
    for (let blocks = readCount(walk, BLOCK_BYTES); blocks > 0; blocks--) skipBlock(walk, own)
    for (let clients = readCount(walk, DELETES_OF_CLIENT_BYTES); clients > 0; clients--) {
      skipNumber(walk)
      for (let deletes = readCount(walk, PAIR_BYTES); deletes > 0; deletes--)
        advance(readNumber(walk), readLength(walk))
    }
  })
}

/** Accepts a whole state vector (sync step 1) under the same limits; `document-refused` otherwise. Never throws. */
export function checkStateVector(vector: Uint8Array): Result<Uint8Array> {
  return checked(vector, (walk) => {
    for (let clients = readCount(walk, PAIR_BYTES); clients > 0; clients--) {
      skipNumber(walk)
      skipNumber(walk)
    }
  })
}

function checked(bytes: Uint8Array, visit: (walk: Walk) => void): Result<Uint8Array> {
  if (bytes.length > MAX_DOCUMENT_UPDATE_BYTES) return reject('document-refused')
  const walk: Walk = { bytes: decoding.createDecoder(bytes), subdocuments: 0 }
  const walked = attempt(() => {
    visit(walk)
    return decoding.hasContent(walk.bytes) ? reject('document-refused') : accept(bytes)
  })
  return walked.ok ? walked : reject('document-refused')
}

function skipBlock(walk: Walk, own: OwnStructs | undefined): void {
  const structs = readCount(walk, STRUCT_BYTES)
  const clientId = readNumber(walk)
  let clock = readNumber(walk)
  for (let left = structs; left > 0; left--) clock = advance(clock, skipStruct(walk))
  if (clientId === own?.clientId && clock > own.clock) throw new Refusal('edits that we have not made')
}

/** Passes one struct and returns how many clock ticks it takes. */
function skipStruct(walk: Walk): number {
  const info = decoding.readUint8(walk.bytes)
  const content = info & CONTENT_MASK
  if (content === GC || content === SKIP) return readLength(walk)
  if (info & HAS_ORIGIN) skipId(walk)
  if (info & HAS_RIGHT_ORIGIN) skipId(walk)
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    if (readNumber(walk) === 1) skipText(walk)
    else skipId(walk)
    if (info & HAS_PARENT_KEY) skipText(walk)
  }
  return skipContent(walk, content)
}

function skipContent(walk: Walk, content: number): number {
  switch (content) {
    case DELETED:
      return readLength(walk)
    case STRING:
      return nonZero(skipString(walk))
    case JSON_TEXTS:
      return skipValues(walk, skipText)
    case ANY:
      return skipValues(walk, () => skipAny(walk.bytes))
    case BINARY:
    case EMBED:
      skipText(walk)
      return 1
    case FORMAT:
      skipText(walk)
      skipText(walk)
      return 1
    case TYPE:
      skipType(walk)
      return 1
    case SUBDOCUMENT:
      skipSubdocument(walk)
      return 1
    default:
      throw new Refusal('a content that Yjs does not know')
  }
}

function skipValues(walk: Walk, skipOne: (walk: Walk) => unknown): number {
  const values = nonZero(readCount(walk, VALUE_BYTES))
  for (let left = values; left > 0; left--) skipOne(walk)
  return values
}

function skipType(walk: Walk): void {
  const type = readNumber(walk)
  if (type > LAST_TYPE) throw new Refusal('a type that Yjs does not know')
  if (NAMED_TYPES.includes(type)) skipText(walk)
}

function skipSubdocument(walk: Walk): void {
  if (++walk.subdocuments > MAX_SUBDOCUMENTS) throw new Refusal('too many subdocuments')
  skipText(walk)
  // Yjs reads options from it, which nothing but an object has.
  if (skipAny(walk.bytes) !== 'object') throw new Refusal('a subdocument without options')
}

/** lib0 reads one step past 2^53 - 1, where numbers begin to skip. */
function readNumber(walk: Walk): number {
  const value = decoding.readVarUint(walk.bytes)
  if (value > Number.MAX_SAFE_INTEGER) throw new Refusal('a number past 2^53 - 1')
  return value
}

const skipNumber = readNumber
const readLength = (walk: Walk): number => nonZero(readNumber(walk))

/** A declared count, believed only if that many items of `itemBytes` fit in what is left. */
function readCount(walk: Walk, itemBytes: number): number {
  const count = readNumber(walk)
  if (count * itemBytes > bytesLeft(walk)) throw new Refusal('more items than bytes')
  return count
}

function skipId(walk: Walk): void {
  skipNumber(walk)
  skipNumber(walk)
}

/** Passes a text or a buffer and returns its bytes. */
function skipText(walk: Walk): number {
  const length = readCount(walk, 1)
  walk.bytes.pos += length
  return length
}

/** Passes a string content and returns its clock ticks: one per UTF-16 unit, so two for a character of four bytes. */
function skipString(walk: Walk): number {
  const length = skipText(walk)
  let units = 0
  for (const byte of walk.bytes.arr.subarray(walk.bytes.pos - length, walk.bytes.pos)) {
    if ((byte & 0b1100_0000) !== 0b1000_0000) units += byte >= 0b1111_0000 ? 2 : 1
  }
  return units
}

function bytesLeft({ bytes }: Walk): number {
  return bytes.arr.length - bytes.pos
}

function nonZero(length: number): number {
  if (length === 0) throw new Refusal('a struct of no length')
  return length
}

function advance(clock: number, length: number): number {
  if (clock + length > Number.MAX_SAFE_INTEGER) throw new Refusal('a clock past what a number holds')
  return clock + length
}
