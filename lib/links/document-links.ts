/**
 * Lets one document travel over links: what is missing is asked for when a link is up, then every change goes out. Nobody
 * passes on what another wrote; so when one is gone whom somebody could not hear to the end, the others compare what they have.
 */
import * as Y from 'yjs'
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
import { rotated } from '../base/rotated.ts'
import { isEqualBytes } from '../identity/bytes.ts'
import { applyUpdate, dropPending, pendingBytes } from '../wire/apply-update.ts'
import { checkDocumentUpdate, checkStateVector } from '../wire/document-update.ts'
import type { SyncStep } from '../wire/frame.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../wire/limits.ts'
import { encodeDocument } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import { createDocumentOutbox } from './document-outbox.ts'
import type { Link } from './link.ts'

/** Others that one compares with at a time; where that brings something new, they and we go on to others. */
const COMPARE_WITH = 8
/** So long after a loss, of which chance takes up to a half: of several ends at once we compare once. */
const COMPARE_AFTER_MS = 2_000
/** After a goodbye, which nothing need have been lost before: where it was, what is found has all go on. */
const COMPARE_WITH_AFTER_GOODBYE = 2
/** What waits for edits that have not come goes out with every answer, and must leave room in it for the document. */
const MAX_PENDING_BYTES = 65_536
/** Whoever writes upon what we lack is asked for that at most so often. */
const ASK_EVERY_MS = 1_000

export interface DocumentLinksNeeds {
  readonly doc: Y.Doc
  readonly clock: Clock
  readonly random: RandomBytes
  readonly rejects: RejectCounter
  links(): readonly Link[]
  /** Tells whoever develops the application. */
  warn(text: string): void
}

export interface DocumentLinks {
  /** A link is up, for the first time or again: asks for what we lack. */
  greet(link: Link): void
  receive(link: Link, frame: { readonly step: SyncStep; readonly payload: Uint8Array }): void
  /** Somebody is out of reach: others may have heard more of it than we. */
  lost(): void
  /** Somebody said goodbye, by any way, which may have overtaken edits of its that others have. */
  parted(): void
  stop(): void
}

/** Only frames of links come here, so only admitted members write the document (W7). */
export function createDocumentLinks(needs: DocumentLinksNeeds): DocumentLinks {
  const { clock, doc, random, rejects } = needs
  const askedMs = new WeakMap<Link, number>()
  /** Whose answer will show what it knows of, and whom we have told nothing whole since. */
  const asked = new WeakSet<Link>()
  /** Of the transactions that are the others'; listeners of the application see it. */
  const origin = {}
  let hasNews = false
  let hasWarned = false
  let cancelCompare: CancelTimer | undefined
  let compareWith = 0

  const reachable = (): Link[] => needs.links().filter((link) => link.isReachable())
  const ask = (link: Link): void => {
    asked.add(link)
    link.send(encodeDocument(0, Y.encodeStateVector(doc)))
  }
  const outbox = createDocumentOutbox({ ...{ clock, doc, rejects }, onAnswered, onLost: ask })
  const chance = (): number => (random(1)[0] ?? 0) / 256

  const onUpdate = (update: Uint8Array, by: unknown) => {
    // What a member brought has gone to the others by its own links.
    if (by === origin) {
      hasNews = true
      return
    }
    if (update.length > MAX_DOCUMENT_UPDATE_BYTES) return refuse(update.length)
    outbox.push(update, reachable())
  }
  doc.on('update', onUpdate)

  /** The others hold back what is written on top of it, so it must not go unnoticed. */
  function refuse(byteCount: number): void {
    rejects.count('document-refused')
    if (hasWarned) return
    hasWarned = true
    needs.warn(
      `copresence: an edit of ${byteCount} bytes is not sent, at most ${MAX_DOCUMENT_UPDATE_BYTES} are: use several transactions.`,
    )
  }

  function compareSoon(count = COMPARE_WITH): void {
    compareWith = Math.max(compareWith, count)
    cancelCompare ??= clock.setTimer(compare, COMPARE_AFTER_MS * (1 - chance() / 2))
  }

  function compare(): void {
    const count = compareWith
    cancelCompare = undefined
    compareWith = 0
    const all = reachable()
    for (const link of rotated(all, Math.floor(chance() * all.length)).slice(0, count)) ask(link)
  }

  function onAnswered(link: Link, stateVector: Uint8Array): void {
    asked.delete(link)
    // Whoever asks and knows more had an edit under way that was lost with its carrier.
    if (isAhead(stateVector, doc)) ask(link)
  }

  function take(link: Link, update: Uint8Array, isAnswer: boolean): void {
    const before = pendingBytes(doc)
    hasNews = false
    applyUpdate(doc, update, origin)
    // Whoever is out of reach has told nobody else, as far as we know: its words waited on a line that healed.
    if (hasNews && (isAnswer || !link.isReachable())) compareSoon()
    const waiting = pendingBytes(doc)
    const isTooMuch = waiting > before && waiting > MAX_PENDING_BYTES
    if (isTooMuch) {
      dropPending(doc)
      rejects.count('document-refused')
    }
    // [L18] No state vector tells of deletions, so nobody asks for them; but an answer ends with all that its sender knows of.
    // Where edits wait for others that never come nothing can be compared.
    if (isAnswer && asked.delete(link) && (waiting > 0 || !endsWith(update, deletionsOf(doc))))
      outbox.tellDeletions(link)
    // What is written upon something that did not come to us waits for it; what waited already is no reason to ask again.
    if (waiting === 0 || waiting === before) return
    const nowMs = clock.moment().steadyMs
    if (!isTooMuch && nowMs - (askedMs.get(link) ?? Number.NEGATIVE_INFINITY) < ASK_EVERY_MS) return
    askedMs.set(link, nowMs)
    ask(link)
  }

  return {
    greet: ask,
    receive(link, { step, payload }) {
      const own = { clientId: doc.clientID, clock: Y.getState(doc.store, doc.clientID) }
      const checked = step === 0 ? checkStateVector(payload) : checkDocumentUpdate(payload, own)
      if (!checked.ok) return rejects.count(checked.reason)
      try {
        if (step === 0) outbox.answer(link, payload)
        else take(link, payload, step === 1)
      } catch {
        // Well-formed and yet impossible: the sender's fault, counted like the rest.
        rejects.count('document-refused')
      }
    },
    lost: compareSoon,
    parted: () => compareSoon(COMPARE_WITH_AFTER_GOODBYE),
    stop() {
      cancelCompare?.()
      outbox.stop()
      doc.off('update', onUpdate)
    },
  }
}

/** As an update ends with them: what comes before is one byte, that there are no edits. */
const deletionsOf = (doc: Y.Doc): Uint8Array => Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc)).subarray(1)

const endsWith = (bytes: Uint8Array, end: Uint8Array): boolean =>
  bytes.length >= end.length && isEqualBytes(bytes.subarray(-end.length), end)

/** Whether a state vector has seen edits that the document has not. */
function isAhead(stateVector: Uint8Array, doc: Y.Doc): boolean {
  const own = Y.decodeStateVector(Y.encodeStateVector(doc))
  return [...Y.decodeStateVector(stateVector)].some(([client, clock]) => clock > (own.get(client) ?? 0))
}
