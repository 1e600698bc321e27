/**
 * What one connection may say: the entry and the messages of one client, the first that it speaks for, or the first after its
 * greeting. Everything else is refused and counted, above all what stock peers pass on of others. Knows no sockets.
 */
import type { ClientId } from '../base/ids.ts'
import { type AwarenessEntry, decodeAwarenessUpdate } from '../wire/awareness-update.ts'
import type { MessageFrame } from '../wire/frame.ts'
import { hasPresenceField } from '../wire/presence-field.ts'
import type { Path, PathId } from '../wire/transport.ts'
import type { CarrierContext } from './carrier.ts'

export interface LinkBinding {
  /**
   * The far end greets: y-webrtc asks for the document first, and says its own entry next. Before that a stock client may have
   * passed on somebody else's, for which it does not speak.
   */
  greet(): void
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

const isForeign = ({ state }: AwarenessEntry): boolean => state !== null && !hasPresenceField(state)

export function createLinkBinding(needs: {
  readonly context: CarrierContext
  readonly peerId: string
  /** Whether another live connection speaks for the client. */
  isTaken(clientId: ClientId): boolean
  /** It speaks for another client than was taken for its own: who was refused for that may speak now. */
  onReleased(): void
}): LinkBinding {
  const { context, peerId } = needs
  const { rejects } = context
  let path: Path | undefined
  /** The next entry may be the far end's own, whatever came before. */
  let mayBind = true
  let isGreeted = false
  let isPresent = false
  let isOurs = false

  function isSpokenFor({ clientId, state }: AwarenessEntry): boolean {
    if (mayBind && state !== null && (path?.clientId === clientId || !needs.isTaken(clientId))) {
      mayBind = false
      if (path?.clientId !== clientId) bind(clientId)
    }
    return path?.clientId === clientId
  }

  function bind(clientId: ClientId): void {
    const released = path
    path = { id: `direct:${peerId}` as PathId, kind: 'direct', clientId }
    if (released === undefined) return
    if (isPresent) context.onEvidence({ kind: 'lost', path: released })
    needs.onReleased()
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
    greet() {
      if (!isGreeted) mayBind = isGreeted = true
    },
    acceptUpdate(update) {
      const decoded = decodeAwarenessUpdate(update, context.maxEntryBytes)
      if (!decoded.ok) return rejects.count(decoded.reason)
      // Ours say their own entry alone, so where there are several the stock client's own has no field of ours.
      const [first, ...others] = decoded.value
      const own = others.length === 0 ? first : (decoded.value.find(isForeign) ?? first)
      if (own !== undefined) acceptEntry(own)
      for (const entry of decoded.value) if (entry !== own) acceptEntry(entry)
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
