/**
 * The channel's y-protocols Awareness, made safe to share with editor bindings: our presence lives in a field of its own,
 * others' entries are written into it after the roster took them, and our own entry only ever changes by local calls.
 *
 * Knows nothing of the wire's bytes, of paths or of who is present.
 */
import * as func from 'lib0/function'
import * as time from 'lib0/time'
import { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'
import { reportListenerError } from '../base/errors.ts'
import { type JsonObject, type JsonValue, toJson } from '../base/json.ts'
import { utf8Bytes } from '../base/utf8.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import { MAX_FIELDS_BYTES } from '../wire/limits.ts'
import { PRESENCE_FIELD, type PresenceField } from '../wire/presence-field.ts'

/** The origin of the `change` and `update` events of others' entries. */
export const BRIDGE_ORIGIN = 'copresence'

/** What id, name, counts and key names of our own field may take of the room for fields. */
const OWN_FIELD_BYTES = 8_192

/** Fields of bindings that travel: half of the keys that one object may have. */
const MAX_BINDING_FIELDS = 128

export interface AwarenessBridge {
  readonly awareness: Awareness
  /** Sets our field; bindings' fields stay. Emits `change` and `update` like any local change. */
  setPresence(field: PresenceField): void
  /** Writes others' entries, a null state removing one, and emits one `change` and one `update`. */
  write(entries: readonly AwarenessEntry[]): void
  /**
   * Our own entry as it may travel: our field with the count of messages `sent`, and of the bindings' fields what is JSON
   * and fits 8 KiB in all.
   */
  ownState(sent: number): JsonObject
  /** Removes everybody, ourselves included, and stops. Calling it again does nothing. */
  destroy(): void
}

export interface AwarenessBridgeNeeds {
  readonly doc: Doc
  readonly presence: PresenceField
  /** Our own entry changed, by us or by a binding. */
  onOwnChange(): void
}

export function createAwarenessBridge({ doc, presence, onOwnChange }: AwarenessBridgeNeeds): AwarenessBridge {
  const { awareness, forgetDocument } = makeAwareness(doc)
  let field = presence
  let isDestroyed = false
  let isEnded = false
  let isChangeTold = false

  const tellOwnChange = () => {
    isChangeTold = true
    onOwnChange()
  }
  const writePresence = () => {
    awareness.setLocalState({ ...awareness.getLocalState(), [PRESENCE_FIELD]: field })
  }
  const onUpdate = ({ added, updated, removed }: AwarenessChange) => {
    if (isDestroyed || ![...added, ...updated, ...removed].includes(awareness.clientID)) return
    // A binding may replace the whole state, or a foreign provider null it: our field comes back, theirs is as they say.
    if (awareness.getLocalState()?.[PRESENCE_FIELD] === field) tellOwnChange()
    else guarded(writePresence)
  }

  // A new Awareness holds {} at clock 0, which peers never see: null first, then the first real state.
  awareness.setLocalState(null)
  writePresence()
  awareness.on('update', onUpdate)
  awareness.on('destroy', () => {
    isDestroyed = true
  })

  return {
    awareness,
    setPresence(next) {
      field = next
      if (isEnded) return
      // The user's code may have destroyed the awareness or its document: our presence goes on without them.
      if (isDestroyed) return tellOwnChange()
      isChangeTold = false
      guarded(writePresence)
      // y-protocols tells `change` before `update`: a binding that throws on the first keeps the second from us.
      if (!isChangeTold) tellOwnChange()
    },
    write: (entries) => {
      if (!isDestroyed && entries.length > 0) writeEntries(awareness, entries)
    },
    ownState: (sent) => ({ [PRESENCE_FIELD]: { ...field, sent }, ...bindingFields(awareness) }),
    destroy() {
      forgetDocument()
      isEnded = true
      if (isDestroyed) return
      isDestroyed = true
      writeEntries(
        awareness,
        [...awareness.getStates().keys()]
          .filter((clientId) => clientId !== awareness.clientID)
          .map((clientId) => ({ clientId, clock: 0, state: null }) as AwarenessEntry),
      )
      guarded(() => awareness.destroy())
    },
  }
}

interface AwarenessChange {
  added: number[]
  updated: number[]
  removed: number[]
}

/**
 * Its interval renews our entry and removes others' by its own idea of time: both are the roster's and the transport's
 * to decide. It also keeps a Node process alive. Its listener stays on the document for ever unless it is taken off.
 */
function makeAwareness(doc: Doc): { awareness: Awareness; forgetDocument: () => void } {
  const before = new Set(doc._observers.get('destroy'))
  const awareness = new Awareness(doc)
  clearInterval(awareness._checkInterval)
  const added = [...(doc._observers.get('destroy') ?? [])].filter((listener) => !before.has(listener))
  return {
    awareness,
    forgetDocument() {
      for (const listener of added) doc.off('destroy', listener as () => void)
    },
  }
}

function writeEntries(awareness: Awareness, entries: readonly AwarenessEntry[]): void {
  const change: AwarenessChange = { added: [], updated: [], removed: [] }
  const differing: number[] = []
  for (const { clientId, clock, state } of entries) {
    const previous = awareness.states.get(clientId)
    if (state === null) {
      awareness.states.delete(clientId)
      // y-protocols keeps the meta of everybody who ever was here: memory that never shrinks.
      awareness.meta.delete(clientId)
      if (previous !== undefined) change.removed.push(clientId)
      continue
    }
    awareness.states.set(clientId, state)
    awareness.meta.set(clientId, { clock, lastUpdated: time.getUnixTime() })
    if (previous === undefined) change.added.push(clientId)
    else change.updated.push(clientId)
    if (previous !== undefined && !func.equalityDeep(previous, state)) differing.push(clientId)
  }
  const { added, updated, removed } = change
  if (added.length + differing.length + removed.length > 0) {
    guarded(() => awareness.emit('change', [{ added, updated: differing, removed }, BRIDGE_ORIGIN]))
  }
  if (added.length + updated.length + removed.length > 0)
    guarded(() => awareness.emit('update', [change, BRIDGE_ORIGIN]))
}

/** A listener of a binding that throws must not stop presence. */
function guarded(emit: () => void): void {
  try {
    emit()
  } catch (error) {
    reportListenerError(error)
  }
}

/** Bindings' own fields that others can take: JSON within the limits; what is not is left out, the rest still travels. */
function bindingFields(awareness: Awareness): JsonObject {
  const fields: Record<string, JsonValue> = {}
  let bytes = OWN_FIELD_BYTES
  for (const [key, value] of Object.entries(awareness.getLocalState() ?? {})) {
    const json = key === PRESENCE_FIELD ? undefined : tryJson(value)
    if (json === undefined) continue
    const fieldBytes = utf8Bytes(JSON.stringify({ [key]: json }))
    if (bytes + fieldBytes > MAX_FIELDS_BYTES || Object.keys(fields).length >= MAX_BINDING_FIELDS) continue
    bytes += fieldBytes
    fields[key] = json
  }
  return fields
}

function tryJson(value: unknown): JsonValue | undefined {
  try {
    return toJson(value)
  } catch {
    // Not JSON or too deep: no peer could take it, and the binding is not ours to refuse.
    return undefined
  }
}
