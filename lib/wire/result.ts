/** What a decoder returns: the value, or why the bytes were refused. Bytes from the network never throw past here. */

/** Why bytes were refused; counted by reason, never shown to a listener. */
export type RejectReason =
  | 'malformed'
  | 'too-large'
  | 'bad-json'
  | 'bad-presence'
  | 'not-owner'
  | 'own-entry'
  | 'stale'
  | 'room-full'
  | 'unknown-frame'
  | 'document-refused'
  | 'signaling-refused'
  | 'bad-hello'
  | 'bad-signature'
  | 'wrong-peer'
  | 'wrong-secret'
  | 'replayed'
  | 'not-authentic'
  | 'too-often'

export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: RejectReason }

export const accept = <Value>(value: Value): Result<Value> => ({ ok: true, value })
export const reject = (reason: RejectReason): Result<never> => ({ ok: false, reason })

/** Runs a decoder over remote bytes; whatever lib0 throws on truncated input becomes `malformed`. */
export function attempt<Value>(decode: () => Result<Value>): Result<Value> {
  try {
    return decode()
  } catch {
    // lib0 throws on truncated or overlong input, and that is all it can tell: the bytes are malformed.
    return reject('malformed')
  }
}

/** Counts refusals by reason. */
export interface RejectCounter {
  count(reason: RejectReason): void
  /** A plain object of the reasons seen so far. */
  totals(): Partial<Record<RejectReason, number>>
}

export function createRejectCounter(): RejectCounter {
  const totals = new Map<RejectReason, number>()
  return {
    count: (reason) => void totals.set(reason, (totals.get(reason) ?? 0) + 1),
    totals: () => Object.fromEntries(totals),
  }
}
