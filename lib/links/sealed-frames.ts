/**
 * Seals what a link says and opens what it hears, in order, under the keys of its last hello. On a private carrier frames
 * go bare. Knows keys and when they change; what a frame says, the link knows.
 */
import type { Clock } from '../base/clock.ts'
import { reportListenerError } from '../base/errors.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { Crypto } from '../identity/crypto.ts'
import type { SealedLink } from '../identity/seal.ts'
import { encodeSealedEnvelope } from '../wire/envelope.ts'
import { type CastKeyFrame, GOODBYE_FRAME } from '../wire/link-frame.ts'
import type { RejectReason } from '../wire/result.ts'
import type { Carrier } from './carrier.ts'
import { type CastIntake, createCastIntake } from './cast-intake.ts'

/** What is under way when keys are renewed comes within this, on a slow line too; later, the far end has not renewed them. */
const UNDER_WAY_MS = 5_000

export interface SealedFramesNeeds {
  readonly clock: Clock
  readonly crypto: Crypto
  readonly topic: Uint8Array
  readonly peer: ConnectionId
  /** Resolves when the hellos that have come so far are looked at. */
  helloSettled(): Promise<unknown>
  /** `isOld`: as it was handed in. */
  onFrame(carrier: Carrier, frame: Uint8Array, isOld: boolean): void
  onCast(carrier: Carrier, frame: Uint8Array, how: { readonly isOld: boolean; readonly castByteCount: number }): void
  /** A cast under a key that nobody gave us. */
  onUnknownCast(carrier: Carrier): void
  onReject(reason: RejectReason): void
  /** Something could not be opened. `isOutOfStep`: the far end has keys that we lack, or lost those that we have. */
  onMissed(isOutOfStep: boolean): void
}

export interface SealedFrames {
  hasKeys(): boolean
  setKeys(keys: SealedLink): void
  send(carrier: Carrier, frame: Uint8Array): void
  /** A goodbye within this call, where there is one. */
  sayGoodbye(carrier: Carrier): void
  /** `isOld`: nothing reached the far end any more when it came. */
  receive(carrier: Carrier, sealed: Uint8Array, isOld: boolean): void
  receiveCast(carrier: Carrier, cast: Uint8Array, isOld: boolean): void
  /** The far end gives us a key of its casts; false where it is older than those that we have. */
  learnKey(given: CastKeyFrame): boolean
  /** Something of ours goes out by a cast: before whatever is sent from now on. */
  follow(cast: Promise<unknown>): void
  /** Resolves when all that was sent so far has been handed to its carriers. */
  settled(): Promise<unknown>
  close(): void
}

export function createSealedFrames(needs: SealedFramesNeeds): SealedFrames {
  const { clock, crypto, topic, peer } = needs
  let keys: SealedLink | undefined
  /** Those before: what was under way when they were renewed is lost, but no reason to renew them again. */
  let former: SealedLink | undefined
  let renewedAtMs = Number.NEGATIVE_INFINITY
  let intake: CastIntake | undefined
  let goodbye: Uint8Array | undefined
  let isClosed = false
  let sealing: Promise<unknown> = Promise.resolve()
  let opening: Promise<unknown> = Promise.resolve()

  /** One after the other. [T34] What one frame leads to may fail, in a platform's hands or ours: the next has its turn all the same. */
  const after = (before: Promise<unknown>, work: () => Promise<void>): Promise<void> =>
    before.then(work).catch(reportListenerError)

  async function open(carrier: Carrier, sealed: Uint8Array, isOld: boolean): Promise<void> {
    const used = keys
    const opened = await used?.open(sealed)
    if (isClosed) return
    if (opened?.ok) return needs.onFrame(carrier, opened.value, isOld)
    if (opened !== undefined) needs.onReject(opened.reason)
    const isForeign = opened === undefined || (opened.reason === 'not-authentic' && used === keys)
    const isRecent = clock.moment().steadyMs - renewedAtMs < UNDER_WAY_MS
    needs.onMissed(isForeign && !(isRecent && (await former?.open(sealed))?.ok))
  }

  return {
    hasKeys: () => keys !== undefined,
    setKeys(agreed) {
      former = keys
      renewedAtMs = clock.moment().steadyMs
      keys = agreed
      intake = createCastIntake({ crypto, topic, senderId: peer })
      goodbye = undefined
      // A page that ends has no time to seal anything: its goodbye is sealed beforehand, under a count that ends the link.
      void agreed.sealLast(GOODBYE_FRAME).then((last) => {
        if (keys === agreed) goodbye = encodeSealedEnvelope(last)
      })
    },
    send(carrier, frame) {
      if (keys === undefined) return
      if (carrier.isPrivate) return carrier.send(frame)
      const used = keys
      sealing = after(sealing, async () => {
        const bytes = await used.seal(frame)
        if (!isClosed && used === keys) carrier.send(encodeSealedEnvelope(bytes))
      })
    },
    sayGoodbye(carrier) {
      if (carrier.isPrivate) carrier.send(GOODBYE_FRAME)
      else if (goodbye !== undefined) carrier.send(goodbye)
    },
    /** One after the other, and each behind the hello that came before it: its keys may still be on their way. */
    receive(carrier, sealed, isOld) {
      const hello = needs.helloSettled()
      opening = after(opening, async () => {
        await hello
        if (!isClosed) await open(carrier, sealed, isOld)
      })
    },
    /** In its turn among the sealed ones, since they came in one order. */
    receiveCast(carrier, cast, isOld) {
      opening = after(opening, async () => {
        const opened = await intake?.open(cast)
        if (isClosed || opened === undefined) return
        if (opened === 'unknown-key') return needs.onUnknownCast(carrier)
        if (opened.ok) needs.onCast(carrier, opened.value, { isOld, castByteCount: cast.length })
        else needs.onReject(opened.reason)
      })
    },
    learnKey: (given) => intake?.learn(given) === true,
    follow(cast) {
      // [T31] Resolved with nothing, as there may be casts alone for hours.
      sealing = Promise.all([sealing, cast]).then(() => undefined)
    },
    settled: () => sealing,
    close() {
      isClosed = true
    },
  }
}
