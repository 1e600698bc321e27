/** How an update changes a participant's data. Pure; knows the documented merge and nothing else. */
import { PresenceError, show } from './base/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, MAX_JSON_KEYS, notJson, toJson } from './base/json.ts'
import { utf8Bytes } from './base/utf8.ts'

export interface MergeOptions {
  /** Replaces the data whole instead of merging. */
  readonly replace?: boolean
}

/** @throws PresenceError `invalid-option` where `replace` is no boolean. */
export function checkMergeOptions(options: MergeOptions | null | undefined): MergeOptions {
  const replace: unknown = options?.replace
  if (replace === undefined || typeof replace === 'boolean') return { replace: replace === true }
  throw new PresenceError('invalid-option', `Option replace must be true or false, this is ${show(replace)}.`)
}

/**
 * The data after an update: an object merges shallowly into an object (an own `undefined` deletes its key, a function
 * leaves it), anything else replaces it whole. Frozen deeply.
 * @throws PresenceError `not-json`, or `too-large` over `maxDataBytes` of JSON once merged.
 */
export function mergeData(current: JsonValue, patch: unknown, options: MergeOptions, maxDataBytes: number): JsonValue {
  const read = readOnce(patch)
  const json = toJson(read)
  const isMerge = isJsonObject(json) && isJsonObject(current) && options.replace !== true
  const merged = isMerge ? mergeObjects(current, json, deletedKeys(read)) : json
  checkSize(merged, maxDataBytes)
  return merged
}

/** A copy of a plain object's own values: a getter is asked once, so that what is sent and what is deleted agree. */
function readOnce(patch: unknown): unknown {
  try {
    if (typeof patch !== 'object' || patch === null || 'toJSON' in patch) return patch
    return Object.prototype.toString.call(patch) === '[object Object]' ? { ...patch } : patch
  } catch (cause) {
    throw notJson(cause)
  }
}

function mergeObjects(current: JsonObject, json: JsonObject, deleted: readonly string[]): JsonValue {
  const merged: Record<string, JsonValue> = { ...current, ...json }
  for (const key of deleted) delete merged[key]
  const keyCount = Object.keys(merged).length
  if (keyCount > MAX_JSON_KEYS) {
    throw new PresenceError('too-large', `The merged data has ${keyCount} keys, the limit is ${MAX_JSON_KEYS}.`, {
      hint: 'Delete keys with undefined, or replace the data with { replace: true }.',
    })
  }
  return Object.freeze(merged)
}

/** Keys that the caller set to undefined itself; where a toJSON speaks for the object, it decides alone. */
function deletedKeys(read: unknown): string[] {
  if (typeof read !== 'object' || read === null || 'toJSON' in read || Array.isArray(read)) return []
  return Object.entries(read).flatMap(([key, value]) => (value === undefined ? [key] : []))
}

/** @throws PresenceError `too-large`. */
export function checkSize(json: JsonValue, maxDataBytes: number): void {
  const bytes = utf8Bytes(JSON.stringify(json))
  if (bytes <= maxDataBytes) return
  throw new PresenceError('too-large', `The data has ${bytes} bytes of JSON, the limit is ${maxDataBytes}.`, {
    hint: 'Send less, or raise maxDataBytes (at most 65536) on every member.',
  })
}
