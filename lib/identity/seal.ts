/**
 * Frames of one link, encrypted and authenticated between its two ends whatever carries them.
 *
 *   sealed = counter:varUint ciphertext        aad = topic direction, direction = `I` or `R`, who sealed it
 *
 * Each end counts what it seals from 0 and opens each count of the other once. Knows nothing of carriers and frames.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { utf8 } from '../base/utf8.ts'
import { MAX_COUNT, MAX_FRAME_BYTES } from '../wire/limits.ts'
import { accept, attempt, type Result, reject } from '../wire/result.ts'
import { concatBytes } from './bytes.ts'
import { type Crypto, SEAL_OVERHEAD_BYTES } from './crypto.ts'

/** What a hello agrees on. Nobody changes the bytes, and nobody shows them. */
export interface LinkKeys {
  readonly isInitiator: boolean
  /** 32 bytes, for what we seal. */
  readonly send: Uint8Array
  /** 32 bytes, for what the far end sealed. */
  readonly receive: Uint8Array
}

/** How far behind the newest count a late frame may be: reordering between two carriers, not a replay of an hour ago. */
export const REPLAY_WINDOW = 1_024

export interface SealedLink {
  /**
   * Counts at once, so the order of calls is the order of counts; the promises settle in that order too. Rejects after 2^48
   * frames, which no link lives to see.
   */
  seal(plaintext: Uint8Array): Promise<Uint8Array>
  /**
   * Seals the last word of this link ahead of time: whoever opens it opens nothing older after it. A second call gives what
   * the first one gave.
   */
  sealLast(plaintext: Uint8Array): Promise<Uint8Array>
  /** `malformed`, `replayed` or `not-authentic` where it is refused. Settles in the order of calls. */
  open(sealed: Uint8Array): Promise<Result<Uint8Array>>
}

export function createSealedLink(keys: LinkKeys, crypto: Pick<Crypto, 'createSeal'>, topic: Uint8Array): SealedLink {
  const outgoing = crypto.createSeal(keys.send)
  const incoming = crypto.createSeal(keys.receive)
  const sendAad = concatBytes(topic, utf8(keys.isInitiator ? 'I' : 'R'))
  const receiveAad = concatBytes(topic, utf8(keys.isInitiator ? 'R' : 'I'))
  const window = createReplayWindow(REPLAY_WINDOW)
  const sealedInOrder = createOrder<Uint8Array>()
  const openedInOrder = createOrder<Result<Uint8Array>>()
  let nextCounter = 0
  let last: Promise<Uint8Array> | undefined

  const sealAs = async (counter: number, plaintext: Uint8Array): Promise<Uint8Array> =>
    encodeSealed(counter, await outgoing.seal(counter, plaintext, sendAad))

  async function open(bytes: Uint8Array): Promise<Result<Uint8Array>> {
    const sealed = decodeSealed(bytes)
    if (!sealed.ok) return sealed
    const { counter, ciphertext } = sealed.value
    // First, since a count that was seen may be one of other keys, and is no replay then.
    const plaintext = await incoming.open(counter, ciphertext, receiveAad)
    if (plaintext === undefined) return reject('not-authentic')
    // A copy may have been opened while this one was: only the first to get here counts.
    if (!window.isFresh(counter)) return reject('replayed')
    window.mark(counter)
    return accept(plaintext)
  }

  return {
    seal(plaintext) {
      if (nextCounter === MAX_COUNT) return Promise.reject(new RangeError('the link has no counts left'))
      return sealedInOrder(sealAs(nextCounter++, plaintext))
    },
    sealLast(plaintext) {
      last ??= sealAs(MAX_COUNT, plaintext)
      return last
    },
    open: (bytes) => openedInOrder(open(bytes)),
  }
}

function encodeSealed(counter: number, ciphertext: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, counter)
    encoding.writeUint8Array(encoder, ciphertext)
  })
}

function decodeSealed(bytes: Uint8Array): Result<{ counter: number; ciphertext: Uint8Array }> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const counter = decoding.readVarUint(decoder)
    const ciphertext = decoding.readTailAsUint8Array(decoder)
    const isPossible = counter <= MAX_COUNT && ciphertext.length >= SEAL_OVERHEAD_BYTES
    return isPossible ? accept({ counter, ciphertext }) : reject('malformed')
  })
}

/** Which counts were seen: the newest, and of the `size` before it each one. Those before `first` count as seen. */
export function createReplayWindow(
  size: number,
  first = 0,
): { isFresh(counter: number): boolean; mark(counter: number): void } {
  const seen = new Uint8Array(size).fill(1)
  let newest = first - 1
  return {
    isFresh: (counter) => counter > newest || (counter > newest - size && seen[counter % size] === 0),
    mark(counter) {
      if (counter - newest >= size) seen.fill(0)
      else for (let passed = newest + 1; passed < counter; passed++) seen[passed % size] = 0
      newest = Math.max(newest, counter)
      seen[counter % size] = 1
    },
  }
}

/** Lets each work settle only after those that were handed in before it: threads finish in any order. */
function createOrder<Value>(): (work: Promise<Value>) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const settled = Promise.all([work, last]).then(([value]) => value)
    last = settled
    return settled
  }
}
