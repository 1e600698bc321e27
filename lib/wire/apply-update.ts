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
