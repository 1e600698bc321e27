/**
 * What happens to Yjs sync frames. Without a document of the user's no wire byte reaches Yjs; with one, only updates and
 * state vectors that passed the checks of wire/ do (W7).
 */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { applyUpdate, dropPending, pendingBytes } from '../wire/apply-update.ts'
import { checkDocumentUpdate, checkStateVector } from '../wire/document-update.ts'
import { EMPTY_SYNC_STEP_2_FRAME, type SyncStep } from '../wire/frame.ts'
import type { RejectCounter } from '../wire/result.ts'

export interface SyncOutcome {
  /** What to answer on the same connection. */
  readonly reply?: Uint8Array
  /** The far end's document is complete here. */
  readonly isSynced?: boolean
}

/** Handles one sync frame. `origin` becomes the transaction's, so that a provider does not send back what it brought. */
export type DocumentSync = (step: SyncStep, payload: Uint8Array, origin: unknown) => SyncOutcome

export function createDocumentSync(doc: Y.Doc | undefined, rejects: RejectCounter): DocumentSync {
  if (doc === undefined) return (step) => (step === 0 ? { reply: EMPTY_SYNC_STEP_2_FRAME } : { isSynced: step === 1 })
  return (step, payload, origin) => {
    const own = { clientId: doc.clientID, clock: Y.getState(doc.store, doc.clientID) }
    const checked = step === 0 ? checkStateVector(payload) : checkDocumentUpdate(payload, own)
    if (!checked.ok) {
      rejects.count(checked.reason)
      return {}
    }
    try {
      if (step === 0) return { reply: syncStep2Frame(Y.encodeStateAsUpdate(doc, payload)) }
      applyUpdate(doc, payload, origin)
      if (pendingBytes(doc) > MAX_PENDING_BYTES) {
        dropPending(doc)
        rejects.count('document-refused')
      }
      return { isSynced: step === 1 }
    } catch {
      // Well-formed and yet impossible, e.g. a format whose value is not JSON: the sender's fault, counted like the rest.
      rejects.count('document-refused')
      return {}
    }
  }
}

/** What waits for edits that never came: beyond it somebody only fills our memory, and every further update is slowed. */
const MAX_PENDING_BYTES = 1_048_576

const syncStep2Frame = (update: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarUint8Array(encoder, update)
  })
