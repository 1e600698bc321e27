/**
 * The awareness update of y-protocols, read all or nothing and within limits.
 *
 *   update = count:varUint ( clientId:varUint clock:varUint state:varString ){count}    state = JSON, `null` = gone
 *
 * Knows bytes and JSON; does not know who may write which entry.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ClientId } from '../base/ids.ts'
import { isJsonObject, type JsonObject, MAX_JSON_DEPTH, sealJson } from '../base/json.ts'
import { textOf } from '../base/utf8.ts'
import { MAX_CLIENT_ID, MAX_COUNT, MAX_ENTRIES_PER_FRAME } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

/** One client's part of an awareness update. `state` is frozen deeply; null says that the client is gone. */
export interface AwarenessEntry {
  readonly clientId: ClientId
  /** A counter of the entry's owner, 0 to 2^48; never a time. */
  readonly clock: number
  readonly state: JsonObject | null
}

/** Where one entry lies in its update, without looking into its JSON. */
export interface AwarenessSpan {
  readonly clientId: ClientId
  readonly clock: number
  /** Whether the entry says that the client is gone. */
  readonly isGone: boolean
  /** Offsets into the update: the entry's bytes, clientId included. */
  readonly start: number
  readonly end: number
  /** The JSON of the state, still as bytes. */
  readonly json: Uint8Array
}

/** The state holds our presence field, which holds the data: two levels above the payload's own. */
const MAX_STATE_DEPTH = MAX_JSON_DEPTH + 2
const NULL_JSON = 'null'

/** The spans of an update; refuses trailing bytes, counts over 2^48 and more than 256 entries. */
export function scanAwarenessUpdate(update: Uint8Array): Result<AwarenessSpan[]> {
  return attempt(() => {
    const decoder = decoding.createDecoder(update)
    const count = decoding.readVarUint(decoder)
    if (count > MAX_ENTRIES_PER_FRAME) return reject('too-large')
    const spans: AwarenessSpan[] = []
    for (let index = 0; index < count; index++) {
      const start = decoder.pos
      const clientId = decoding.readVarUint(decoder) as ClientId
      const clock = decoding.readVarUint(decoder)
      if (clientId > MAX_CLIENT_ID || clock > MAX_COUNT) return reject('malformed')
      const json = decoding.readVarUint8Array(decoder)
      spans.push({ clientId, clock, isGone: isNullJson(json), start, end: decoder.pos, json })
    }
    return decoding.hasContent(decoder) ? reject('malformed') : accept(spans)
  })
}

/** Every entry of an update, or why all of it was refused. `maxBytes` bounds the JSON of one entry before it is parsed. */
export function decodeAwarenessUpdate(update: Uint8Array, maxBytes: number): Result<AwarenessEntry[]> {
  const spans = scanAwarenessUpdate(update)
  if (!spans.ok) return spans
  if (spans.value.some((span) => span.json.length > maxBytes)) return reject('too-large')
  const entries: AwarenessEntry[] = []
  for (const { clientId, clock, isGone, json } of spans.value) {
    const state = isGone ? accept(null) : parseState(json)
    if (!state.ok) return state
    entries.push({ clientId, clock, state: state.value })
  }
  return accept(entries)
}

/** An update of exactly one entry. */
export function encodeAwarenessUpdate({ clientId, clock, state }: AwarenessEntry): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, clientId)
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarString(encoder, JSON.stringify(state))
  return encoding.toUint8Array(encoder)
}

function isNullJson(json: Uint8Array): boolean {
  return json.length === NULL_JSON.length && [...NULL_JSON].every((char, index) => json[index] === char.charCodeAt(0))
}

/** The JSON of a state, frozen deeply, or why it is refused. */
export function parseState(json: Uint8Array): Result<JsonObject> {
  let parsed: unknown
  try {
    parsed = JSON.parse(textOf(json))
  } catch {
    // Not UTF-8 or not JSON: both are the sender's fault and told apart by nobody.
    return reject('bad-json')
  }
  if (!isJsonObject(parsed)) return reject('bad-json')
  return sealJson(parsed, MAX_STATE_DEPTH) === undefined ? accept(parsed) : reject('too-large')
}
