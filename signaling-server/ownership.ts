/**
 * Who may write which entry in one room: a socket writes one client's, and a client's is written by one socket. Pure;
 * knows nothing of sockets beyond their identity.
 */
import type { ClientId } from '../lib/base/ids.ts'
import type { AwarenessSpan } from '../lib/wire/awareness-update.ts'

/** What a socket's client last said of itself. */
export interface Binding {
  readonly clientId: ClientId
  readonly clock: number
  readonly isGone: boolean
  /** Size of its entry. */
  readonly bytes: number
}

export type Claim<Owner> =
  /** `isFirst`: the socket got its client with this frame. `former`: what it was taken over with, but does not use. */
  | { kind: 'own'; span: AwarenessSpan; isFirst: boolean; former?: Binding }
  /** Entries of others, as stock clients repeat them. */
  | { kind: 'echo' }
  /** The socket has no client yet, and others hold all that it claims. */
  | { kind: 'refused'; holders: Owner[] }

export interface Ownership<Owner> {
  /** Finds the socket's own entry among those of its frame; binds its first one. */
  claim(owner: Owner, spans: readonly AwarenessSpan[]): Claim<Owner>
  bindingOf(owner: Owner): Binding | undefined
  /** Gives a socket's client to the socket that replaces it. */
  move(from: Owner, to: Owner): void
  /** Forgets a socket, and tells what it held. */
  release(owner: Owner): Binding | undefined
  /** Bytes of all entries, for what an answer with everybody in it will be. */
  totalBytes(): number
}

export function createOwnership<Owner>(): Ownership<Owner> {
  const bindings = new Map<Owner, Binding>()
  const holders = new Map<ClientId, Owner>()
  /** Sockets that took a client over and have not written its entry yet. */
  const heirs = new Set<Owner>()

  const write = (owner: Owner, { clientId, clock, isGone, start, end }: AwarenessSpan) => {
    const highest = Math.max(clock, bindings.get(owner)?.clock ?? 0)
    bindings.set(owner, { clientId, clock: highest, isGone, bytes: end - start })
    holders.set(clientId, owner)
    heirs.delete(owner)
  }

  const release = (owner: Owner) => {
    const binding = bindings.get(owner)
    if (binding !== undefined) holders.delete(binding.clientId)
    bindings.delete(owner)
    heirs.delete(owner)
    return binding
  }

  return {
    claim(owner, spans) {
      const bound = bindings.get(owner)
      const own = bound && spans.findLast(({ clientId }) => clientId === bound.clientId)
      if (own !== undefined) {
        write(owner, own)
        return { kind: 'own', span: own, isFirst: false }
      }
      if (bound !== undefined && !heirs.has(owner)) return { kind: 'echo' }
      // An entry that says that its client is gone is never the first word of that client.
      const candidates = spans.filter(({ isGone }) => !isGone)
      const first = candidates.find(({ clientId }) => !holders.has(clientId))
      if (first !== undefined) {
        const former = release(owner)
        write(owner, first)
        return { kind: 'own', span: first, isFirst: true, ...(former && { former }) }
      }
      const held = candidates.flatMap(({ clientId }) => holders.get(clientId) ?? [])
      return held.length > 0 && bound === undefined ? { kind: 'refused', holders: held } : { kind: 'echo' }
    },
    bindingOf: (owner) => bindings.get(owner),
    move(from, to) {
      const binding = release(from)
      if (binding === undefined) return
      bindings.set(to, binding)
      holders.set(binding.clientId, to)
      heirs.add(to)
    },
    release,
    totalBytes: () => [...bindings.values()].reduce((total, { bytes }) => total + bytes, 0),
  }
}
