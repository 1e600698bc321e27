/** One way for the bytes of one pair. A link has several and uses the best open one; it alone decides what they say. */
import type { PathKind } from '../wire/transport.ts'

/** Those whom one server serves: what is for several of them goes up once. The same object for all their carriers. */
export interface Group {
  /** How many would get a cast. */
  size(): number
  /** As `Carrier.admit`, for a cast. */
  admit(byteCount: number): boolean
  /** To all of them; lost without a word where the server is gone. */
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
  /** Hands bytes over; lost without a word where the carrier is closing. */
  send(bytes: Uint8Array): void
  /**
   * Whether it takes an entry of that size now, which is thereby taken off its rate: a server cuts off whoever sends too much.
   * Left out: always.
   */
  admit?(byteCount: number): boolean
  /**
   * Whether there is plenty of room by that rate: for documents and what is passed on for others, which our own words must not
   * suffer from. Left out: always.
   */
  hasPlenty?(): boolean
  /** Bytes that were handed over and have not left yet. */
  backlogBytes(): number
  close(): void
}

/** How a carrier ended: the far end's side ended it, or only our own way did. */
export type CarrierEnd = 'closed' | 'lost'

/** Over this much waiting in a carrier nothing is added that can wait elsewhere, or be lost (fault F21). */
export const MAX_WAITING_BYTES = 65_536

/** Whether what is none of our own words may go by it now. */
export const hasPlenty = (carrier: Carrier | undefined): boolean =>
  carrier !== undefined && carrier.backlogBytes() <= MAX_WAITING_BYTES && (carrier.hasPlenty?.() ?? true)

/** The best first: what is nearest costs nobody anything. */
const PREFERENCE: readonly PathKind[] = ['tab', 'direct', 'relay', 'via']

export const byPreference = (left: Carrier, right: Carrier): number =>
  PREFERENCE.indexOf(left.kind) - PREFERENCE.indexOf(right.kind)
