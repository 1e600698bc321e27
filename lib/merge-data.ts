/** How an update changes a participant's data. Pure; knows the documented merge and nothing else. */
import { PresenceError } from './base/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, MAX_JSON_KEYS, toJson, utf8Bytes } from './base/json.ts'

export interface MergeOptions {
  /** Replaces the data whole instead of merging. */
  readonly replace?: boolean
}

/**
 * The data after an update: an object merges shallowly into an object (an own `undefined` deletes its key, a function
 * leaves it), anything else replaces it whole. Frozen deeply.
 * @throws PresenceError `not-json`, or `too-large` over `maxDataBytes` of JSON once merged.
 */
export function mergeData(current: JsonValue, patch: unknown, options: MergeOptions, maxDataBytes: number): JsonValue {
  const json = toJson(patch)
  const merged =
    isJsonObject(json) && isJsonObject(current) && options.replace !== true ? mergeObjects(current, json, patch) : json
  checkSize(merged, maxDataBytes)
  return merged
}

function mergeObjects(current: JsonObject, json: JsonObject, patch: unknown): JsonValue {
  const merged: Record<string, JsonValue> = { ...current, ...json }
  for (const key of deletedKeys(patch)) delete merged[key]
  const keyCount = Object.keys(merged).length
  if (keyCount > MAX_JSON_KEYS) {
    throw new PresenceError('too-large', `The merged data has ${keyCount} keys, the limit is ${MAX_JSON_KEYS}.`, {
      hint: 'Delete keys with undefined, or replace the data with { replace: true }.',
    })
  }
  return Object.freeze(merged)
}

/** Keys that the caller set to undefined itself; where a toJSON speaks for the object, it decides alone. */
function deletedKeys(patch: unknown): string[] {
  if (typeof patch !== 'object' || patch === null) return []
  if ('toJSON' in patch && typeof patch.toJSON === 'function') return []
  return Object.entries(patch).flatMap(([key, value]) => (value === undefined ? [key] : []))
}

/** @throws PresenceError `too-large`. */
export function checkSize(json: JsonValue, maxDataBytes: number): void {
  const bytes = utf8Bytes(JSON.stringify(json))
  if (bytes <= maxDataBytes) return
  throw new PresenceError('too-large', `The data has ${bytes} bytes of JSON, the limit is ${maxDataBytes}.`, {
    hint: 'Send less, or raise maxDataBytes (at most 65536) on every member.',
  })
}
