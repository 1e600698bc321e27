/**
 * Edits and answers on their way to the others: to each in order, no faster than the way to it takes them. What waits goes as
 * few frames, and where it becomes too much the two compare instead (L53).
 */
import * as Y from 'yjs'
import type { CancelTimer, Clock } from '../base/clock.ts'
import { MAX_DOCUMENT_UPDATE_BYTES } from '../wire/limits.ts'
import { encodeDocument } from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import { type Carrier, MAX_WAITING_BYTES, takes } from './carrier.ts'
import type { Link } from './link.ts'
import { DRAIN_MS } from './own-entry.ts'

/** Whoever was answered is answered again after as long as the last answer takes at this rate: it may be the whole document. */
const ANSWER_BYTES_PER_SECOND = 65_536
/** And no sooner than this: an answer takes a look at the whole document. */
const ANSWER_EVERY_MS = 100
/** Edits that wait for one at most, of which all who wait share the bytes; beyond that it compares, which a large document cannot. */
const MAX_WAITING_EDIT_BYTES = 8_388_608
/** Edits that one frame is merged of. */
const MAX_MERGED = 1_000
/** What went by another way has arrived by then; where that way is dead it does so never, and is not waited for longer. */
const ARRIVED_AFTER_MS = 1_000
const GIVEN_UP_AFTER_MS = 5_000
/** What still waits at the end goes to so many, since a goodbye has all compare: copies for all are more than a server takes at once. */
const LAST_EDITS_TO = 2

export interface DocumentOutboxNeeds {
  readonly doc: Y.Doc
  readonly clock: Clock
  readonly rejects: RejectCounter
  onAnswered(link: Link, stateVector: Uint8Array): void
  /** Too much waits for one: instead of being told edits it shall compare. */
  onLost(link: Link): void
}

export interface DocumentOutbox {
  push(update: Uint8Array, links: readonly Link[]): void
  /** What the far end lacks goes to it as soon as it may have another answer; of several questions what the newest knows counts. */
  answer(link: Link, stateVector: Uint8Array): void
  /** It lacks deletions of ours: every answer holds them all, and where no other is due it gets one of nothing else. */
  tellDeletions(link: Link): void
  /** Of the edits that wait as many as fit into one frame go out, room or not. */
  stop(): void
}

/** What one far end is still to be told. */
interface Due {
  edits: Uint8Array[]
  editBytes: number
  question: Uint8Array | undefined
  owesDeletions: boolean
  answerAtMs: number
}

interface Said {
  readonly by: Carrier | undefined
  readonly atMs: number
  sealingBytes: number
}

export function createDocumentOutbox({ clock, doc, rejects, ...needs }: DocumentOutboxNeeds): DocumentOutbox {
  const dues = new Map<Link, Due>()
  /** How the last edits of each went, and the bytes of those that are not sealed: only what is, is seen to wait in a carrier. */
  const said = new WeakMap<Link, Said>()
  let cancelDrain: CancelTimer | undefined

  const now = (): number => clock.moment().steadyMs
  const dueOf = (link: Link): Due => {
    const due = dues.get(link) ?? {
      edits: [],
      editBytes: 0,
      question: undefined,
      owesDeletions: false,
      answerAtMs: 0,
    }
    dues.set(link, due)
    return due
  }

  function drain(): void {
    cancelDrain?.()
    cancelDrain = undefined
    for (const [link, due] of dues) {
      sayEdits(link, due)
      const asked = (): Uint8Array | undefined =>
        due.question ?? (due.owesDeletions ? Y.encodeStateVector(doc) : undefined)
      const question = now() >= due.answerAtMs ? asked() : undefined
      if (question !== undefined) sayAnswer(link, due, question)
      const isDone = due.edits.length === 0 && asked() === undefined && now() >= due.answerAtMs
      // Who is out of reach compares when it is back.
      if (isDone || !link.isReachable()) dues.delete(link)
    }
    if (dues.size > 0) cancelDrain = clock.setTimer(drain, DRAIN_MS)
  }

  function sayEdits(link: Link, due: Due): void {
    while (due.edits.length > 0) {
      const by = link.best()
      const last = said.get(link)
      const isSealing = last !== undefined && last.sealingBytes > MAX_WAITING_BYTES
      // So much that overtook what it is written upon would be dropped there, and is more than an answer holds.
      if (isSealing || (due.editBytes > MAX_WAITING_BYTES && isOnAnotherWay(last, by))) return
      const edits = firstOf(due.edits)
      const size = sizeOf(edits)
      if (!takes(by, size, false)) return
      due.edits.splice(0, edits.length)
      due.editBytes -= size
      say(link, edits)
      const latest = { by, atMs: now(), sealingBytes: (last?.sealingBytes ?? 0) + size }
      said.set(link, latest)
      void link.settled().then(() => {
        latest.sealingBytes = 0
        if (due.edits.length > 0) drain()
      })
    }
  }

  function isOnAnotherWay(last: Said | undefined, by: Carrier | undefined): boolean {
    if (last === undefined || last.by === undefined || last.by === by) return false
    return now() - last.atMs < (last.by.backlogBytes() > 0 ? GIVEN_UP_AFTER_MS : ARRIVED_AFTER_MS)
  }

  const say = (link: Link, edits: Uint8Array[]): void => link.send(encodeDocument(2, Y.mergeUpdates(edits)))

  function sayAnswer(link: Link, due: Due, stateVector: Uint8Array) {
    due.answerAtMs = now() + ANSWER_EVERY_MS
    const update = Y.encodeStateAsUpdate(doc, stateVector)
    const { length } = update
    const isTooLarge = length > MAX_DOCUMENT_UPDATE_BYTES
    if (!isTooLarge && !takes(link.best(), length, false)) return
    due.question = undefined
    due.owesDeletions = false
    // Nor is it asked for what it knows more: two such would ask each other without end. Each asks where the other is met.
    if (isTooLarge) return rejects.count('too-large')
    due.answerAtMs = now() + Math.max(ANSWER_EVERY_MS, (length / ANSWER_BYTES_PER_SECOND) * 1_000)
    link.send(encodeDocument(1, update))
    needs.onAnswered(link, stateVector)
  }

  return {
    push(update, links) {
      let isFirst = false
      for (const link of links) {
        const due = dueOf(link)
        isFirst ||= due.edits.length === 0
        due.edits.push(update)
        due.editBytes += update.length
        if (due.editBytes <= MAX_WAITING_EDIT_BYTES) continue
        due.edits = []
        due.editBytes = 0
        needs.onLost(link)
      }
      // Behind others it has its turn.
      if (isFirst) drain()
    },
    answer(link, stateVector) {
      const due = dueOf(link)
      due.question = newestOf(due.question, stateVector)
      drain()
    },
    tellDeletions(link) {
      dueOf(link).owesDeletions = true
      drain()
    },
    stop() {
      const waiting = [...dues].filter(([link, { edits }]) => link.isReachable() && edits.length > 0)
      for (const [link, { edits }] of waiting.slice(0, LAST_EDITS_TO)) say(link, firstOf(edits))
      cancelDrain?.()
      dues.clear()
    },
  }
}

/** Questions by several ways overtake each other: what one of them knows, its sender knows. */
function newestOf(one: Uint8Array | undefined, other: Uint8Array): Uint8Array {
  const clocks = one === undefined ? new Map<number, number>() : Y.decodeStateVector(one)
  for (const [client, clock] of Y.decodeStateVector(other)) clocks.set(client, Math.max(clock, clocks.get(client) ?? 0))
  return Y.encodeStateVector(clocks)
}

const sizeOf = (edits: readonly Uint8Array[]): number => edits.reduce((sum, { length }) => sum + length, 0)

/** As many as fit into one frame, and as Yjs merges in a moment: what that takes grows with the square of their number. */
function firstOf(edits: readonly Uint8Array[]): Uint8Array[] {
  let count = 0
  for (let size = 0; count < Math.min(edits.length, MAX_MERGED); count++) {
    size += edits[count]?.length ?? 0
    if (size > MAX_DOCUMENT_UPDATE_BYTES) break
  }
  return edits.slice(0, count)
}
