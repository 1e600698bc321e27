/**
 * Holds what observers were told, and when, against what was promised: nobody in reach leaves, whoever ended is gone in
 * time, whoever is in reach is seen, and values arrive. Looks at everybody every `LOOK_MS`.
 */
import type { World } from '../../lib/testing/world.ts'
import { checkShown, currentStay, KILLED_MS, type Life, type Log, type Stay } from './life.ts'
import type { Reach } from './reach.ts'

export const LOOK_MS = 200

/** [F5] A gap of at most 10 s raises no event; a look may come one too late on either side. */
const UNNOTICED_MS = 10_000 - 2 * LOOK_MS
/** A leave over a long gap may still come so long after its end: one is told of as soon as it is known. */
const AFTER_GAP_MS = 5_000
/** [F7] */
const CLEAN_LEAVE_MS = 1_000
/** [F4] */
const SILENT_MS = 15_000
/**
 * Silence begins with the last sign of life. Whatever carries a pair may have broken unnoticed shortly before another way
 * would have been tried: a link asks after 3 or 4 s and doubts after 2 more, and a gap that begins meanwhile is longer by that.
 */
const UNNOTICED_BREAK_MS = 6_000
const SEEN_MS = 3_000
const VALUE_MS = 1_000
/** Without any fault near a pair for so long its timing is what a quiet network promises. */
const QUIET_MS = 20_000
/** After its own standstill, or slow timers, an observer begins to judge anew. */
const AWAKE_MS = 16_000

export interface JudgeNeeds {
  readonly world: World
  readonly reach: Reach
  readonly log: Log
  lives(): readonly Life[]
  /** When a fault last began or ended that touches one of the two. */
  lastFaultMs(one: Life, other: Life): number
  /** Whether anything broke, ended or healed between these, in ms. */
  hadFault(fromMs: number, toMs: number): boolean
  /** When that member last stood still or had slow timers; `Infinity` while it does. */
  lastSlowMs(life: Life): number
  /** What slow lines and losses add to every time, in ms. */
  slackMs(): number
}

export interface Judge {
  isLeaveDue(observer: Stay, subject: Life): boolean
  look(): void
}

export function createJudge(needs: JudgeNeeds): Judge {
  const { log, reach } = needs
  const wasServed = new WeakMap<Stay, WeakSet<Stay>>()

  function isLeaveDue(observer: Stay, subject: Life): boolean {
    const { downMs, lastDownMs, lastDownEndMs } = reach.pair(observer.life, subject)
    const isLong = isNoticed(downMs, log.nowMs())
    const wasJustLong = isNoticed(lastDownMs, lastDownEndMs) && log.nowMs() - lastDownEndMs <= AFTER_GAP_MS
    return isLong || wasJustLong || couldNotReturn(observer.life, subject)
  }

  function isNoticed(gapMs: number, endMs: number): boolean {
    const startMs = endMs - gapMs
    if (gapMs >= UNNOTICED_MS) return true
    return gapMs >= UNNOTICED_MS - UNNOTICED_BREAK_MS && needs.hadFault(startMs - UNNOTICED_BREAK_MS, startMs - LOOK_MS)
  }

  /** [F3] The end of a socket is the end of a member who does not return at once, and trouble keeps members from that. */
  function couldNotReturn(observer: Life, subject: Life): boolean {
    const endedAgoMs = log.nowMs() - reach.lastEndMs(subject)
    return endedAgoMs < KILLED_MS + needs.slackMs() && log.nowMs() - needs.lastFaultMs(observer, subject) < QUIET_MS
  }

  /** Somebody who is in reach is seen, with what it said last. */
  function checkPresent(observer: Stay, stay: Stay): void {
    const { life: subject } = stay
    const { upMs } = reach.pair(observer.life, subject)
    const nowMs = log.nowMs()
    const stayedMs = nowMs - Math.max(observer.joinedAtMs, stay.joinedAtMs)
    const slackMs = needs.slackMs() + 2 * LOOK_MS
    const isQuiet = nowMs - needs.lastFaultMs(observer.life, subject) > QUIET_MS
    const seen = observer.seen.get(subject.connectionId)
    const isSeen = seen?.isPresent === true && seen.stay === stay.index
    const dueMs = (isQuiet || reach.isServed(observer.life, subject) ? SEEN_MS : SILENT_MS) + slackMs
    if (!isSeen && Math.min(upMs, stayedMs) > dueMs)
      log.fail(
        `${observer.life.name} has not seen ${subject.name} for ${Math.round(Math.min(upMs, stayedMs))} ms of reach`,
      )
    if (!isQuiet || !isSeen || upMs < QUIET_MS || subject.resident.host.pace !== 'normal') return
    const due = stay.said.findLast(({ atMs }) => nowMs - atMs > VALUE_MS + slackMs)
    if (due !== undefined && seen.order < due.order)
      log.fail(
        `${observer.life.name} has not been told ${due.json} of ${subject.name}, ${Math.round(nowMs - due.atMs)} ms old`,
      )
    const sent = stay.published.findLastIndex(({ atMs }) => nowMs - atMs > VALUE_MS + slackMs) + 1
    const heard = observer.heard.get(subject.connectionId)
    const heardSeq = heard?.stay === stay.index ? heard.seq : 0
    const last = stay.published[sent - 1]
    if (last !== undefined && last.atMs > Math.max(seen.joinedAtMs, nowMs - 3 * VALUE_MS - slackMs) && heardSeq < sent)
      log.fail(`${observer.life.name} has not heard message ${sent} of ${subject.name}`)
  }

  /** Somebody whose stay has ended is gone in time. */
  function checkGone(observer: Stay, stay: Stay): void {
    const { life: subject, endedAtMs = 0 } = stay
    const seen = observer.seen.get(subject.connectionId)
    if (seen?.isPresent !== true || seen.stay > stay.index) return
    const faultMs = needs.lastFaultMs(observer.life, subject)
    const isQuiet = endedAtMs - faultMs > QUIET_MS
    // What a cut held up of the last words arrives when it heals.
    const goneMs = log.nowMs() - Math.max(endedAtMs, observer.joinedAtMs, isQuiet ? 0 : faultMs)
    const quietMs = stay.endedBy === 'goodbye' ? CLEAN_LEAVE_MS : KILLED_MS
    // Whose only way went by somebody who left before is out of reach when it ends: that is silence (F3).
    const wasInReach = reach.pair(observer.life, subject).downMs <= log.nowMs() - endedAtMs + 2 * LOOK_MS
    const isPrompt =
      isQuiet && wasInReach && (stay.endedBy === 'goodbye' || wasServed.get(observer)?.has(stay) === true)
    const dueMs = (isPrompt ? quietMs : SILENT_MS) + needs.slackMs() + 2 * LOOK_MS
    if (goneMs > dueMs)
      log.fail(`${observer.life.name} still shows ${subject.name}, ${stay.endedBy} ${Math.round(goneMs)} ms ago`)
  }

  /** Somebody who stands still, or whom nothing reaches, is gone in time. */
  function checkSilent(observer: Stay, stay: Stay): void {
    const { life: subject } = stay
    const { host } = subject.resident
    const seen = observer.seen.get(subject.connectionId)
    if (seen?.isPresent !== true || host.state !== 'paused') return
    const silentMs = log.nowMs() - needs.lastFaultMs(observer.life, subject)
    const aloneMs = Math.min(silentMs, reach.pair(observer.life, subject).downMs)
    if (aloneMs > SILENT_MS + needs.slackMs() + 2 * LOOK_MS)
      log.fail(`${observer.life.name} still shows ${subject.name}, silent for ${Math.round(aloneMs)} ms`)
  }

  function lookAt(observer: Stay): void {
    const isAwake =
      observer.life.resident.host.state === 'running' && log.nowMs() - needs.lastSlowMs(observer.life) > AWAKE_MS
    if (observer.life.resident.host.state === 'running') checkShown(observer, { log })
    for (const subject of needs.lives()) {
      if (subject === observer.life) continue
      const stay = currentStay(subject)
      const last = subject.stays.at(-1)
      if (stay !== undefined && reach.isServed(observer.life, subject)) {
        const served = wasServed.get(observer) ?? new WeakSet<Stay>()
        wasServed.set(observer, served.add(stay))
      }
      if (!isAwake || last === undefined) continue
      if (stay === undefined) checkGone(observer, last)
      else if (subject.resident.host.state === 'paused') checkSilent(observer, stay)
      else if (log.nowMs() - needs.lastSlowMs(subject) > AWAKE_MS) checkPresent(observer, stay)
    }
  }

  return {
    isLeaveDue,
    look() {
      for (const life of needs.lives()) {
        const stay = currentStay(life)
        if (stay !== undefined) lookAt(stay)
      }
    },
  }
}
