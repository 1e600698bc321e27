/** A document whose one link is played. */
import { onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { systemRandom } from '../../lib/base/random.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createDocumentLinks } from '../../lib/links/document-links.ts'
import type { Link } from '../../lib/links/link.ts'
import type { SyncStep } from '../../lib/wire/frame.ts'
import { decodeLinkFrame } from '../../lib/wire/link-frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

/** A way that takes all that it is given, or is full. */
export const carrierOf = (isFull: () => boolean): Carrier =>
  ({ backlogBytes: () => (isFull() ? 100_000 : 0) }) as unknown as Carrier

/** The documents of one link that is played: what it is told, and its questions. */
export function playedDocuments() {
  const clock = createVirtualClock()
  const rejects = createRejectCounter()
  const doc = new Y.Doc()
  const answers: Uint8Array[] = []
  let questionCount = 0
  const edits: Uint8Array[] = []
  /** Whether the way to the far end takes more; what it does not take waits. */
  const way: { hasRoom: boolean; by: Carrier } = { hasRoom: true, by: carrierOf(() => !way.hasRoom) }
  const link = {
    isReachable: () => true,
    settled: async () => undefined,
    best: () => way.by,
    send(frame: Uint8Array) {
      const read = decodeLinkFrame(frame)
      if (!read.ok || read.value.kind !== 'document') return
      if (read.value.step === 1) answers.push(read.value.payload)
      if (read.value.step === 0) questionCount += 1
      if (read.value.step === 2) edits.push(read.value.payload)
    },
  } as unknown as Link
  const warnings: string[] = []
  const documents = createDocumentLinks({
    ...{ doc, clock, random: systemRandom, rejects },
    links: () => [link],
    warn: (text) => warnings.push(text),
  })
  onTestFinished(documents.stop)
  const receive = (step: SyncStep, payload: Uint8Array) => documents.receive(link, { step, payload })
  const ask = (asker = new Y.Doc()) => receive(0, Y.encodeStateVector(asker))
  const greet = () => documents.greet(link)
  const state = { clock, rejects, doc, answers, edits, way, warnings, questionCount: () => questionCount }
  return { ...state, ask, documents, greet, receive }
}
