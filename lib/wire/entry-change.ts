/**
 * An entry as a change of an earlier one, which both ends have: a cursor that moves beside a profile takes 24 bytes.
 *
 *   change = base:uint16 since:varUint later:varInt updates:varInt sent:varInt check:uint16 kept:varUint dropped:varUint json
 *
 * It is of the entry whose clock ends with the 16 bits of `base`, and makes one whose clock is higher by `since`: of the body `kept`
 * bytes stay, the next `dropped` bytes give way to `json`, which is the rest of the frame, and what follows them stays. The body is
 * the JSON of the state without its counts, which grow with every update and have places of their own: `timestamp` by `later` ms,
 * `seq` by `updates` and `sent` by `sent`. `check` is a sum of the body that results.
 *
 * Knows bytes and JSON; does not know who may write which entry.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ClientId } from '../base/ids.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { utf8 } from '../base/utf8.ts'
import { type AwarenessEntry, parseState } from './awareness-update.ts'
import { MAX_CHANGED_BYTES, MAX_COUNT } from './limits.ts'
import { PRESENCE_FIELD } from './presence-field.ts'
import { accept, attempt, type Result, reject } from './result.ts'

/** What a change is made of, and what comes of it: an entry as both ends have it. */
export interface Version {
  readonly clientId: ClientId
  readonly clock: number
  readonly counts: Counts
  readonly body: Uint8Array
}

/** The fields of a state that grow with every update: `timestamp`, `seq` and `sent`, in the order in which a change has them. */
type Counts = readonly number[]

export interface EntryChange {
  readonly base: number
  readonly since: number
  readonly grown: Counts
  readonly check: number
  readonly kept: number
  readonly dropped: number
  /** A view of the frame. */
  readonly json: Uint8Array
}

const CLOCKS = 2 ** 16

export function versionOf({ clientId, clock, state }: AwarenessEntry): Version {
  const { timestamp, seq, sent } = fieldOf(state)
  const counts = [timestamp, seq, sent].map(numberOf)
  return { clientId, clock, counts, body: utf8(JSON.stringify(withCounts(state))) }
}

/** The entry that a version is of, its state frozen deeply. */
export function entryOf({ clientId, clock, counts, body }: Version): Result<AwarenessEntry> {
  const state = parseState(body)
  return state.ok ? accept({ clientId, clock, state: withCounts(state.value, counts) }) : state
}

export function encodeEntryChange(from: Version, to: Version): Uint8Array {
  const { kept, rest } = commonEnds(from.body, to.body)
  return encoding.encode((encoder) => {
    encoding.writeUint16(encoder, from.clock % CLOCKS)
    encoding.writeVarUint(encoder, to.clock - from.clock)
    for (const count of plus(to.counts, from.counts, -1)) encoding.writeVarInt(encoder, count)
    encoding.writeUint16(encoder, sumOf(to.body))
    encoding.writeVarUint(encoder, kept)
    encoding.writeVarUint(encoder, from.body.length - kept - rest)
    encoding.writeUint8Array(encoder, to.body.subarray(kept, to.body.length - rest))
  })
}

/** Reads one change, whole or not at all; whether it fits a version is another question. */
export function decodeEntryChange(bytes: Uint8Array): Result<EntryChange> {
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const base = decoding.readUint16(decoder)
    const since = decoding.readVarUint(decoder)
    const grown = [decoding.readVarInt(decoder), decoding.readVarInt(decoder), decoding.readVarInt(decoder)]
    const check = decoding.readUint16(decoder)
    const [kept, dropped] = [decoding.readVarUint(decoder), decoding.readVarUint(decoder)]
    if ([since, ...grown].some((count) => Math.abs(count) > MAX_COUNT)) return reject('malformed')
    const json = decoding.readTailAsUint8Array(decoder)
    return accept({ base, since, grown, check, kept, dropped, json })
  })
}

/** The clock of the entry that it makes, for whoever has one of about that time. */
export function clockOf({ base, since }: EntryChange, known: number): number {
  const ahead = (base - (known % CLOCKS) + CLOCKS) % CLOCKS
  return known + (ahead < CLOCKS / 2 ? ahead : ahead - CLOCKS) + since
}

/** `stale`: it is a change of another version. The body is bounded before it is put together. */
export function changed(from: Version, change: EntryChange): Result<Version> {
  const { base, check, dropped, grown, json, kept, since } = change
  if (from.clock % CLOCKS !== base) return reject('stale')
  if (kept + dropped > from.body.length || from.clock + since > MAX_COUNT) return reject('malformed')
  const length = from.body.length - dropped + json.length
  if (length > MAX_CHANGED_BYTES) return reject('too-large')
  const body = new Uint8Array(length)
  body.set(from.body.subarray(0, kept))
  body.set(json, kept)
  body.set(from.body.subarray(kept + dropped), kept + json.length)
  if (sumOf(body) !== check) return reject('stale')
  return accept({ clientId: from.clientId, clock: from.clock + since, counts: plus(from.counts, grown), body })
}

function fieldOf(state: JsonObject | null): JsonObject {
  const field = state?.[PRESENCE_FIELD]
  return isJsonObject(field) ? field : {}
}

const numberOf = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0)

const plus = (counts: Counts, others: Counts, times = 1): Counts =>
  counts.map((count, index) => count + times * (others[index] ?? 0))

/** Keys stay where they are. */
const withCounts = (state: JsonObject | null, [timestamp = 0, seq = 0, sent = 0]: Counts = []): JsonObject =>
  Object.freeze({ ...state, [PRESENCE_FIELD]: Object.freeze({ ...fieldOf(state), timestamp, seq, sent }) })

/** How many bytes are the same from the first one on, and how many of the others from the last one back. */
function commonEnds(one: Uint8Array, other: Uint8Array): { kept: number; rest: number } {
  const most = Math.min(one.length, other.length)
  let kept = 0
  while (kept < most && one[kept] === other[kept]) kept++
  let rest = 0
  while (rest < most - kept && one[one.length - 1 - rest] === other[other.length - 1 - rest]) rest++
  return { kept, rest }
}

/**
 * FNV-1a of 32 bits, folded to 16: it tells versions apart that were never meant to be told apart, and proves nothing. By index,
 * since iterating over bytes is slow.
 */
function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5
  for (let index = 0; index < bytes.length; index++) sum = Math.imul(sum ^ (bytes[index] ?? 0), 0x01000193)
  return (sum ^ (sum >>> 16)) & 0xffff
}
