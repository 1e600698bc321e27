/**
 * What a channel knows of the network: here is an entry, a path is gone, somebody said goodbye. Every way to travel
 * implements `Transport`; none of them decides who is present, that is the roster's.
 */
import type { Clock } from '../base/clock.ts'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import type { AwarenessEntry } from './awareness-update.ts'
import type { MessageFrame } from './frame.ts'
import type { LinkFrame } from './link-frame.ts'
import type { RejectCounter, RejectReason } from './result.ts'

declare const pathBrand: unique symbol

/** One way by which one client reaches us. A path carries its client's entry and nobody else's. */
export type PathId = string & { readonly [pathBrand]: true }

/** direct: a WebRTC data channel · tab: another tab or instance of this machine · relay: through a server · via: through a member. */
export type PathKind = 'direct' | 'tab' | 'relay' | 'via'

export interface Path {
  readonly id: PathId
  readonly kind: PathKind
  /** No two paths of different far ends have the same. */
  readonly clientId: ClientId
  /** Whose it is, where the path proves that. */
  readonly connectionId?: ConnectionId
}

/** What a transport learned, in the order in which it learned it. */
export type Evidence =
  /** The owner's entry came by this path, which is thereby open. `state` is never null here. */
  | { readonly kind: 'entry'; readonly path: Path; readonly entry: AwarenessEntry }
  /** The owner has answered by this path: whom we know by it is there, whatever it says next. */
  | { readonly kind: 'open'; readonly path: Path }
  /** The owner itself said goodbye, with the clock of its last entry or a later one. */
  | { readonly kind: 'goodbye'; readonly path: Path; readonly clock: number }
  /**
   * The far end's socket or channel ended, or it did not answer a probe. `silentMs`: it was cut off after so long without
   * a sign of life.
   */
  | { readonly kind: 'closed'; readonly path: Path; readonly silentMs?: number }
  /** Our own way ended (a server died, we went offline): says nothing about the far end. `silentMs`: since it was heard. */
  | { readonly kind: 'lost'; readonly path: Path; readonly silentMs?: number }

export type ServerState = 'connecting' | 'open' | 'closed'

/** So many, and their bytes in all. */
export interface Count {
  readonly messages: number
  readonly bytes: number
}

/** Frames of a link by what they say; `hello`: what proves the two ends; `cast`: what a server carried for several at once. */
export type TrafficKind = LinkFrame['kind'] | 'hello' | 'cast'

/** Kinds that never came up are left out. */
export type TrafficByKind = Readonly<Partial<Record<TrafficKind, Count>>>

/** One way that a link has. */
export interface CarrierReport {
  /** Which one: `tab`, `direct`, `relay:` and the server's place in the options, or `via:` and the neighbour's connectionId. */
  readonly id: string
  readonly kind: PathKind
  /** Whether what we send goes by it now: by one of them, or by none while nothing that we send would arrive. */
  readonly isActive: boolean
  /** The last round trip by it, in ms, where one was measured: by a hello, which takes a proof, or a question. */
  readonly roundTripMs?: number
}

/** What is known of the link to one member. Counts begin with the link, which is forgotten a minute after its member. */
export interface LinkReport {
  /** The best first. */
  readonly carriers: readonly CarrierReport[]
  /** Ms since the far end was last heard, by any carrier. */
  readonly heardAgoMs: number
  /**
   * By kind; bytes are those of the frames themselves, before they are sealed: seals and what carriers add are not in them.
   * A cast, seal and tags included, counts at each member whom it was for.
   */
  readonly sent: TrafficByKind
  readonly received: TrafficByKind
}

export interface ServerReport {
  readonly url: string
  readonly state: ServerState
  /**
   * Frames on all its sockets so far, and their bytes without what WebSocket and TCP add; all channels of a Realtime share
   * them. Absent where the transport does not know.
   */
  readonly sent?: Count
  readonly received?: Count
  /** What of its frames was refused, by reason; likewise. */
  readonly rejects?: Readonly<Partial<Record<RejectReason, number>>>
  /** It closed our last socket since it objects to us (1008), and this is its word for why, e.g. `wrong-host`. */
  readonly refusal?: string
}

/**
 * `none`: the channel has no secret. `unproved`: it has one, and nobody has been met yet who holds it too; maybe nobody is
 * there, maybe it is another one than the others'. `proved`: somebody was.
 */
export type SecretState = 'none' | 'unproved' | 'proved'

/** What a transport does not know is absent: the one over stock providers has neither `links` nor `secret`. */
export interface TransportReport {
  readonly paths: readonly Path[]
  readonly servers: readonly ServerReport[]
  /** By the client that a link leads to. */
  readonly links?: ReadonlyMap<ClientId, LinkReport>
  readonly secret?: SecretState
}

export interface Transport {
  /**
   * Sends our own entry by every open path once, and to each path that opens from now on. Each call takes the next clock,
   * whether or not the state differs.
   */
  publish(state: JsonObject): void
  /** Our own entry for each path that opens from now on, without a send: nobody who has it needs to hear. */
  hold(state: JsonObject): void
  /**
   * Sends a message once by every open path whose far end is ours. `to`: it is for that client alone, so paths that lead
   * to others do without it. False: some have to wait for it, by the rates of a server; the same message again, soon, goes to
   * them alone, and no other one for everybody may go before.
   */
  send(message: MessageFrame, to?: ClientId): boolean
  /** That member was told as left, since nothing reaches it: what it may have said before then does not bring it back. */
  gaveUp?(connectionId: ConnectionId): void
  /**
   * Says goodbye by every open path and closes everything. Resolves when the goodbye is on the wire (at most 0.5 s) and
   * nothing is left behind: no timer, no socket, no listener. `isImmediate`: nothing is waited for, since the page ends or
   * is frozen with this task; it also cuts short an earlier `stop` that still waits. Calling it again is allowed. No
   * evidence comes after the first call.
   */
  stop(options?: { readonly isImmediate?: boolean }): Promise<void>
  inspect(): TransportReport
}

/** A member as it is shown. `joinedAt`: by its own word, Unix ms. */
export interface ShownMember {
  readonly clientId: ClientId
  readonly connectionId: ConnectionId
  readonly joinedAt: number
}

/** What every transport is given by its channel. */
export interface TransportNeeds {
  readonly clock: Clock
  readonly clientId: ClientId
  /** The next clock of our own entry, counted from 1 for the channel's whole life. */
  readonly nextClock: () => number
  /** JSON bytes of one entry. */
  readonly maxEntryBytes: number
  readonly rejects: RejectCounter
  /** All who are shown: also those whose links were all forgotten. */
  shown(): readonly ShownMember[]
  onEvidence(evidence: Evidence): void
  /** `path.clientId === message.clientId` always holds. `isEarly`: it came before the entry of its sender did. */
  onMessage(path: Path, message: MessageFrame, isEarly?: boolean): void
  /** Servers came or went: a look at `inspect()` is worth it. */
  onStatus(): void
}
