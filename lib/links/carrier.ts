/** One way for the bytes of one pair. A link has several and uses the best open one; it alone decides what they say. */
import type { PathKind } from '../wire/transport.ts'

/** Those whom one server serves: what is for several of them goes up once. The same object for all their carriers. */
export interface Group {
  /** How many would get a cast. */
  size(): number
  /** As `Carrier.admit`, for a cast. */
  admit(byteCount: number, isEntry: boolean): boolean
  /** To all of them; lost without a word where the server is gone or takes no more. */
  cast(bytes: Uint8Array): void
}

export interface Carrier {
  /** Tells carriers of one link apart, e.g. `relay:0`, `direct`, `via:<connectionId>`. */
  readonly id: string
  readonly kind: PathKind
  /** Whether nobody between the two ends can read or touch what it carries: frames go bare there. */
  readonly isPrivate: boolean
  /** It only carries the hello and signals, until there is another: a server that may introduce, but not relay. */
  readonly isIntroduction?: boolean
  /** Where what it carries for several could go up once. */
  readonly group?: Group
  /** Hands bytes over; lost without a word where the carrier is closing, or `MAX_BACKLOG_BYTES` would wait in it. */
  send(bytes: Uint8Array): void
  /** Whether it was full and lost something, and has room again: told once. */
  hasLost?(): boolean
  /** It has lost something, here or further on. */
  lose?(): void
  /**
   * Whether it takes an entry, a message or a piece of a document of that size now, which is thereby taken off its rates: a
   * server cuts off whoever sends too much. Left out: always.
   */
  admit?(byteCount: number, isEntry: boolean): boolean
  /** Bytes that were handed over and have not left yet. */
  backlogBytes(): number
  close(): void
}

/** Over this much waiting in a carrier nothing is added that can wait with us, as one value or merged (L53). */
export const MAX_WAITING_BYTES = 65_536
/** What waits in one carrier at most; what would exceed it is lost like on a line that is cut (L53). */
export const MAX_BACKLOG_BYTES = 1_048_576

/** Whether what can wait with us may be handed to it now; then it is taken off its rates. Nowhere it is lost at once. */
export const takes = (carrier: Carrier | undefined, byteCount: number, isEntry: boolean): boolean =>
  carrier === undefined ||
  (carrier.backlogBytes() <= MAX_WAITING_BYTES && (carrier.admit?.(byteCount, isEntry) ?? true))

/** Remembers what a carrier lost while it was full; for it to be made of. */
export function createLosses(backlogBytes: () => number): Required<Pick<Carrier, 'backlogBytes' | 'hasLost' | 'lose'>> {
  let isNoted = false
  return {
    backlogBytes,
    lose() {
      isNoted = true
    },
    hasLost() {
      const hasLost = isNoted && backlogBytes() <= MAX_WAITING_BYTES
      if (hasLost) isNoted = false
      return hasLost
    },
  }
}

/** How a carrier ended: the far end's side ended it, or only our own way did. */
export type CarrierEnd = 'closed' | 'lost'

/** The best first: what is nearest costs nobody anything. */
const PREFERENCE: readonly PathKind[] = ['tab', 'direct', 'relay', 'via']

export const byPreference = (left: Carrier, right: Carrier): number =>
  PREFERENCE.indexOf(left.kind) - PREFERENCE.indexOf(right.kind)
