/**
 * Holds what observers were told, and when, against what was promised: nobody in reach leaves, whoever ended is gone in
 * time, whoever is in reach is seen, and values arrive. Looks at everybody every `LOOK_MS`.
 */
import { findMissingItem } from './documents.ts'
import type { Leases } from './leases.ts'
import { currentStay, isStay, type Life, type LifeRules, type Log, type Stay } from './life.ts'
import { findOverdue } from './messages.ts'
import type { Reach } from './reach.ts'
import { checkShown } from './told.ts'
import type { Trouble } from './trouble.ts'

export const LOOK_MS = 200

/** [F5] A gap of at most 10 s raises no event; a look may come one too late on either side. */
const UNNOTICED_MS = 10_000 - 2 * LOOK_MS
/** A leave over a long gap may still come so long after its end: one is told of as soon as it is known. */
const AFTER_GAP_MS = 5_000
/** [F7] */
const CLEAN_LEAVE_MS = 1_000
/** [F3] */
const KILLED_MS = 3_000
/** [F4] */
const SILENT_MS = 15_000
/**
 * Silence begins with the last sign of life. Whatever carries a pair may have broken unnoticed shortly before another way
 * would have been tried: a link asks after 3 or 4 s and doubts after 2 more, and a gap that begins meanwhile is longer by that.
 */
export const UNNOTICED_BREAK_MS = 6_000
/** A client asks its server after 3 s of silence, and waits 5 s for the answer: until then the server stands for its pairs. */
const SERVER_UNNOTICED_MS = 8_000 + LOOK_MS
/** [L51] A silence that is told of is 14.5 s long. It began with the server's last word, 2.7 s before the loss at most, */
const SILENCE_AFTER_LOSS_MS = 14_500 - 2_700 - 2 * LOOK_MS
/** and 1.5 s of it are for an answer by another way. */
const ANSWER_BY_ANOTHER_MS = 1_500
/** [M4] For so long a message can be asked for. */
export const MESSAGES_KEPT_MS = 15_000
/** [F9] A data channel that was cut carries again so soon after its way is whole, and then what waited in it. */
const MENDED_MS = 5_000
const SEEN_MS = 3_000
const VALUE_MS = 1_000
/** Without any fault near a pair for so long its timing is what a quiet network promises. */
const QUIET_MS = 20_000
/** After its own standstill, or slow timers, an observer begins to judge anew. */
const AWAKE_MS = 16_000

export interface JudgeNeeds {
  readonly reach: Reach
  readonly trouble: Trouble
  readonly leases: Leases
  readonly rules: LifeRules
  readonly log: Log
  lives(): readonly Life[]
  /** What slow lines and losses add to every time, in ms. */
  slackMs(): number
}

export interface Judge {
  isLeaveDue(observer: Stay, subject: Life): boolean
  look(): void
}

export function createJudge(needs: JudgeNeeds): Judge {
  const { leases, log, reach, rules, trouble } = needs
  /** When a fault last began or ended that touches one of the two. */
  const lastFaultMs = (one: Life, other: Life) => Math.max(trouble.lastMs(one.member), trouble.lastMs(other.member))
  /** As that; what ended the stay itself is none. */
  const faultMsAt = (one: Life, { life: other, endedAtMs, faultMs }: Stay) =>
    trouble.lastMs(other.member) === endedAtMs
      ? Math.max(trouble.lastMs(one.member), faultMs ?? 0)
      : lastFaultMs(one, other)
  const lastBreakMs = (one: Life, other: Life) =>
    Math.max(trouble.lastBreakMs(one.member), trouble.lastBreakMs(other.member))
  /** When a server last served a pair, in ms. */
  const servedMs = new WeakMap<Stay, WeakMap<Stay, number>>()
  let slackMs = 0
  let slackUntilMs = 0

  function isLeaveDue(observer: Stay, subject: Life): boolean {
    // [L52] It said that it may be silent: while a server vouches for it nobody misses it.
    if (leases.mustBeKept(observer, subject)) return false
    const { downMs, lastDownMs, lastDownEndMs, sinceDownMs } = reach.pair(observer.life, subject)
    const members = [observer.life.member, subject.member]
    const isLong = isNoticed(members, downMs, log.nowMs())
    const wasJustLong = isNoticed(members, lastDownMs, lastDownEndMs) && sinceDownMs <= AFTER_GAP_MS
    return isLong || wasJustLong || wasSilentWithServer() || couldNotReturn(observer.life, subject)

    /** A gap that began before anybody knew that a server was lost, which had stood for an idle pair until then. */
    function wasSilentWithServer(): boolean {
      const [startMs, endMs] =
        downMs > 0 ? [log.nowMs() - downMs, log.nowMs()] : [lastDownEndMs - lastDownMs, lastDownEndMs]
      return reach
        .lossesAt(observer.life, subject, startMs)
        .some(
          (lossMs) =>
            startMs - lossMs <= SERVER_UNNOTICED_MS &&
            endMs - lossMs >= SILENCE_AFTER_LOSS_MS - ANSWER_BY_ANOTHER_MS &&
            log.nowMs() - lossMs >= SILENCE_AFTER_LOSS_MS &&
            (downMs > 0 || sinceDownMs <= AFTER_GAP_MS),
        )
    }
  }

  function isNoticed(members: readonly number[], gapMs: number, endMs: number): boolean {
    const startMs = endMs - gapMs
    if (gapMs >= UNNOTICED_MS) return true
    return (
      gapMs >= UNNOTICED_MS - UNNOTICED_BREAK_MS &&
      trouble.had(members, startMs - UNNOTICED_BREAK_MS, startMs - LOOK_MS)
    )
  }

  /**
   * [F3] The end of a socket is the end of a member who does not return at once, and trouble keeps members from that. Whoever
   * has a data channel or is a tab answers by it, whatever a server says (T15).
   */
  function couldNotReturn(observer: Life, subject: Life): boolean {
    const areTabs = observer.resident.host.machine === subject.resident.host.machine
    const canAnswer = log.nowMs() - trouble.lastSlowMs(subject) > KILLED_MS
    // One that has opened just now has brought no answer yet.
    const hasDirect = log.nowMs() - reach.pair(observer, subject).directSinceMs > slackMs
    if (canAnswer && (areTabs || hasDirect)) return false
    const endedAgoMs = log.nowMs() - reach.lastEndMs(observer, subject)
    return endedAgoMs < KILLED_MS + slackMs && log.nowMs() - lastFaultMs(observer, subject) < QUIET_MS
  }

  /** Somebody who is in reach is seen, with what it said last. */
  function checkPresent(observer: Stay, stay: Stay): void {
    const { life: subject } = stay
    const { upMs } = reach.pair(observer.life, subject)
    const nowMs = log.nowMs()
    const stayedMs = nowMs - Math.max(observer.joinedAtMs, stay.joinedAtMs)
    const isQuiet = nowMs - lastFaultMs(observer.life, subject) > QUIET_MS
    const seen = observer.seen.get(subject.connectionId)
    const isSeen = seen?.isPresent === true && isStay(stay, seen.stay)
    const isSoon = isQuiet || reach.isServed(observer.life, subject)
    // A leave that had to be is followed by a return: that takes its time from there.
    const unseenMs = Math.min(upMs, stayedMs, nowMs - (seen?.leftAtMs ?? 0))
    // A first word that went by what broke just then is said again once that is found out.
    const hasBroken = lastBreakMs(observer.life, subject) >= nowMs - unseenMs - LOOK_MS
    const dueMs = (isSoon ? SEEN_MS + (hasBroken ? UNNOTICED_BREAK_MS : 0) : SILENT_MS) + slackMs
    if (!isSeen && unseenMs > dueMs)
      log.fail(`${observer.life.name} has not seen ${subject.name} for ${Math.round(unseenMs)} ms of reach`)
    if (isQuiet && isSeen && upMs >= QUIET_MS && subject.resident.host.pace === 'normal')
      checkHeard(observer, stay, VALUE_MS + slackMs)
  }

  /** What was said, sent and written so long ago has come, each part of it. */
  function checkHeard(observer: Stay, stay: Stay, dueMs: number): void {
    const { life: subject } = stay
    const nowMs = log.nowMs()
    const [one, other] = [observer.life.name, subject.name]
    const due = stay.said.findLast(({ atMs }) => nowMs - atMs > dueMs)
    if (due !== undefined && (observer.seen.get(subject.connectionId)?.order ?? -1) < due.order)
      log.fail(`${one} has not been told ${due.json} of ${other}, ${Math.round(nowMs - due.atMs)} ms old`)
    const message = findOverdue(observer, stay, dueMs, rules)
    if (message !== undefined) log.fail(`${one} has not heard message ${message} of ${other}`)
    const item = findMissingItem(observer, subject, dueMs, nowMs)
    if (item !== undefined) log.fail(`the document of ${one} lacks ${item}, or has it still`)
  }

  /** Somebody whose stay has ended is gone in time. */
  function checkGone(observer: Stay, stay: Stay): void {
    const { life: subject, endedAtMs = 0 } = stay
    const seen = observer.seen.get(subject.connectionId)
    if (seen?.isPresent !== true || seen.stay > stay.index) return
    const faultMs = faultMsAt(observer.life, stay)
    const isQuiet = endedAtMs - faultMs > QUIET_MS
    // What a cut, or a neighbour who stood still, held up of the last words arrives when that is over.
    const changeMs = Math.max(faultMs, trouble.lastChangeMs())
    const heldMs = isQuiet ? 0 : changeMs + (changeMs > endedAtMs && observer.life.resident.hasWebRtc ? MENDED_MS : 0)
    const goneMs = log.nowMs() - Math.max(endedAtMs, observer.joinedAtMs, heldMs)
    const quietMs = stay.endedBy === 'goodbye' ? CLEAN_LEAVE_MS : KILLED_MS
    // Whose only way went by somebody who left before is out of reach when it ends: that is silence (F3).
    const wasInReach = reach.pair(observer.life, subject).downMs <= log.nowMs() - endedAtMs + 2 * LOOK_MS
    const isPrompt = isQuiet && wasInReach && (stay.endedBy === 'goodbye' || wasServed(observer, stay))
    const dueMs = (isPrompt ? quietMs : SILENT_MS) + slackMs
    if (goneMs > dueMs)
      log.fail(`${observer.life.name} still shows ${subject.name}, ${stay.endedBy} ${Math.round(goneMs)} ms ago`)
  }

  /** Somebody who stands still is gone in time. */
  function checkSilent(observer: Stay, { life: subject }: Stay): void {
    if (observer.seen.get(subject.connectionId)?.isPresent !== true) return
    // [L52] No server vouches for one that neither is on.
    if (leases.isSuspended(subject) && reach.isServed(observer.life, subject)) return
    // A neighbour who stood still may have had words of its to pass on.
    const wokenMs = Math.max(0, ...needs.lives().map(trouble.lastSlowMs).filter(Number.isFinite))
    const { downMs } = reach.pair(observer.life, subject)
    // What waited in a data channel for somebody who stood still comes later still.
    const isHeld = observer.life.resident.hasWebRtc && wokenMs > log.nowMs() - downMs
    const heldMs = wokenMs + (isHeld ? MENDED_MS : 0)
    const silentMs = log.nowMs() - Math.max(lastFaultMs(observer.life, subject), heldMs)
    // Whoever is hidden before it is frozen is slow until then, and not silent.
    const aloneMs = Math.min(...[silentMs, downMs, leases.suspendedForMs(subject)])
    if (aloneMs > SILENT_MS + slackMs)
      log.fail(`${observer.life.name} still shows ${subject.name}, silent for ${Math.round(aloneMs)} ms`)
  }

  /** Somebody of whom no byte can come, by whatever way, is gone in time. */
  function checkUnheard(observer: Stay, { life: subject }: Stay): void {
    // Whoever passed things on may have been frozen since.
    const unchangedMs = Math.min(log.nowMs() - trouble.lastChangeMs(), ...needs.lives().map(leases.suspendedForMs))
    // What waited in a neighbour's data channel comes later still.
    const mendedMs = observer.life.resident.hasWebRtc ? MENDED_MS : 0
    if (unchangedMs <= SILENT_MS + mendedMs + slackMs || reach.pair(observer.life, subject).upMs > 0) return
    if (observer.seen.get(subject.connectionId)?.isPresent === true && !reach.canHear(observer.life, subject))
      log.fail(`${observer.life.name} still shows ${subject.name}, unheard for ${Math.round(unchangedMs)} ms`)
  }

  /** [F3] Until its end: nobody hears of the end of a socket that was cut off before. */
  const wasServed = (observer: Stay, stay: Stay): boolean =>
    (servedMs.get(observer)?.get(stay) ?? Number.NEGATIVE_INFINITY) >= (stay.endedAtMs ?? 0) - 2 * LOOK_MS

  function lookAt(observer: Stay): void {
    const isAwake =
      observer.life.resident.host.state === 'running' && log.nowMs() - trouble.lastSlowMs(observer.life) > AWAKE_MS
    if (observer.life.resident.host.state === 'running') checkShown(observer, { log })
    if (observer.own.joined !== 1 && isAwake && log.nowMs() - observer.joinedAtMs > LOOK_MS)
      log.fail(`${observer.life.name} has not heard its own joined once`)
    for (const subject of needs.lives()) {
      if (subject === observer.life) continue
      const stay = currentStay(subject)
      const last = subject.stays.at(-1)
      if (stay !== undefined && reach.isServed(observer.life, subject)) {
        const served = servedMs.get(observer) ?? new WeakMap<Stay, number>()
        servedMs.set(observer, served.set(stay, log.nowMs()))
      }
      if (!isAwake || last === undefined) continue
      if (stay === undefined) {
        checkGone(observer, last)
        continue
      }
      checkUnheard(observer, stay)
      if (subject.resident.host.state === 'paused') checkSilent(observer, stay)
      else if (log.nowMs() - trouble.lastSlowMs(subject) > AWAKE_MS) checkPresent(observer, stay)
    }
  }

  return {
    isLeaveDue,
    look() {
      const slackNowMs = needs.slackMs() + 2 * LOOK_MS
      // What was under way on a slow line takes its time, though the line is quick again.
      if (slackNowMs >= slackMs || log.nowMs() > slackUntilMs) slackMs = slackNowMs
      if (slackNowMs >= slackMs) slackUntilMs = log.nowMs() + SEEN_MS + slackMs
      for (const life of needs.lives()) {
        const stay = currentStay(life)
        if (stay !== undefined) lookAt(stay)
      }
    },
  }
}
