/** The one error class of the library, and how a listener's own error is reported. */

/** Every code, one line each in the README. */
export type PresenceErrorCode =
  | 'invalid-id'
  | 'invalid-name'
  | 'invalid-option'
  | 'unknown-event'
  | 'not-json'
  | 'too-large'
  | 'disconnected'
  | 'destroyed'

/**
 * What a caller did wrong, or what is no longer possible. `message` names the value and the limit, `hint` the first
 * thing to do about it, `cause` the error beneath where there is one.
 */
export class PresenceError extends Error {
  override readonly name = 'PresenceError'
  readonly code: PresenceErrorCode
  readonly hint?: string

  constructor(code: PresenceErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    if (details.hint !== undefined) this.hint = details.hint
  }
}

/** A value as an error message shows it: JSON where it has one, at most 80 characters. */
export function show(value: unknown): string {
  let text: string
  try {
    text = typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : describe(value)
  } catch {
    // A hostile toString or a revoked proxy: naming the type is all that is left.
    text = `a ${typeof value}`
  }
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value) ?? Object.prototype.toString.call(value)
}

/** Hands an error of a user's listener to the page, or to the console; it never stops the caller. */
export function reportListenerError(error: unknown): void {
  try {
    if (typeof globalThis.reportError === 'function') globalThis.reportError(error)
    else console.error(error)
  } catch {
    // The error, or what a page put in place of reportError, throws when it is looked at: there is nobody left to tell.
  }
}
