/**
 * What every way of travelling in this room has in common. A carrier turns frames into evidence and our entry into
 * frames; it does not know the other carriers, the transport unites them.
 */
import type { Clock } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import type { MessageFrame } from '../wire/frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Evidence, Path } from '../wire/transport.ts'

export interface Carrier {
  /** Sends our entry once to everybody this carrier reaches; a null state is our goodbye. */
  publish(entry: AwarenessEntry): void
  /** Sends a frame of kind `message` to those who are ours, or where it can to the one that is meant. */
  send(frame: Uint8Array, to: ClientId | undefined): void
  /** Asks a client whether it is still there; if it does not answer, its path is told `closed`. */
  probe(clientId: ClientId): void
  paths(): Path[]
  /** Bytes that were handed over and have not left yet. */
  backlogBytes(): number
  /** Whether messages need a moment more after the buffers are empty. */
  lingers(): boolean
  /** Ends everything; resolves when nothing is left. Called once, after the goodbye. */
  close(): Promise<void>
}

/** What a carrier is given. Everything it tells is dropped by the transport once that has stopped. */
export interface CarrierContext {
  readonly clock: Clock
  readonly clientId: ClientId
  readonly maxEntryBytes: number
  readonly rejects: RejectCounter
  /** Our entry under a fresh clock, or undefined before the first `publish`: for a path that opens or opens again. */
  refreshedEntry(): AwarenessEntry | undefined
  /** The entry that a carrier sent last, or where what we say has changed since, as it is now under a fresh clock. */
  currentEntry(sent: AwarenessEntry): AwarenessEntry
  onEvidence(evidence: Evidence): void
  onMessage(path: Path, message: MessageFrame): void
  /** A frame came from somebody, well-formed or not: the moment to do what a slow timer is late with. */
  onTraffic(): void
  /** Somebody said that we are gone. */
  onOwnGoodbye(): void
  /** The far end of this client may have ended: look at its other paths. */
  onSuspect(clientId: ClientId): void
  onStatus(): void
}
