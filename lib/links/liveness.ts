/**
 * Whether the far end of one link is there. It is asked rather than timed, and answers in its message handlers, since a
 * hidden tab has slow timers; what is heard on any carrier counts. Silence has a beginning, and is told with its length.
 *
 * A server on which both are vouches for the far end: it watches the socket and tells of its silence, so that a pair need
 * hardly ask. Silence has begun for such a pair when the server says so, or with what was asked and not answered. Whatever else
 * may show that an end is gone, as ICE does, has it asked at once, and is no proof of it.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import { type Answers, createAnswers, SUSPECT_AFTER_MS } from './answers.ts'
import type { Carrier } from './carrier.ts'
import { createTalk } from './talk.ts'

/**
 * A link that was silent for so long asks. Silence is known to have begun at the last sign of life only, so this is what the
 * 15 s of a silent member leave beside a gap of 10 s, the 1 s of a retry after it and the way of its first word.
 */
export const PING_AFTER_MS = 3_000
/** As that, where a server vouches for the far end and nothing was said: what a server may hide that does not tell. */
export const VOUCHED_PING_AFTER_MS = 30_000
/** As that, where frames go by a data channel: its two ends check all the time that the other one answers, and tell. */
export const CHECKED_PING_AFTER_MS = 60_000
/** What was said, and not shown to have arrived, has a link ask after this and `PING_AFTER_MS` of silence. */
const SAID_ASKS_AFTER_MS = 1_000
/** The other end of a pair asks so much later, so that in a pair that is well only one does. */
const SECOND_ASKS_AFTER_MS = 1_000
/** How often a carrier that did not answer is asked again while the link is heard: the question may have been lost. */
const ASK_SUSPECT_MS = 5_000
/** As that, by one that something has come by since: the way may be whole again. */
const ASK_HEARD_MS = 1_000
/** How often one who was given up, and is heard again, is asked. */
const ASK_FRESH_MS = 250
/** How long a far end may take to answer once something of it has ended. */
export const PROBE_MS = 1_000
/**
 * A link without a sign of life for so long is told as silent: a gap of 10 s that began just before the next question, and
 * the return after it, pass unnoticed; and there is a beat left of the 15 s in which a silent member must be gone.
 */
export const SILENT_AFTER_MS = 14_500
/** However long a silence was that somebody tells of: so long before its end others are asked. */
const LATEST_TOLD_MS = 1_500
/** A beat this late was not late but asleep: ask first, judge at the next one. */
const ASLEEP_MS = 5_000

export interface LivenessNeeds {
  readonly clock: Clock
  /** One end of each pair asks first; its question answers the other's. */
  readonly isFirstToAsk: boolean
  ping(carrier: Carrier, token: number): void
  onSilent(silentMs: number): void
}

export interface Liveness
  extends Pick<Answers, 'isSuspect' | 'isOverdue' | 'isOutdone' | 'isProven' | 'measured' | 'roundTripMs'> {
  heard(carrierId: string | undefined): void
  /**
   * A question by that carrier was answered, or its far end proved itself anew: what we say by it arrives, and that is a sign
   * of life that was not under way before. What is merely heard tells nothing of what we say.
   */
  answered(carrierId: string | undefined, token?: number): void
  /** Something was said by that carrier that may be lost on the way. */
  said(carrierId: string): void
  /** Whether a server says, from now on, that the far end's socket is there. */
  vouch(isVouched: boolean): void
  /** The far end says that it may be silent for so long: a page that is hidden may be frozen. Excuses it while vouched for. */
  lease(ms: number): void
  /** A server was silent for so long that it stood for, or says so of the far end: as if we had asked for so long in vain. */
  tellSilence(silentMs: number): void
  /** Nothing reaches it any more, or it has left: what is heard is no sign of life until it has answered something newer. */
  estrange(): void
  isEstranged(): boolean
  /** Asks one who is estranged and was heard. */
  askFresh(carrier: Carrier): void
  ask(carriers: readonly Carrier[]): void
  /** Asks by that carrier, unless a question by it is under way: the far end asked by the other. */
  askOnce(carrier: Carrier, asker: Carrier): void
  /** Asks now and then by those that did not answer, though the link is heard. */
  askSuspects(carriers: readonly Carrier[]): void
  /** Something came by that carrier: asks by it, where it is suspect. */
  askHeard(carrier: Carrier): void
  /**
   * Something of the far end has ended: asks all, and tells after `PROBE_MS`, or as long after a later end, whether that was
   * answered. What else is heard may be older than the end.
   */
  probe(carriers: readonly Carrier[], onJudged: (isAnswered: boolean) => void): void
  /** One beat; without a `best` there is nobody to ask. */
  tick(best: Carrier | undefined, all: readonly Carrier[]): void
  forget(carrierId: string): void
  heardAgoMs(): number
  /** How long it has been silent: not merely idle, where a server vouches for it; without what we slept. */
  silentForMs(): number
  /** We slept, so recently that others may have taken us for gone. */
  hasJustWoken(): boolean
  stop(): void
}

export function createLiveness({ clock, isFirstToAsk, onSilent, ping }: LivenessNeeds): Liveness {
  const pingAfterMs = PING_AFTER_MS + (isFirstToAsk ? 0 : SECOND_ASKS_AFTER_MS)
  const steadyMs = () => clock.moment().steadyMs
  const answers = createAnswers(steadyMs)
  const talk = createTalk(steadyMs)
  let lastHeardMs = steadyMs()
  /** When the first question was asked since; when a silence has begun by the word of others. */
  let unansweredMs = Number.POSITIVE_INFINITY
  let toldMs = Number.POSITIVE_INFINITY
  let leaseEndsMs = Number.NEGATIVE_INFINITY
  let isVouched = false
  let vouchedUntilMs = Number.NEGATIVE_INFINITY
  /** The first word whose arrival nothing has shown; the carrier of the last one, and the last question before it. */
  let saidMs: number | undefined
  let lastSaid = { carrierId: '', token: 0 }
  let lastTick = clock.moment()
  /** When we last woke: nobody is judged by what was not heard before. */
  let wokeAtMs = Number.NEGATIVE_INFINITY
  let lastAskMs = Number.NEGATIVE_INFINITY
  let lastAskSuspectMs = Number.NEGATIVE_INFINITY
  let cancelProbe: CancelTimer | undefined
  /** When something of the far end last ended, and the last question before that. */
  let lastEnd = { atMs: 0, token: 0 }
  let isSilentTold = false
  let count = 0
  let lastAnswered = 0
  /** The last question when it became unreachable; undefined while it is not. */
  let estrangedAt: number | undefined

  function ask(carriers: readonly Carrier[], isBrisk = false): void {
    if (carriers.length === 0) return
    lastAskMs = steadyMs()
    unansweredMs = Math.min(unansweredMs, lastAskMs)
    for (const carrier of carriers) {
      answers.asked(carrier.id, ++count, isBrisk)
      ping(carrier, count)
    }
  }

  /**
   * [L64] Who was in the middle of a talk and pauses is asked by the way that we speak by: of two who update at 20 Hz each shall go
   * by another way within a second, where one dies without a word. Where there is no other but through neighbours, nothing is won.
   */
  function askInTalk(all: readonly Carrier[]): void {
    const ways = all.filter(({ kind }) => kind !== 'via')
    const spokenBy = ways.find(({ id }) => id === lastSaid.carrierId)
    if (spokenBy === undefined || ways.length < 2 || answers.isAsked(spokenBy.id)) return
    if (saidMs !== undefined && talk.hasPaused()) ask([spokenBy], true)
  }

  function askSuspects(carriers: readonly Carrier[], everyMs = ASK_SUSPECT_MS): void {
    if (carriers.length === 0 || steadyMs() - lastAskSuspectMs < everyMs) return
    lastAskSuspectMs = steadyMs()
    ask(carriers)
  }

  /** Since the last beat, by either clock: a machine that sleeps may stop its steady one. */
  function tickAgoMs(): number {
    const { steadyMs, unixMs } = clock.moment()
    return Math.max(steadyMs - lastTick.steadyMs, unixMs - lastTick.unixMs)
  }

  /** How long ago we woke. Seen by a late beat, or before that beat by whoever looks first. */
  function wokeAgoMs(): number {
    if (tickAgoMs() > ASLEEP_MS) wokeAtMs = steadyMs()
    return steadyMs() - wokeAtMs
  }

  /** Until when a server stood for it. */
  const vouchedMs = (): number => (isVouched ? steadyMs() : vouchedUntilMs)
  const isExcused = (): boolean => isVouched && steadyMs() < leaseEndsMs

  /** `graceMs`: how long before a first question it may have begun, while a server vouched for it. */
  function silentForMs(graceMs = 0): number {
    // A lease excuses what is not answered while somebody stands for it, and no end or silence that somebody tells of.
    const knownMs = Math.min(Math.max(unansweredMs, leaseEndsMs), vouchedMs()) - graceMs
    return Math.min(steadyMs() - Math.max(lastHeardMs, Math.min(knownMs, toldMs)), wokeAgoMs())
  }

  /** The carrier to ask by, if it is time: what was said is asked about by the way that it went. */
  function dueCarrier(best: Carrier, all: readonly Carrier[]): Carrier | undefined {
    const quietMs = Math.min(steadyMs() - lastHeardMs, wokeAgoMs())
    if (quietMs < pingAfterMs) return undefined
    if (!isVouched || Number.isFinite(unansweredMs)) return best
    if (saidMs !== undefined && steadyMs() - saidMs >= SAID_ASKS_AFTER_MS)
      return all.find(({ id }) => id === lastSaid.carrierId) ?? best
    const mostMs = best.kind === 'direct' ? CHECKED_PING_AFTER_MS : VOUCHED_PING_AFTER_MS
    return quietMs < mostMs + pingAfterMs - PING_AFTER_MS ? undefined : best
  }

  function judgeProbe(onJudged: (isAnswered: boolean) => void, askAgain: (() => void) | undefined): void {
    const askedAtMs = steadyMs()
    const restMs = lastEnd.atMs + PROBE_MS - askedAtMs
    cancelProbe = clock.setTimer(
      () => {
        cancelProbe = undefined
        if (lastAnswered > lastEnd.token) return onJudged(true)
        if (lastEnd.atMs > askedAtMs) return judgeProbe(onJudged, askAgain)
        // After a sleep of our own the answer may be unread, or cut off by it: ask once more.
        const isLate = steadyMs() - askedAtMs > 2 * PROBE_MS
        if (!isLate || askAgain === undefined) return onJudged(false)
        askAgain()
        judgeProbe(onJudged, undefined)
      },
      restMs > 0 ? restMs : PROBE_MS,
    )
  }

  return {
    ...answers,
    heard(carrierId) {
      lastHeardMs = steadyMs()
      unansweredMs = Number.POSITIVE_INFINITY
      toldMs = Number.POSITIVE_INFINITY
      isSilentTold = false
      talk.heard()
      if (carrierId !== undefined) answers.heard(carrierId)
    },
    answered(carrierId = '', token = Number.POSITIVE_INFINITY) {
      if (estrangedAt !== undefined && token > estrangedAt) estrangedAt = undefined
      answers.answered(carrierId, token)
      talk.answered()
      const isByWay = carrierId === lastSaid.carrierId || !Number.isFinite(token)
      if (isByWay && token > lastSaid.token) saidMs = undefined
      // No far end answers what was not asked.
      lastAnswered = Math.max(lastAnswered, Math.min(token, count))
    },
    said(carrierId) {
      saidMs ??= steadyMs()
      lastSaid = { carrierId, token: count }
    },
    vouch(isNow) {
      if (isVouched && !isNow) vouchedUntilMs = steadyMs()
      isVouched = isNow
    },
    lease(ms) {
      leaseEndsMs = steadyMs() + ms
    },
    tellSilence(silentMs) {
      // One server has lost it, and another has not.
      if (isExcused()) return
      toldMs = Math.min(toldMs, steadyMs() - Math.min(silentMs, SILENT_AFTER_MS - LATEST_TOLD_MS))
    },
    estrange() {
      estrangedAt = count
    },
    isEstranged: () => estrangedAt !== undefined,
    askFresh(carrier) {
      if (count === estrangedAt || steadyMs() - lastAskMs >= ASK_FRESH_MS) ask([carrier])
    },
    ask,
    askOnce(carrier, asker) {
      if (!answers.isAsked(carrier.id)) ask([carrier], asker.kind !== 'via' && talk.isBrisk())
    },
    askSuspects,
    askHeard(carrier) {
      if (answers.isSuspect(carrier.id)) askSuspects([carrier], ASK_HEARD_MS)
    },
    probe(carriers, onJudged) {
      lastEnd = { atMs: steadyMs(), token: count }
      if (cancelProbe === undefined) judgeProbe(onJudged, () => ask(carriers))
      ask(carriers)
    },
    tick(best, all) {
      const nowMs = steadyMs()
      const wasAsleep = tickAgoMs() > ASLEEP_MS
      const silentMs = silentForMs(PING_AFTER_MS)
      lastTick = clock.moment()
      if (best === undefined) return
      if (wasAsleep) return ask(all)
      // One question for the best carrier; once it is late, one for each, so that the link goes on by another.
      const due = dueCarrier(best, all)
      const askAgainMs = isExcused() ? VOUCHED_PING_AFTER_MS : SUSPECT_AFTER_MS
      if (due !== undefined && nowMs - lastAskMs >= askAgainMs) ask(answers.isAsked(due.id) ? all : [due])
      else if (answers.isLate(best.id)) ask([best])
      else askInTalk(all)
      if (isSilentTold || silentMs < SILENT_AFTER_MS) return
      isSilentTold = true
      onSilent(silentMs)
    },
    forget(carrierId) {
      answers.forget(carrierId)
      // It is said again by another way.
      if (lastSaid.carrierId === carrierId) saidMs = undefined
    },
    heardAgoMs: () => steadyMs() - lastHeardMs,
    silentForMs: () => silentForMs(),
    hasJustWoken: () => wokeAgoMs() < SILENT_AFTER_MS,
    stop: () => cancelProbe?.(),
  }
}
