/**
 * Lets one document travel over links: what is missing is asked for when a link is up, then every change goes out. Nobody
 * passes on what another wrote; so when one is gone whom somebody could not hear to the end, the others compare what they have.
 */
import * as Y from 'yjs'
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { RandomBytes } from '../base/random.ts'
import { checkDocumentUpdate, checkStateVector } from '../wire/document-update.ts'
import type { SyncStep } from '../wire/frame.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../wire/limits.ts'
import { encodeDocument } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import { hasPlenty, MAX_WAITING_BYTES } from './carrier.ts'
import type { Link } from './link.ts'

/** Others that one compares with at a time; where that brings something new, they and we go on to others. */
const COMPARE_WITH = 8
/** So long after a loss, of which chance takes up to a half: of several ends at once we compare once. */
const COMPARE_AFTER_MS = 2_000
/** Whoever writes upon what we lack is asked for that at most so often. */
const ASK_EVERY_MS = 1_000
/** [T38] Whoever asks has the whole document for a few bytes: so often, and with its newest question. */
const ANSWER_EVERY_MS = 500
/** How often those are looked at who wait for an answer, or for room on the way to them. */
const DRAIN_MS = 50

export interface DocumentLinksNeeds {
  readonly doc: Y.Doc
  readonly clock: Clock
  readonly random: RandomBytes
  readonly rejects: RejectCounter
  links(): readonly Link[]
}

export interface DocumentLinks {
  /** A link is up, for the first time or again: asks for what we lack. */
  greet(link: Link): void
  receive(link: Link, frame: { readonly step: SyncStep; readonly payload: Uint8Array }): void
  /** Somebody is out of reach: others may have heard more of it than we. */
  lost(): void
  stop(): void
}

/** Only frames of links come here, so only admitted members write the document (threat T30). */
export function createDocumentLinks(needs: DocumentLinksNeeds): DocumentLinks {
  const { clock, doc, random, rejects } = needs
  const askedMs = new WeakMap<Link, number>()
  /** What those have who wait for more of the document, the longest waiting first; by their own word, where they asked. */
  const waiting = new Map<Link, { readonly stateVector: Uint8Array; readonly isAnswer: boolean }>()
  const answeredMs = new WeakMap<Link, number>()
  let cancelDrain: CancelTimer | undefined
  /** What was handed to servers a moment ago: it is sealed first, so no server's client has counted it yet. */
  let handed = { atMs: Number.NEGATIVE_INFINITY, byteCount: 0 }
  let hasNews = false
  let cancelCompare: CancelTimer | undefined

  const reachable = (): Link[] => needs.links().filter((link) => link.isReachable())
  const ask = (link: Link) => link.send(encodeDocument(0, Y.encodeStateVector(doc)))
  const chance = (): number => (random(1)[0] ?? 0) / 256

  const onUpdate = (update: Uint8Array, origin: unknown, _doc: Y.Doc, { beforeState }: Y.Transaction) => {
    // What a member brought has gone to the others by its own links.
    if (origin === needs) {
      hasNews = true
      return
    }
    if (update.length > MAX_DOCUMENT_UPDATE_BYTES) return rejects.count('document-refused')
    for (const link of reachable()) {
      // Whoever waits gets it with what it waits for. Each copy costs room, as where a server has to carry all of them.
      if (waiting.has(link)) continue
      if (hasRoom(link)) hand(link, encodeDocument(2, update))
      else keepWaiting(link, Y.encodeStateVector(beforeState), false)
    }
  }
  doc.on('update', onUpdate)

  function compareSoon(): void {
    cancelCompare ??= clock.setTimer(compare, COMPARE_AFTER_MS * (1 - chance() / 2))
  }

  function compare(): void {
    cancelCompare = undefined
    const all = reachable()
    const first = Math.floor(chance() * all.length)
    for (const link of [...all.slice(first), ...all.slice(0, first)].slice(0, COMPARE_WITH)) ask(link)
  }

  function hasRoom(link: Link): boolean {
    const nowMs = clock.moment().steadyMs
    if (nowMs - handed.atMs >= DRAIN_MS) handed = { atMs: nowMs, byteCount: 0 }
    const best = link.best()
    return hasPlenty(best) && (best?.hasPlenty === undefined || handed.byteCount < MAX_WAITING_BYTES)
  }

  function hand(link: Link, frame: Uint8Array): void {
    if (link.best()?.hasPlenty !== undefined) handed.byteCount += frame.length
    link.send(frame)
  }

  function keepWaiting(link: Link, stateVector: Uint8Array, isAnswer: boolean): void {
    waiting.set(link, { stateVector, isAnswer })
    cancelDrain ??= clock.setTimer(drain, DRAIN_MS)
  }

  function drain(): void {
    cancelDrain = undefined
    const nowMs = clock.moment().steadyMs
    for (const [link, { stateVector, isAnswer }] of waiting) {
      // Who is out of reach asks when it is back.
      if (!link.isReachable()) waiting.delete(link)
      else if (hasRoom(link) && (!isAnswer || isTimeToAnswer(link, nowMs))) {
        waiting.delete(link)
        bring(link, stateVector, isAnswer)
      }
    }
    if (waiting.size > 0) cancelDrain = clock.setTimer(drain, DRAIN_MS)
  }

  const isTimeToAnswer = (link: Link, nowMs: number): boolean =>
    nowMs - (answeredMs.get(link) ?? Number.NEGATIVE_INFINITY) >= ANSWER_EVERY_MS

  /** What it lacks, by what it has. */
  function bring(link: Link, stateVector: Uint8Array, isAnswer: boolean): void {
    try {
      hand(link, encodeDocument(isAnswer ? 1 : 2, Y.encodeStateAsUpdate(doc, stateVector)))
      if (!isAnswer) return
      answeredMs.set(link, clock.moment().steadyMs)
      // Whoever asks and knows more had an edit under way that was lost with its carrier.
      if (isAhead(stateVector, doc)) ask(link)
    } catch {
      // Well-formed and yet impossible: the sender's fault, counted like the rest.
      rejects.count('document-refused')
    }
  }

  function answer(link: Link, stateVector: Uint8Array): void {
    const nowMs = clock.moment().steadyMs
    if (!waiting.has(link) && isTimeToAnswer(link, nowMs) && hasRoom(link)) bring(link, stateVector, true)
    // A copy: what came is a view of a larger buffer.
    else keepWaiting(link, stateVector.slice(), true)
  }

  function take(link: Link, update: Uint8Array, isAnswer: boolean): void {
    const waiting = doc.store.pendingStructs?.update
    hasNews = false
    Y.applyUpdate(doc, update, needs)
    if (isAnswer && hasNews) compareSoon()
    // It was written upon something that did not come to us, and waits for it.
    const isHeld = doc.store.pendingStructs !== null && doc.store.pendingStructs.update !== waiting
    const nowMs = clock.moment().steadyMs
    if (!isHeld || nowMs - (askedMs.get(link) ?? Number.NEGATIVE_INFINITY) < ASK_EVERY_MS) return
    askedMs.set(link, nowMs)
    ask(link)
  }

  return {
    greet: ask,
    receive(link, { step, payload }) {
      const checked = step === 0 ? checkStateVector(payload) : checkDocumentUpdate(payload)
      if (!checked.ok) return rejects.count(checked.reason)
      try {
        if (step === 0) answer(link, payload)
        else take(link, payload, step === 1)
      } catch {
        // Well-formed and yet impossible: the sender's fault, counted like the rest.
        rejects.count('document-refused')
      }
    },
    lost: compareSoon,
    stop() {
      cancelCompare?.()
      cancelDrain?.()
      // Edits of ours are said before the goodbye, room or not.
      for (const [link, { stateVector, isAnswer }] of waiting)
        if (!isAnswer && link.isReachable()) bring(link, stateVector, isAnswer)
      waiting.clear()
      doc.off('update', onUpdate)
    },
  }
}

/** Whether a state vector has seen edits that the document has not. */
function isAhead(stateVector: Uint8Array, doc: Y.Doc): boolean {
  const own = Y.decodeStateVector(Y.encodeStateVector(doc))
  return [...Y.decodeStateVector(stateVector)].some(([client, clock]) => clock > (own.get(client) ?? 0))
}
