/** The JSON view of a value: what peers see is what you see. Walks never recurse, so depth cannot exhaust the stack. */
import { PresenceError, show } from './errors.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [key: string]: JsonValue }

/** Levels of objects and arrays in one payload, the outermost included (threat T7). */
export const MAX_JSON_DEPTH = 32
/** Keys in one object (threat T7). */
export const MAX_JSON_KEYS = 256

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Makes a value that came out of `JSON.parse` safe to hand around: drops every `__proto__` key and freezes it deeply.
 * Returns what is wrong with it instead where it is deeper than `maxDepth` or an object has more than `maxKeys` keys.
 */
export function sealJson(parsed: unknown, maxDepth = MAX_JSON_DEPTH, maxKeys = MAX_JSON_KEYS): string | undefined {
  let level: object[] = isContainer(parsed) ? [parsed] : []
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) return `deeper than ${maxDepth} levels`
    const next: object[] = []
    for (const container of level) {
      if (!Array.isArray(container)) {
        Reflect.deleteProperty(container, '__proto__')
        const keyCount = Object.keys(container).length
        if (keyCount > maxKeys) return `an object with ${keyCount} keys, the limit is ${maxKeys}`
      }
      for (const child of Object.values(container)) {
        if (isContainer(child)) next.push(child)
        // JSON.parse makes Infinity of 1e999; nothing that JSON.stringify wrote holds one.
        else if (typeof child === 'number' && !Number.isFinite(child)) return 'a number out of range'
      }
      Object.freeze(container)
    }
    level = next
  }
  return undefined
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/**
 * What JSON makes of `value`, frozen deeply; the caller may change its own object afterwards.
 * @throws PresenceError `not-json` for undefined, a function, a symbol, a circular structure or a BigInt;
 * `too-large` for more than 32 levels or more than 256 keys in one object.
 */
export function toJson(value: unknown): JsonValue {
  const parsed: unknown = JSON.parse(stringify(value))
  const problem = sealJson(parsed)
  if (problem !== undefined) throw tooDeep(problem)
  return parsed as JsonValue
}

function stringify(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    // JSON.stringify itself recurses: running out of stack means that the value is far too deep.
    if (isStackOverflow(cause)) throw tooDeep(`deeper than ${MAX_JSON_DEPTH} levels`, cause)
    throw notJson(cause)
  }
  if (text === undefined) {
    throw new PresenceError('not-json', `The payload is not JSON: ${show(value)} has no JSON form.`, {
      hint: 'Send an object, or null to say that there is nothing.',
    })
  }
  return text
}

/** What a getter, a proxy or a toJSON threw may itself throw when it is looked at. */
export function notJson(cause: unknown): PresenceError {
  return new PresenceError('not-json', `The payload is not JSON: ${reasonOf(cause)}.`, {
    hint: 'Send plain objects, arrays, strings, numbers, booleans and null.',
    cause,
  })
}

function reasonOf(cause: unknown): string {
  try {
    return cause instanceof Error ? String(cause.message) : show(cause)
  } catch {
    // A message that throws is no message.
    return 'it throws'
  }
}

/** V8 and JavaScriptCore throw a RangeError, SpiderMonkey an InternalError. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion/i.test(reasonOf(error))
}

function tooDeep(problem: string, cause?: unknown): PresenceError {
  return new PresenceError('too-large', `The payload is too large: ${problem}.`, {
    hint: 'Presence is for small, flat values; put documents into a Y.Doc.',
    ...(cause === undefined ? {} : { cause }),
  })
}
