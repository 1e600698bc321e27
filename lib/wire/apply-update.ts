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

/** What waits for edits that have not come, in bytes as it would go out with the document: not as Yjs keeps it, which is less. */
export const pendingBytes = ({ store: { pendingStructs, pendingDs } }: Y.Doc): number =>
  (pendingStructs === null ? 0 : Y.convertUpdateFormatV2ToV1(pendingStructs.update).length) + (pendingDs?.length ?? 0)

/** Beyond some size somebody only fills our memory, and slows every further update. */
export function dropPending({ store }: Y.Doc): void {
  store.pendingStructs = null
  store.pendingDs = null
}
