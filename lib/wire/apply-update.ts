/** Hands an update to Yjs, and tells what Yjs cannot read from what an observer of the document throws. */
import * as Y from 'yjs'
import { reportListenerError } from '../base/errors.ts'

/**
 * Whatever an observer throws is reported, and the edit stands.
 * @throws what Yjs throws over an update that it cannot take.
 */
export function applyUpdate(doc: Y.Doc, update: Uint8Array, origin: unknown): void {
  let isTaken = false
  try {
    // Observers are called when the outermost transaction ends.
    Y.transact(
      doc,
      () => {
        Y.applyUpdate(doc, update)
        isTaken = true
      },
      origin,
      false,
    )
  } catch (error) {
    if (!isTaken) throw error
    reportListenerError(error)
  }
}

/**
 * Drops what waits for edits that have not come, where it is more than `maxBytes`: beyond some size somebody only fills our
 * memory, and slows every further update. What was worth it comes again, with what it waited for.
 * @returns whether it did.
 */
export function dropPending({ store }: Y.Doc, maxBytes: number): boolean {
  if ((store.pendingStructs?.update.length ?? 0) + (store.pendingDs?.length ?? 0) <= maxBytes) return false
  store.pendingStructs = null
  store.pendingDs = null
  return true
}
