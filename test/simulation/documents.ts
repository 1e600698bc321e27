/**
 * The documents of a run: who wrote what, and what each of them must hold. Every item is written once, by one member, under a
 * name of its own; so nothing may be there twice, and nothing that nobody wrote. Every third time the one before is taken back.
 */
import { Doc, encodeStateVector } from 'yjs'
import type { Life, Log, Stay } from './life.ts'

const ITEMS = 'items'
/** A state vector of nobody. */
const EMPTY_BYTES = 1

/** With a client id of the run's own chance. */
export function createDocument(clientId: number): Doc {
  const doc = new Doc()
  doc.clientID = clientId
  return doc
}

const itemsOf = (doc: Doc): unknown[] => doc.getArray(ITEMS).toArray()

/** Writes one item, at either end in turn, or takes one back: whether somebody is connected or not. */
export function edit(life: Life, { nowMs }: Pick<Log, 'nowMs'>): void {
  const { doc, edits, name } = life
  if (doc === undefined) return
  const former = edits.at(-1)
  if (edits.length % 2 === 0 && former !== undefined && former.removedMs === undefined) {
    former.removedMs = nowMs()
    doc.getArray(ITEMS).delete(itemsOf(doc).indexOf(former.item))
    return
  }
  const item = `${name}.${life.connectionId.slice(0, 4)}.${edits.length}`
  edits.push({ item, atMs: nowMs(), removedMs: undefined })
  const items = doc.getArray(ITEMS)
  items.insert(edits.length % 2 === 0 ? 0 : items.length, [item])
}

/** Holds each document that has changed since the last look against what was written. */
export function createDocumentCheck(lives: () => readonly Life[], log: Log): { look(): void; watch(life: Life): void } {
  const changed = new Set<Life>()
  function check(life: Life): void {
    const items = life.doc === undefined ? [] : itemsOf(life.doc)
    const written = new Set(lives().flatMap(({ edits }) => edits.map(({ item }) => item)))
    if (new Set(items).size !== items.length) log.fail(`an item is twice in the document of ${life.name}`)
    for (const item of items)
      if (!written.has(String(item))) log.fail(`${item} is in the document of ${life.name}, and nobody wrote it`)
    for (const { item, removedMs } of life.edits)
      if (items.includes(item) !== (removedMs === undefined))
        log.fail(`${item} is not in the document of ${life.name}, who wrote it, or is there still, though taken back`)
  }
  return {
    watch(life) {
      life.doc?.on('update', () => void changed.add(life))
    },
    look() {
      for (const life of changed) if (life.resident.host.state === 'running') check(life)
      changed.clear()
    },
  }
}

/** The first item of a member that the observer's document lacks, or has still, of those written, or taken back, so long ago. */
export function findMissingItem(observer: Stay, subject: Life, dueMs: number, nowMs: number): string | undefined {
  if (observer.life.doc === undefined || subject.doc === undefined) return undefined
  const items = itemsOf(observer.life.doc)
  return subject.edits.find(({ atMs, item, removedMs }) =>
    removedMs === undefined
      ? nowMs - atMs > dueMs && !items.includes(item)
      : nowMs - removedMs > dueMs && items.includes(item),
  )?.item
}

/** Whether two documents are one: the same items in the same order. */
export const areOne = (one: Doc, other: Doc): boolean => itemsOf(one).join() === itemsOf(other).join()

/** Nothing at all has come into a document that does not travel. */
export const isUntouched = (doc: Doc): boolean => encodeStateVector(doc).length === EMPTY_BYTES
