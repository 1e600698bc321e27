/** Lets one document travel over links: what is missing is asked for when a link is up, then every change goes out. */
import * as Y from 'yjs'
import { checkDocumentUpdate, checkStateVector } from '../wire/document-update.ts'
import type { SyncStep } from '../wire/frame.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../wire/limits.ts'
import { encodeDocument } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { Link } from './link.ts'

export interface DocumentLinks {
  /** A link is up, for the first time or again: asks for what we lack. */
  greet(link: Link): void
  receive(link: Link, frame: { readonly step: SyncStep; readonly payload: Uint8Array }): void
  stop(): void
}

/** Only frames of links come here, so only admitted members write the document (threat T30). */
export function createDocumentLinks(doc: Y.Doc, rejects: RejectCounter, links: () => readonly Link[]): DocumentLinks {
  const onUpdate = (update: Uint8Array, origin: unknown) => {
    // What a member brought has gone to the others by its own links.
    if (origin === links) return
    if (update.length > MAX_DOCUMENT_UPDATE_BYTES) return rejects.count('document-refused')
    for (const link of links()) if (link.isReachable()) link.send(encodeDocument(2, update))
  }
  doc.on('update', onUpdate)

  return {
    greet: (link) => link.send(encodeDocument(0, Y.encodeStateVector(doc))),
    receive(link, { step, payload }) {
      const checked = step === 0 ? checkStateVector(payload) : checkDocumentUpdate(payload)
      if (!checked.ok) return rejects.count(checked.reason)
      try {
        if (step !== 0) Y.applyUpdate(doc, payload, links)
        else {
          link.send(encodeDocument(1, Y.encodeStateAsUpdate(doc, payload)))
          // Whoever asks and knows more had an edit under way that was lost with its carrier.
          if (isAhead(payload, doc)) link.send(encodeDocument(0, Y.encodeStateVector(doc)))
        }
      } catch {
        // Well-formed and yet impossible: the sender's fault, counted like the rest.
        rejects.count('document-refused')
      }
    },
    stop: () => doc.off('update', onUpdate),
  }
}

/** Whether a state vector has seen edits that the document has not. */
function isAhead(stateVector: Uint8Array, doc: Y.Doc): boolean {
  const own = Y.decodeStateVector(Y.encodeStateVector(doc))
  return [...Y.decodeStateVector(stateVector)].some(([client, clock]) => clock > (own.get(client) ?? 0))
}
