/** The code that lets a document travel is large and only a channel with `sync` needs it: loaded then, used once it is here. */
import type * as Y from 'yjs'
import type { RejectCounter } from '../wire/result.ts'
import type { DocumentLinks } from './document-links.ts'
import type { Link } from './link.ts'

export function loadDocumentLinks(doc: Y.Doc, rejects: RejectCounter, links: () => readonly Link[]): DocumentLinks {
  let isStopped = false
  const loading = import('./document-links.ts').then(({ createDocumentLinks }) =>
    isStopped ? undefined : createDocumentLinks(doc, rejects, links),
  )
  /** What comes before the code is here waits for it, in order. */
  const use = (task: (documents: DocumentLinks) => void) =>
    void loading.then(
      (documents) => documents !== undefined && !isStopped && task(documents),
      // An offline page cannot load it; presence goes on without.
      () => rejects.count('document-refused'),
    )
  return {
    greet: (link) => use((documents) => documents.greet(link)),
    receive: (link, frame) => use((documents) => documents.receive(link, frame)),
    stop() {
      isStopped = true
      void loading.then(
        (documents) => documents?.stop(),
        // It was never here.
        () => undefined,
      )
    },
  }
}
