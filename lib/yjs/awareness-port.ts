/**
 * What a stock provider is given instead of an Awareness: it holds our own entry and nothing else, has no timer, and
 * takes nothing from the wire. So a provider sends each update once and re-broadcasts nobody's, and losing a provider
 * removes nobody. One port per provider, so that one provider's reconnect does not make the others send.
 */
import type * as Y from 'yjs'
import type { ClientId } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'

type Listener = (...args: unknown[]) => void

interface Meta {
  readonly clock: number
  readonly lastUpdated: number
}

/** The part of y-protocols' Awareness that providers use. */
export interface AwarenessPort {
  readonly doc: Y.Doc
  readonly clientID: number
  readonly states: Map<number, JsonObject>
  readonly meta: Map<number, Meta>
  getStates(): Map<number, JsonObject>
  getLocalState(): JsonObject | null
  /** Does nothing: what we say is said by `publish` alone. */
  setLocalState(state: unknown): void
  on(event: string, listener: Listener): Listener
  once(event: string, listener: Listener): void
  off(event: string, listener: Listener): void
  emit(event: string, args: readonly unknown[]): void
  /** Takes the entry and makes the provider send it, exactly once per connection. */
  publish(entry: AwarenessEntry): void
  /** Takes the entry for what the provider sends next, by itself. */
  hold(entry: AwarenessEntry): void
  /** Our entry as it would be sent now; undefined while there is nothing to say. */
  entry(): AwarenessEntry | undefined
}

/** A provider asks for the clock of `doc.clientID`, which Yjs may change; an undefined answer would throw in a socket. */
class OwnMeta extends Map<number, Meta> {
  override get(clientId: number): Meta {
    return super.get(clientId) ?? { clock: 0, lastUpdated: 0 }
  }
}

export function createAwarenessPort(doc: Y.Doc, clientId: ClientId): AwarenessPort {
  const listeners = new Map<string, Set<Listener>>()
  const states = new Map<number, JsonObject>()
  const meta = new OwnMeta()

  const port: AwarenessPort = {
    doc,
    clientID: clientId,
    states,
    meta,
    getStates: () => states,
    getLocalState: () => states.get(clientId) ?? null,
    setLocalState: () => undefined,
    on(event, listener) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener))
      return listener
    },
    once(event, listener) {
      const first: Listener = (...args) => {
        port.off(event, first)
        listener(...args)
      }
      port.on(event, first)
    },
    off(event, listener) {
      listeners.get(event)?.delete(listener)
    },
    emit(event, args) {
      for (const listener of [...(listeners.get(event) ?? [])]) listener(...args)
    },
    publish(entry) {
      port.hold(entry)
      const changed = [clientId]
      const change =
        entry.state === null
          ? { added: [], updated: [], removed: changed }
          : { added: [], updated: changed, removed: [] }
      port.emit('update', [change, 'local'])
    },
    hold({ clock, state }) {
      if (state === null) states.delete(clientId)
      else states.set(clientId, state)
      meta.set(clientId, { clock, lastUpdated: 0 })
    },
    entry() {
      const state = states.get(clientId)
      return state === undefined ? undefined : { clientId, clock: meta.get(clientId).clock, state }
    },
  }
  return port
}
