/**
 * One room of the y-websocket protocol, without a document and without presence: frames go to the others, each socket
 * writes one client's entry, and the end of a socket is told. Remembers who holds which client id and which clients
 * ended lately, nothing else.
 */

import { createTokenBucket, type TokenBucket } from '../lib/base/token-bucket.ts'
import { scanAwarenessUpdate } from '../lib/wire/awareness-update.ts'
import { decodeFrame, EMPTY_SYNC_STEP_1_FRAME, encodeEndedFrame, type Frame, QUERY_FRAME } from '../lib/wire/frame.ts'
import type { RejectReason } from '../lib/wire/result.ts'
import type { Counts } from './counts.ts'
import { createEchoAllowance, type EchoAllowance } from './echo-allowance.ts'
import { createEndedClients } from './ended-clients.ts'
import { cutOutFrame, goneFrame, isReadable } from './entry.ts'
import { CLOSE, type GuardedSocket } from './guarded-socket.ts'
import type { Limits } from './limits.ts'
import { type Binding, createOwnership } from './ownership.ts'
import { createQueryRounds } from './query-rounds.ts'
import { createSyncRelay } from './sync-relay.ts'

/** A socket of a room. `key` is set for a client that is ours: it understands frames 100 and 101. */
export interface Member {
  readonly socket: GuardedSocket
  readonly key: string | undefined
  /** What it may ask of the others: sync steps 1 and queries, which each cost an answer of everybody. */
  readonly questions: TokenBucket
  /** Who claimed our client id in vain, and is asked again when we end. */
  readonly claimants: Set<Member>
  readonly echo: EchoAllowance
  /** When it joined or last asked, counted in joins and questions of the room. */
  since: number
  /** What of its own entry the others have, and when they got it. */
  told: { readonly clock: number; readonly isGone: boolean; readonly at: number } | undefined
}

export interface RoomNeeds {
  readonly limits: Limits
  readonly counts: Counts
  readonly now: () => number
}

export interface Room {
  readonly size: number
  has(key: string): boolean
  join(socket: GuardedSocket, key: string | undefined): Member
  receive(member: Member, bytes: Buffer, isBinary: boolean): void
  /** `isSilent`: the others are not told, since it is the server that ends. `silentMs`: after how long a silence; 0: none. */
  leave(member: Member, isSilent: boolean, silentMs: number): void
  /** Leaves no timer. */
  stop(): void
}

/** A stock client asks once when it connects; a few more are for those that resync by a timer. */
const MEMBER_QUESTIONS = { perSecond: 1, burst: 4 }
/** Every answer is paid for by those who are asked, so a full room may join at once, but not again and again. */
const ROOM_QUESTIONS = { perSecond: 20, burst: 256 }

export function createRoom({ limits, counts, now }: RoomNeeds): Room {
  const members = new Set<Member>()
  const ownership = createOwnership<Member>()
  const ended = createEndedClients()
  const sync = createSyncRelay(counts)
  const roomQuestions = createTokenBucket(ROOM_QUESTIONS, now)
  /** Counts joins and questions. */
  let moment = 0

  const queries = createQueryRounds<Member>(limits.queryIntervalMs, (asker) => {
    const answerBytes = ownership.totalBytes()
    for (const member of members) {
      if (member === asker) continue
      member.echo.expect(0, answerBytes)
      member.socket.send(QUERY_FRAME)
    }
  })

  const mayAsk = (member: Member): boolean => {
    if (member.questions.take(1) && roomQuestions.take(1)) return true
    counts.count('dropped-question')
    return false
  }

  const forward = (from: Member, frame: Uint8Array, isWanted: (member: Member) => boolean = () => true) => {
    let reached = 0
    for (const member of members) {
      if (member === from || !isWanted(member)) continue
      member.socket.send(frame)
      reached++
    }
    if (reached > 0) counts.count('forwarded')
  }

  const tellEnded = ({ clientId, clock }: Binding, silentMs = 0) => {
    ended.add(clientId, clock)
    // With the clock of its last entry a removal counts, and a client that is back needs only one more to be seen.
    const [toOurs, toStock] = [encodeEndedFrame(clientId, silentMs), goneFrame(clientId, clock)]
    for (const { key, socket } of members) socket.send(key === undefined ? toStock : toOurs)
  }

  const refuse = (member: Member, holders: readonly Member[]) => {
    counts.count('dropped-second-binder')
    for (const holder of holders) {
      holder.claimants.add(member)
      // One of ours that is back takes over by its key; a stock client has no other way.
      if (holder.key === undefined) holder.socket.probe()
    }
  }

  const receiveAwareness = (member: Member, bytes: Buffer, update: Uint8Array) => {
    const spans = scanAwarenessUpdate(update)
    if (!spans.ok) return rejectFrame(member, spans.reason)
    if (spans.value.length === 0) return
    const claim = ownership.claim(member, spans.value)
    if (claim.kind === 'refused') return refuse(member, claim.holders)
    if (claim.kind === 'echo') {
      member.echo.forgive(1, bytes.length)
      return counts.count('dropped-echo')
    }
    const { span, isFirst, former } = claim
    if (former !== undefined && !former.isGone) tellEnded(former)
    if (span.json.length > limits.maxEntryBytes || !isReadable(span, limits.maxJsonDepth))
      return counts.count('dropped-bad-state')
    const isAlone = spans.value.length === 1
    const frame = isAlone ? bytes : cutOutFrame(update, span)
    if (!isAlone) member.echo.forgive(0, bytes.length - frame.length)
    const { told } = member
    const isRepeat = told !== undefined && told.clock === span.clock && told.isGone === span.isGone
    member.told = { clock: span.clock, isGone: span.isGone, at: moment }
    for (const other of members) if (other !== member) other.echo.expect(1, frame.length)
    // An answer to a query is for those who asked: the others have the entry.
    forward(member, frame, isRepeat ? ({ since }) => since > told.at : undefined)
    // Stock clients take no entry with a clock they have seen: told that it is gone, its owner raises it at once.
    if (isFirst && member.key === undefined && ended.hasSeen(span.clientId, span.clock)) {
      member.socket.send(goneFrame(span.clientId, span.clock))
    }
  }

  const rejectFrame = (member: Member, reason: RejectReason) => {
    if (reason === 'malformed') return member.socket.close(CLOSE.malformed, 'closed-malformed')
    counts.count('dropped-unknown')
  }

  const receiveFrame = (member: Member, bytes: Buffer, frame: Frame) => {
    switch (frame.kind) {
      case 'sync': {
        if (frame.step === 0) {
          if (!mayAsk(member)) return
          moment++
        }
        const isAlone = members.size === 1
        if (sync.admit({ step: frame.step, bytes, from: member.socket, isAlone, moment })) forward(member, bytes)
        return
      }
      case 'awareness':
        return receiveAwareness(member, bytes, frame.update)
      case 'query':
        if (!mayAsk(member)) return
        member.since = ++moment
        return queries.ask(member)
      case 'message': {
        const isOwn = member.key !== undefined && ownership.bindingOf(member)?.clientId === frame.clientId
        return isOwn ? forward(member, bytes, ({ key }) => key !== undefined) : counts.count('dropped-not-owner')
      }
      case 'ended':
        return counts.count('dropped-forged-ended')
      case 'ignored':
        return counts.count('dropped-unknown')
    }
  }

  /** The same client on a new socket: the old one goes without a word, and what it held stays. */
  const takeOver = (member: Member) => {
    const former = [...members].find(({ key }) => key !== undefined && key === member.key)
    // Before the old one goes: a room is over when its last member is.
    members.add(member)
    if (former === undefined) return
    // It holds nothing any more, so its end has nothing to tell.
    ownership.move(former, member)
    for (const claimant of former.claimants) member.claimants.add(claimant)
    former.socket.cutOff('closed-replaced')
  }

  return {
    get size() {
      return members.size
    },
    has: (key) => [...members].some((member) => member.key === key),
    join(socket, key) {
      const questions = createTokenBucket(MEMBER_QUESTIONS, now)
      const echo = createEchoAllowance(socket, limits)
      const member: Member = { socket, key, questions, claimants: new Set(), echo, since: ++moment, told: undefined }
      takeOver(member)
      if (members.size > 1) {
        // Its offline edits reach the others, and it learns who is here.
        socket.send(EMPTY_SYNC_STEP_1_FRAME)
        queries.ask(member)
      }
      return member
    },
    receive(member, bytes, isBinary) {
      if (!isBinary) return member.socket.close(CLOSE.wrongType, 'closed-wrong-type')
      member.socket.greet()
      const frame = decodeFrame(bytes)
      if (frame.ok) receiveFrame(member, bytes, frame.value)
      else rejectFrame(member, frame.reason)
    },
    leave(member, isSilent, silentMs) {
      if (!members.delete(member)) return
      for (const { claimants } of members) claimants.delete(member)
      const binding = ownership.release(member)
      if (binding === undefined || isSilent) return
      if (!binding.isGone) tellEnded(binding, silentMs)
      for (const claimant of member.claimants) {
        if (ownership.bindingOf(claimant) === undefined) claimant.socket.send(QUERY_FRAME)
      }
    },
    stop() {
      queries.stop()
      sync.stop()
    },
  }
}
