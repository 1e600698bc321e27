/** The awareness frames that the server makes and checks. Knows bytes; does not know who may write which entry. */
import type { ClientId } from '../lib/base/ids.ts'
import { isJsonObject } from '../lib/base/json.ts'
import { textOf } from '../lib/base/utf8.ts'
import { type AwarenessSpan, encodeAwarenessUpdate } from '../lib/wire/awareness-update.ts'
import { encodeAwarenessFrame } from '../lib/wire/frame.ts'
import { isDeeperThan } from './json-depth.ts'

/** Whether stock clients can read the state: they throw on bad JSON, and on JSON too deep to be written again. */
export function isReadable({ json, isGone }: AwarenessSpan, maxDepth: number): boolean {
  if (isGone) return true
  if (isDeeperThan(json, maxDepth)) return false
  try {
    return isJsonObject(JSON.parse(textOf(json)))
  } catch {
    // Not UTF-8 or not JSON; the caller counts it.
    return false
  }
}

/** A frame of that one entry of an update, its bytes as they came. */
export function cutOutFrame(update: Uint8Array, { start, end }: AwarenessSpan): Uint8Array {
  const single = new Uint8Array(1 + end - start)
  single[0] = 1
  single.set(update.subarray(start, end), 1)
  return encodeAwarenessFrame(single)
}

/** A frame that says that a client is gone. */
export const goneFrame = (clientId: ClientId, clock: number): Uint8Array =>
  encodeAwarenessFrame(encodeAwarenessUpdate({ clientId, clock, state: null }))
