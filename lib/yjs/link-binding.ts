/**
 * What one connection may say: the entry and the messages of one client, the first that it speaks for. Everything else
 * is refused and counted, above all what stock peers pass on of others. Knows no sockets.
 */
import type { ClientId } from '../base/ids.ts'
import { type AwarenessEntry, decodeAwarenessUpdate } from '../wire/awareness-update.ts'
import type { MessageFrame } from '../wire/frame.ts'
import { hasPresenceField } from '../wire/presence-field.ts'
import type { Path, PathId } from '../wire/transport.ts'
import type { CarrierContext } from './carrier.ts'

export interface LinkBinding {
  acceptUpdate(update: Uint8Array): void
  acceptMessage(message: MessageFrame): void
  /** The client that the connection speaks for, also after its goodbye. */
  clientId(): ClientId | undefined
  /** Open from an entry to a goodbye or to `close`. */
  path(): Path | undefined
  /** Whether the far end understands frames of kind `message`. */
  isOurs(): boolean
  /** The connection ended: its path, if it is open, is told `closed`, once. */
  close(): void
}

export function createLinkBinding(needs: {
  readonly context: CarrierContext
  readonly peerId: string
  /** Whether another live connection speaks for the client. */
  isTaken(clientId: ClientId): boolean
}): LinkBinding {
  const { context, peerId } = needs
  const { rejects } = context
  let path: Path | undefined
  let isPresent = false
  let isOurs = false

  function isSpokenFor({ clientId, state }: AwarenessEntry): boolean {
    if (path === undefined && state !== null && !needs.isTaken(clientId)) {
      path = { id: `direct:${peerId}` as PathId, kind: 'direct', clientId }
    }
    return path?.clientId === clientId
  }

  function acceptEntry(entry: AwarenessEntry) {
    const { clientId, state } = entry
    if (clientId === context.clientId) {
      rejects.count('own-entry')
      return state === null ? context.onOwnGoodbye() : undefined
    }
    if (!isSpokenFor(entry) || path === undefined) return rejects.count('not-owner')
    const wasPresent = isPresent
    isPresent = state !== null
    if (state !== null) {
      isOurs = hasPresenceField(state)
      context.onEvidence({ kind: 'entry', path, entry })
    } else if (wasPresent) context.onEvidence({ kind: 'goodbye', path, clock: entry.clock })
  }

  return {
    acceptUpdate(update) {
      const decoded = decodeAwarenessUpdate(update, context.maxEntryBytes)
      if (!decoded.ok) return rejects.count(decoded.reason)
      for (const entry of decoded.value) acceptEntry(entry)
    },
    acceptMessage(message) {
      if (path?.clientId !== message.clientId) return rejects.count('not-owner')
      context.onMessage(path, message)
    },
    clientId: () => path?.clientId,
    path: () => (isPresent ? path : undefined),
    isOurs: () => isPresent && isOurs,
    close() {
      const wasPresent = isPresent
      isPresent = false
      if (wasPresent && path !== undefined) context.onEvidence({ kind: 'closed', path })
    },
  }
}
