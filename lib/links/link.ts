/**
 * The link between two connections of a channel: authenticated once, alive as long as anything carries it. Frames go by
 * the best carrier that answers, and a change of carrier is nobody's business. What frames say beyond life signs, its
 * owner knows.
 */
import type { Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { SealedLink } from '../identity/seal.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import {
  ASK_FRAME,
  decodeLinkFrame,
  encodeCastAck,
  encodePing,
  encodePong,
  kindOfFrame,
  type LinkFrame,
} from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { LinkReport } from '../wire/transport.ts'
import { createAsking } from './asking.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import { createGoodbye, type Goodbye } from './goodbye.ts'
import { createHandshake, type HandshakeNeeds } from './handshake.ts'
import { createLinkCarriers } from './link-carriers.ts'
import { createLiveness, type Liveness } from './liveness.ts'
import { createQuestions } from './questions.ts'
import { createReach } from './reach.ts'
import { createSealedFrames } from './sealed-frames.ts'
import { createTrafficCounter } from './traffic.ts'

/** What one says to everybody, and thus may cast. */
const CASTABLE: readonly LinkFrame['kind'][] = ['entry', 'change', 'message', 'goodbye']

export interface LinkNeeds {
  readonly peer: ConnectionId
  readonly clock: Clock
  readonly rejects: RejectCounter
  readonly handshake: Pick<HandshakeNeeds, 'hello' | 'isInitiator' | 'random'>
  /** The far end is heard, for the first time or again: time to say our entry. */
  onReachable(link: Link): void
  /** Nothing reaches it any more. `silentMs`: after so long a silence; 0: by an end that the far end's side told. */
  onUnreachable(link: Link, how: CarrierEnd, silentMs: number): void
  /** Frames go by another carrier since theirs has failed, or under other keys: what was last sent may be lost. */
  onRerouted(link: Link): void
  /** A way that had ended is there again: what the far end said by it meanwhile may be lost. */
  onReturned(link: Link): void
  onFrame(link: Link, frame: LinkFrame, carrier: Carrier): void
  /** The keys are agreed on, once per hello. */
  onKeys(link: Link): void
}

export interface Link {
  readonly peer: ConnectionId
  isReachable(): boolean
  /** Whether the far end has proved itself. */
  hasKeys(): boolean
  /** As `Handshake.unansweredMs`. */
  unprovedMs(): number
  carriers(): readonly Carrier[]
  /** The carrier that frames go by now. */
  best(): Carrier | undefined
  /** The carrier that the last frame went by, or the best one where that one is gone or does not answer. */
  last(): Carrier | undefined
  addCarrier(carrier: Carrier): void
  /** `silentMs`: after so long a silence of the far end's, or of the way to it. */
  removeCarrier(id: string, how: CarrierEnd, silentMs?: number): void
  receive(carrierId: string, bytes: Uint8Array): void
  /** Sends a frame of the link; dropped while nothing carries it. */
  send(frame: Uint8Array): void
  /** Sends a frame by every way of ours, one through a neighbour left out. */
  sendByAll(frame: Uint8Array): void
  /** Words of the far end are missing: it shall say its entry again. At most every 2 s, and then later. */
  askAnew(): void
  /** Sends a signal: see `LinkCarriers.forSignals`. */
  sendSignal(frame: Uint8Array): void
  sayGoodbye: Goodbye['say']
  /** The far end was told goodbye: from now on nothing else is said, and that by every carrier that comes. */
  fallSilent(): void
  /** One beat: asks whoever was silent, judges who did not answer. */
  tick(): void
  /** Something of ours for this link goes out by a cast: before whatever is sent from now on. */
  follow(cast: Promise<unknown>): void
  /** A cast that was for this far end too has gone out. */
  countCast(byteCount: number): void
  /** Resolves when all that was sent so far has been handed to its carriers. */
  settled(): Promise<unknown>
  liveness(): Liveness
  report(): LinkReport
  close(): void
}

export function createLink(needs: LinkNeeds): Link {
  const { clock, peer, rejects } = needs
  const sent = createTrafficCounter()
  const received = createTrafficCounter()
  const questions = createQuestions(clock)
  let isClosed = false

  const handshake = createHandshake({
    ...needs.handshake,
    clock,
    // What is sealed under new keys goes by the way that the last hello came by, and must not overtake the answer to it. A
    // server that one of us has lost without knowing leads nowhere: the next try goes by others too.
    send(envelope, { by, isRepeated }) {
      for (const carrier of carriers.forHello(by, isRepeated)) {
        sent.count('hello', envelope.length)
        carrier.send(envelope)
      }
    },
    onReject: (reason) => rejects.count(reason),
    onKeys: agreed,
  })
  const liveness = createLiveness({
    clock,
    ping: (carrier, token) => sendBy(carrier, encodePing(token)),
    isFirstToAsk: needs.handshake.isInitiator,
    onSilent: (silentMs) => reach.end('closed', silentMs),
  })
  const carriers = createLinkCarriers(liveness)
  const { best } = carriers
  const reach = createReach({
    liveness,
    hasWay: () => best() !== undefined,
    onReachable: () => needs.onReachable(link),
    onUnreachable: (how, silentMs) => needs.onUnreachable(link, how, silentMs),
    onMissed: () => link.send(ASK_FRAME),
  })
  const frames = createSealedFrames({
    ...needs.handshake.hello,
    clock,
    helloSettled: handshake.settled,
    onFrame: receiveFrame,
    onCast(carrier, bytes, { castByteCount, isOld }) {
      received.count('cast', castByteCount)
      receiveFrame(carrier, bytes, isOld, CASTABLE)
    },
    // It thinks that we have a key of its casts. Where another carrier serves, the cast is for others.
    onUnknownCast: (carrier) => (best() === carrier ? asking.again() : undefined),
    onReject: (reason) => rejects.count(reason),
    onMissed(isOutOfStep) {
      reach.miss()
      if (isOutOfStep) handshake.renew()
    },
  })

  const asking = createAsking({ clock, isReachable: reach.isReachable, ask: () => sendBy(best(), ASK_FRAME) })
  const goodbye = createGoodbye({ carriers, frames, liveness })

  function agreed(keys: SealedLink, by: string | undefined, roundTripMs: number): void {
    frames.setKeys(keys)
    asking.begin()
    liveness.heard(by)
    liveness.answered(by)
    if (by !== undefined) liveness.measured(by, roundTripMs)
    needs.onKeys(link)
    liveness.ask(carriers.unproven())
    // Who agrees on new keys has lost the former ones, and with them what was said under them; as have we.
    if (reach.isReachable()) {
      needs.onRerouted(link)
      link.send(ASK_FRAME)
    }
    reach.heard(undefined)
  }

  /** The way that frames went by has failed, and there is another. */
  function reroute(): void {
    carriers.forgetUse()
    if (reach.isReachable()) needs.onRerouted(link)
  }

  function sendBy(carrier: Carrier | undefined, frame: Uint8Array) {
    if (carrier === undefined || !frames.hasKeys() || goodbye.isSilent()) return
    const kind = kindOfFrame(frame)
    if (kind !== undefined) sent.count(kind, frame.length)
    frames.send(carrier, frame)
  }

  /** The carrier that something of ours goes by now. */
  function useBest(): Carrier | undefined {
    const carrier = best()
    if (carrier === undefined) return undefined
    carriers.use(carrier)
    liveness.said(carrier.id)
    return carrier
  }

  /** Something of the far end has ended: is it there? [L66] What has returned meanwhile leaves no more than a silence. */
  function probe(): void {
    liveness.probe(carriers.all(), (isAnswered) => {
      if (isAnswered) reach.forgetEnds()
      // [F4] Silence counts from its beginning, also where it is an end told late that has us ask.
      else if (reach.hasEnded()) reach.end('closed', liveness.silentForMs())
    })
  }

  /** `isOld`: nothing reached the far end any more when it came. */
  function receiveFrame(carrier: Carrier, bytes: Uint8Array, isOld: boolean, allowed?: readonly LinkFrame['kind'][]) {
    const frame = decodeLinkFrame(bytes)
    if (!frame.ok) return rejects.count(frame.reason)
    const { kind } = frame.value
    if (allowed === undefined) received.count(kind, bytes.length)
    if (allowed?.includes(kind) === false) return rejects.count('malformed')
    if (!questions.admit(kind)) return rejects.count('too-often')
    if (kind === 'pong') liveness.answered(carrier.id, frame.value.token)
    reach.heard(carrier.id)
    // What a way held back until it healed may be the words of somebody who is gone: first it shall answer.
    const isHere = carriers.get(carrier.id) === carrier
    if (isHere) liveness.askHeard(carrier)
    if (liveness.isEstranged() && (isHere || isOld)) {
      if (isHere) liveness.askFresh(carrier)
      if (kind === 'entry' || kind === 'change' || kind === 'message') return
    }
    if (kind === 'entry') asking.heardEntry()
    if (kind === 'ping') return answerPing(carrier, frame.value.token)
    if (kind === 'castKey')
      return frames.learnKey(frame.value) ? sendBy(carrier, encodeCastAck(frame.value)) : rejects.count('stale')
    if (kind !== 'pong') needs.onFrame(link, frame.value, carrier)
  }

  /**
   * Whoever asks by another carrier than ours may not hear us by ours, even where we hear it. Of two of one kind both ends
   * take the same, or each would ask by its own.
   */
  function answerPing(carrier: Carrier, token: number): void {
    sendBy(carrier, encodePong(token))
    const own = best()
    if (own === undefined || own === carrier) return
    if (own.kind === carrier.kind) carriers.favour(carrier.id)
    else if (carriers.isUsed(own.id)) liveness.askOnce(own, carrier)
  }

  function receiveEnvelope(carrier: Carrier, bytes: Uint8Array) {
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok) return rejects.count(envelope.reason)
    const { value } = envelope
    if (value.kind === 'cast') return frames.receiveCast(carrier, value.bytes, liveness.isEstranged())
    if (value.kind === 'sealed') return frames.receive(carrier, value.bytes, liveness.isEstranged())
    received.count('hello', bytes.length)
    if (value.kind === 'hello') handshake.receive(value.bytes, carrier.id)
    else handshake.restart()
  }

  const link: Link = {
    peer,
    isReachable: () => reach.isReachable() && !isClosed,
    hasKeys: frames.hasKeys,
    unprovedMs: handshake.unansweredMs,
    carriers: carriers.all,
    best,
    last: carriers.last,
    addCarrier(carrier) {
      if (isClosed || carriers.get(carrier.id) !== undefined) return
      carriers.add(carrier)
      if (goodbye.isSilent()) return frames.sayGoodbye(carrier)
      if (!frames.hasKeys()) return handshake.begin()
      liveness.ask([carrier])
      if (carriers.hasReturned(carrier.id)) {
        sendBy(carrier, ASK_FRAME)
        if (reach.isReachable()) needs.onReturned(link)
      }
      reach.returned(carrier.id)
    },
    removeCarrier(id, told, silentMs = 0) {
      // [L15] Who gave us up while we slept is not gone for that.
      const how = liveness.hasJustWoken() ? 'lost' : told
      if (carriers.remove(id) === undefined) return
      if (silentMs > 0) liveness.tellSilence(silentMs)
      if (how === 'closed') reach.ended(id)
      if (best() === undefined) return reach.end(how, how === 'lost' ? liveness.silentForMs() : 0)
      if (carriers.isUsed(id)) reroute()
      if (how === 'closed') probe()
      else liveness.ask(carriers.all())
    },
    receive(carrierId, bytes) {
      const carrier = carriers.get(carrierId)
      if (carrier === undefined || isClosed) return
      if (!carrier.isPrivate) receiveEnvelope(carrier, bytes)
      else if (frames.hasKeys()) receiveFrame(carrier, bytes, liveness.isEstranged())
    },
    send: (frame) => sendBy(useBest(), frame),
    sendByAll(frame) {
      for (const carrier of carriers.all())
        if (carrier.kind !== 'via' && carrier.isIntroduction !== true) sendBy(carrier, frame)
    },
    askAnew: asking.again,
    sendSignal: (frame) => sendBy(carriers.forSignals(), frame),
    sayGoodbye: goodbye.say,
    fallSilent: goodbye.fallSilent,
    tick() {
      if (goodbye.isSilent()) return
      asking.tick()
      const hasKeys = frames.hasKeys()
      if (hasKeys && carriers.hasFailed()) reroute()
      liveness.tick(hasKeys ? best() : undefined, carriers.all())
      if (hasKeys) liveness.askSuspects(carriers.toAskAgain())
    },
    follow(cast) {
      useBest()
      frames.follow(cast)
    },
    countCast: (byteCount) => sent.count('cast', byteCount),
    settled: frames.settled,
    liveness: () => liveness,
    report: () => ({
      carriers: carriers.report(link.isReachable() ? best() : undefined),
      heardAgoMs: liveness.heardAgoMs(),
      sent: sent.totals(),
      received: received.totals(),
    }),
    close() {
      isClosed = true
      handshake.stop()
      liveness.stop()
      frames.close()
      carriers.close()
    },
  }
  return link
}
