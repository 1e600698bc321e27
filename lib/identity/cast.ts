/**
 * What one member seals once for several: under a key of its own, which each receiver was given inside the sealed link, and
 * proved to each of them by a tag of a key that only the two have. Whoever has the first key alone can read, and forge for
 * nobody (threat T1).
 *
 *   ciphertext = AES-GCM( key, counter, aad = label topic senderId )
 *   tag        = hmac( tagKey, sha256( label topic senderId number:varUint counter:varUint ciphertext ) ), cut to 8 bytes
 *
 * Knows nothing of links, nor of who has to be given a key or must not have it any longer.
 */
import * as encoding from 'lib0/encoding'
import type { ConnectionId } from '../base/ids.ts'
import { utf8 } from '../base/utf8.ts'
import { CAST_TAG_BYTES, type Cast, encodeCast } from '../wire/cast.ts'
import { MAX_CAST_SLOTS } from '../wire/limits.ts'
import { accept, type Result, reject } from '../wire/result.ts'
import { concatBytes, isEqualBytes } from './bytes.ts'
import { type Crypto, KEY_BYTES } from './crypto.ts'
import { createReplayWindow, REPLAY_WINDOW } from './seal.ts'

const LABEL = 'copresence-cast-1'

export interface CastNeeds {
  readonly crypto: Pick<Crypto, 'createSeal' | 'hmac' | 'sha256' | 'randomBytes'>
  /** 32 bytes. */
  readonly topic: Uint8Array
  readonly senderId: ConnectionId
}

/** What a receiver is told, inside the sealed link. Nobody shows it, and nobody changes the bytes. */
export interface CastKey {
  /** Counted by its sender: a later key has a higher one. */
  readonly number: number
  /** Counts before it are not for this receiver. */
  readonly first: number
  /** Which of the tags is this receiver's. */
  readonly slot: number
  /** 32 bytes, the same for all receivers. */
  readonly key: Uint8Array
  /** 32 bytes, this receiver's alone. */
  readonly tagKey: Uint8Array
}

export interface CastSender {
  readonly number: number
  /** A key for one more receiver; undefined once all slots have been given. */
  give(): CastKey | undefined
  /** Counts at once, so the order of calls is the order of counts. */
  seal(plaintext: Uint8Array, receivers: readonly CastKey[]): Promise<Uint8Array>
}

export function createCastSender(needs: CastNeeds, number: number): CastSender {
  const { crypto } = needs
  const key = crypto.randomBytes(KEY_BYTES)
  const seal = crypto.createSeal(key)
  const aad = headOf(needs)
  let nextSlot = 0
  let nextCounter = 0
  return {
    number,
    give() {
      if (nextSlot === MAX_CAST_SLOTS) return undefined
      return { number, first: nextCounter, slot: nextSlot++, key, tagKey: crypto.randomBytes(KEY_BYTES) }
    },
    async seal(plaintext, receivers) {
      const counter = nextCounter++
      const ciphertext = await seal.seal(counter, plaintext, aad)
      const digest = digestOf(needs, { number, counter, ciphertext })
      const tags = new Map(receivers.map(({ slot, tagKey }) => [slot, tagOf(crypto, tagKey, digest)]))
      return encodeCast({ number, counter, tags, ciphertext })
    },
  }
}

export interface CastReceiver {
  /**
   * Another slot under the same key; what was opened stays opened. False for a former slot, which came late: its sender has
   * given this one a later one since.
   */
  move(given: CastKey): boolean
  /** `replayed` or `not-authentic` where it is refused; undefined where it is for others. */
  open(cast: Cast): Promise<Result<Uint8Array> | undefined>
}

export function createCastReceiver(needs: CastNeeds, given: CastKey): CastReceiver {
  const { crypto } = needs
  const seal = crypto.createSeal(given.key)
  const aad = headOf(needs)
  const window = createReplayWindow(REPLAY_WINDOW, given.first)
  let { slot, tagKey } = given
  return {
    move(next) {
      if (next.slot < slot) return false
      slot = next.slot
      tagKey = next.tagKey
      return true
    },
    async open(cast) {
      const tag = cast.tags.get(slot)
      if (tag === undefined) return undefined
      if (!isEqualBytes(tag, tagOf(crypto, tagKey, digestOf(needs, cast)))) return reject('not-authentic')
      if (!window.isFresh(cast.counter)) return reject('replayed')
      const plaintext = await seal.open(cast.counter, cast.ciphertext, aad)
      if (plaintext === undefined) return reject('not-authentic')
      // A copy may have been opened while this one was: only the first to get here counts.
      if (!window.isFresh(cast.counter)) return reject('replayed')
      window.mark(cast.counter)
      return accept(plaintext)
    },
  }
}

const headOf = ({ topic, senderId }: CastNeeds): Uint8Array => concatBytes(utf8(LABEL), topic, utf8(senderId))

function digestOf(needs: CastNeeds, { number, counter, ciphertext }: Omit<Cast, 'tags'>): Uint8Array {
  const counts = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, number)
    encoding.writeVarUint(encoder, counter)
  })
  return needs.crypto.sha256(concatBytes(headOf(needs), counts, ciphertext))
}

const tagOf = (crypto: Pick<Crypto, 'hmac'>, tagKey: Uint8Array, digest: Uint8Array): Uint8Array =>
  crypto.hmac(tagKey, digest).slice(0, CAST_TAG_BYTES)
