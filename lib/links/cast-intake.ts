/**
 * Opens what the far end of one link casts to several: keeps the keys that it was given on this link, under the keys of
 * this link, and forgets them with those. What the frames say, the link knows.
 */
import { type CastNeeds, type CastReceiver, createCastReceiver } from '../identity/cast.ts'
import { decodeCast } from '../wire/cast.ts'
import type { CastKeyFrame } from '../wire/link-frame.ts'
import { type Result, reject } from '../wire/result.ts'

/** The newest key, and the one before it, under which something may still be on its way. */
const MAX_KEYS = 2

export interface CastIntake {
  /** Takes a key; false where it, or its slot, is older than those that we have. */
  learn(given: CastKeyFrame): boolean
  /** The frame, or why it is refused; `unknown-key`: nobody gave us that one; undefined: it is for others. */
  open(bytes: Uint8Array): Promise<Result<Uint8Array> | 'unknown-key' | undefined>
}

export function createCastIntake(needs: CastNeeds): CastIntake {
  /** By number, the oldest first. */
  const receivers = new Map<number, CastReceiver>()
  return {
    learn({ number, first, slot, key, tagKey }) {
      // Copies: what came is a view of a larger buffer.
      const given = { number, first, slot, key: key.slice(), tagKey: tagKey.slice() }
      const known = receivers.get(number)
      if (known !== undefined) return known.move(given)
      if (number < Math.max(...receivers.keys())) return false
      receivers.set(number, createCastReceiver(needs, given))
      const [oldest] = receivers.keys()
      if (receivers.size > MAX_KEYS && oldest !== undefined) receivers.delete(oldest)
      return true
    },
    async open(bytes) {
      const cast = decodeCast(bytes)
      if (!cast.ok) return reject(cast.reason)
      const receiver = receivers.get(cast.value.number)
      return receiver === undefined ? 'unknown-key' : receiver.open(cast.value)
    },
  }
}
