/**
 * The link between two connections of a channel: authenticated once, alive as long as anything carries it. Frames go by
 * the best carrier that answers, and a change of carrier is nobody's business. Knows carriers and keys; what frames say
 * beyond life signs, its owner knows.
 */
import type { Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { SealedLink } from '../identity/seal.ts'
import { decodeEnvelope, encodeSealedEnvelope } from '../wire/envelope.ts'
import {
  ASK_FRAME,
  type CastKeyFrame,
  decodeLinkFrame,
  encodeCastAck,
  encodePing,
  encodePong,
  GOODBYE_FRAME,
  kindOfFrame,
  type LinkFrame,
} from '../wire/link-frame.ts'
import type { RejectCounter } from '../wire/result.ts'
import type { CarrierReport, LinkReport } from '../wire/transport.ts'
import { byPreference, type Carrier, type CarrierEnd } from './carrier.ts'
import { type CastIntake, createCastIntake } from './cast-intake.ts'
import { createHandshake, type HandshakeNeeds } from './handshake.ts'
import { createLiveness, type Liveness } from './liveness.ts'
import { createTrafficCounter } from './traffic.ts'

/** Ways that a hello is repeated by at most: some servers, a tab and some neighbours. */
const MAX_HELLO_WAYS = 4
/** Whoever casts under a key that we lack is asked to say its entry again, at most so often. */
const ASK_AGAIN_MS = 2_000
/** What one says to everybody, and thus may cast. */
const CASTABLE: readonly LinkFrame['kind'][] = ['entry', 'message', 'goodbye']

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
  onFrame(link: Link, frame: LinkFrame, carrier: Carrier): void
  /** The keys are agreed on, once per hello. */
  onKeys(link: Link): void
}

export interface Link {
  readonly peer: ConnectionId
  isReachable(): boolean
  /** Whether the far end has proved itself. */
  hasKeys(): boolean
  carriers(): Carrier[]
  /** The carrier that frames go by now. */
  best(): Carrier | undefined
  addCarrier(carrier: Carrier): void
  removeCarrier(id: string, how: CarrierEnd): void
  receive(carrierId: string, bytes: Uint8Array): void
  /** Sends a frame of the link; dropped while nothing carries it. */
  send(frame: Uint8Array): void
  /** Sends a signal: by a carrier that only introduces, too. */
  sendSignal(frame: Uint8Array): void
  /**
   * Says goodbye within this call: by every neighbour, or by every other carrier, since neighbours go by those. `except`:
   * a carrier by which it was said.
   */
  sayGoodbye(by: 'neighbours' | 'others', except?: Carrier): void
  /** Asks at once whether the far end is there: something of it has ended. */
  probe(): void
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
  const carriers = new Map<string, Carrier>()
  const sent = createTrafficCounter()
  const received = createTrafficCounter()
  let sealed: SealedLink | undefined
  let intake: CastIntake | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY
  let goodbye: Uint8Array | undefined
  let isReachable = false
  /** Something may have been said that we could not open: before the keys, or while nothing carried it. */
  let hasMissed = false
  /** How it became unreachable, while it is. */
  let lastEnd: CarrierEnd | undefined
  let isClosed = false
  /** What ended and may have taken words of the far end with it. */
  const former = new Set<string>()
  /** The carrier that the far end last asked by, where it was another one of the kind that we use. */
  let favoured: string | undefined
  /** The carriers that frames went by since we last said our entry anew. */
  const used = new Set<string>()
  let sealing: Promise<unknown> = Promise.resolve()
  let opening: Promise<unknown> = Promise.resolve()

  const handshake = createHandshake({
    ...needs.handshake,
    clock,
    // What is sealed under new keys goes by the way that the last hello came by, and must not overtake the answer to it. A
    // server that one of us has lost without knowing leads nowhere: the next try goes by every way.
    send(envelope, { by, isRepeated }) {
      const all = publicCarriers()
      const ways = [...all.filter(({ id }) => id === by), ...all.filter(({ id }) => id !== by)]
      for (const carrier of ways.slice(0, isRepeated ? MAX_HELLO_WAYS : 1)) {
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
    onSilent: (silentMs) => becomeUnreachable('closed', silentMs),
  })

  const isFavoured = ({ id }: Carrier): number => Number(id === favoured)
  const sorted = (): Carrier[] =>
    [...carriers.values()].sort((one, other) => byPreference(one, other) || isFavoured(other) - isFavoured(one))
  const publicCarriers = (): Carrier[] => sorted().filter(({ isPrivate }) => !isPrivate)
  const best = (): Carrier | undefined => {
    const all = sorted().filter(({ isIntroduction }) => isIntroduction !== true)
    const trusted = all.filter(({ id }) => !liveness.isSuspect(id))
    // A server may still think that its socket is the far end's: only a data channel is open at both ends when it opens.
    return trusted.find(({ id, isPrivate }) => isPrivate || liveness.isProven(id)) ?? trusted[0] ?? all[0]
  }

  function agreed(keys: SealedLink, by: string | undefined, roundTripMs: number): void {
    sealed = keys
    const { crypto, topic } = needs.handshake.hello
    intake = createCastIntake({ crypto, topic, senderId: peer })
    goodbye = undefined
    // A page that ends has no time to seal anything: its goodbye is sealed beforehand, under a count that ends the link.
    void keys.sealLast(GOODBYE_FRAME).then((last) => {
      if (sealed === keys) goodbye = encodeSealedEnvelope(last)
    })
    liveness.heard(by)
    liveness.answered(by)
    if (by !== undefined) liveness.measured(by, roundTripMs)
    needs.onKeys(link)
    // Who agrees on new keys has lost the former ones, and with them what was said under them; as have we.
    if (isReachable) {
      needs.onRerouted(link)
      link.send(ASK_FRAME)
    }
    heard(undefined)
  }

  function heard(carrierId: string | undefined): void {
    liveness.heard(carrierId)
    if (isReachable || best() === undefined || liveness.isEstranged()) return
    isReachable = true
    lastEnd = undefined
    needs.onReachable(link)
    if (hasMissed) link.send(ASK_FRAME)
    hasMissed = false
  }

  function becomeUnreachable(how: CarrierEnd, silentMs: number): void {
    // Whoever was only lost may still end: that is told too, since it is another thing.
    if (!isReachable && !(lastEnd === 'lost' && how === 'closed')) return
    isReachable = false
    hasMissed = true
    lastEnd = how
    liveness.estrange()
    needs.onUnreachable(link, how, silentMs)
  }

  /** The way that frames went by has failed, and there is another. */
  function reroute(): void {
    used.clear()
    if (isReachable) needs.onRerouted(link)
  }

  function sendBy(carrier: Carrier, frame: Uint8Array) {
    if (sealed === undefined) return
    const kind = kindOfFrame(frame)
    if (kind !== undefined) sent.count(kind, frame.length)
    if (carrier.isPrivate) return carrier.send(frame)
    const keys = sealed
    sealing = sealing.then(async () => {
      const bytes = await keys.seal(frame)
      if (!isClosed && keys === sealed) carrier.send(encodeSealedEnvelope(bytes))
    })
  }

  /** One after the other, and each behind the hello that came before it: its keys may still be on their way. */
  function receiveSealed(carrier: Carrier, bytes: Uint8Array): void {
    const hello = handshake.settled()
    opening = opening.then(async () => {
      await hello
      if (!isClosed) await openSealed(carrier, bytes)
    })
  }

  async function openSealed(carrier: Carrier, bytes: Uint8Array): Promise<void> {
    const keys = sealed
    const opened = await keys?.open(bytes)
    if (isClosed) return
    if (opened?.ok) return receiveFrame(carrier, opened.value)
    if (opened !== undefined) rejects.count(opened.reason)
    hasMissed = true
    // The far end has keys that we lack, or lost those that we have.
    if (opened === undefined || (opened.reason === 'not-authentic' && keys === sealed)) handshake.renew()
  }

  /** In its turn among the sealed ones, since they came in one order. */
  function receiveCast(carrier: Carrier, bytes: Uint8Array): void {
    opening = opening.then(async () => {
      const opened = await intake?.open(bytes)
      if (isClosed || opened === undefined) return
      if (opened === 'unknown-key') return askAnew(carrier)
      if (!opened.ok) return rejects.count(opened.reason)
      received.count('cast', bytes.length)
      receiveFrame(carrier, opened.value, CASTABLE)
    })
  }

  /** It thinks that we have a key of its casts. Where another carrier serves, the cast is for others. */
  function askAnew(carrier: Carrier): void {
    const nowMs = clock.moment().steadyMs
    if (best() !== carrier || nowMs - askedAtMs < ASK_AGAIN_MS) return
    askedAtMs = nowMs
    sendBy(carrier, ASK_FRAME)
  }

  function learnKey(carrier: Carrier, given: CastKeyFrame): void {
    if (intake?.learn(given)) sendBy(carrier, encodeCastAck(given))
    else rejects.count('stale')
  }

  function receiveFrame(carrier: Carrier, bytes: Uint8Array, allowed?: readonly LinkFrame['kind'][]) {
    const frame = decodeLinkFrame(bytes)
    if (!frame.ok) return rejects.count(frame.reason)
    const { kind } = frame.value
    if (allowed === undefined) received.count(kind, bytes.length)
    if (allowed?.includes(kind) === false) return rejects.count('malformed')
    if (kind === 'pong') liveness.answered(carrier.id, frame.value.token)
    heard(carrier.id)
    // What a way held back until it healed may be the words of somebody who is gone: first it shall answer.
    if (liveness.isEstranged() && carriers.get(carrier.id) === carrier) {
      liveness.askFresh(carrier)
      if (kind === 'entry' || kind === 'message') return
    }
    if (kind === 'ping') return answerPing(carrier, frame.value.token)
    if (kind === 'castKey') return learnKey(carrier, frame.value)
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
    if (own.kind === carrier.kind) favoured = carrier.id
    else if (used.has(own.id)) liveness.askOnce(own)
  }

  function receiveEnvelope(carrier: Carrier, bytes: Uint8Array) {
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok) return rejects.count(envelope.reason)
    const { kind } = envelope.value
    if (kind === 'hello' || kind === 'restart') received.count('hello', bytes.length)
    if (envelope.value.kind === 'hello') handshake.receive(envelope.value.bytes, carrier.id)
    else if (envelope.value.kind === 'restart') handshake.restart()
    else if (envelope.value.kind === 'cast') receiveCast(carrier, envelope.value.bytes)
    else receiveSealed(carrier, envelope.value.bytes)
  }

  const link: Link = {
    peer,
    isReachable: () => isReachable && !isClosed,
    hasKeys: () => sealed !== undefined,
    carriers: sorted,
    best,
    addCarrier(carrier) {
      if (isClosed || carriers.has(carrier.id)) return
      carriers.set(carrier.id, carrier)
      if (sealed === undefined) handshake.begin()
      else {
        liveness.ask([carrier])
        if (former.delete(carrier.id)) sendBy(carrier, ASK_FRAME)
      }
    },
    removeCarrier(id, told) {
      // [F7] Who gave us up while we slept is not gone for that.
      const how = liveness.hasJustWoken() ? 'lost' : told
      const carrier = carriers.get(id)
      if (carrier === undefined || !carriers.delete(id)) return
      liveness.forget(id)
      if (carrier.isIntroduction !== true) former.add(id)
      if (best() === undefined) return becomeUnreachable(how, how === 'lost' ? liveness.silentForMs() : 0)
      if (used.has(id)) reroute()
      if (how === 'closed') link.probe()
      else liveness.ask(sorted())
    },
    receive(carrierId, bytes) {
      const carrier = carriers.get(carrierId)
      if (carrier === undefined || isClosed) return
      if (!carrier.isPrivate) receiveEnvelope(carrier, bytes)
      else if (sealed !== undefined) receiveFrame(carrier, bytes)
    },
    send(frame) {
      const carrier = best()
      if (carrier === undefined) return
      used.add(carrier.id)
      sendBy(carrier, frame)
    },
    sendSignal(frame) {
      const carrier = best() ?? sorted()[0]
      if (carrier !== undefined) sendBy(carrier, frame)
    },
    sayGoodbye(by, except) {
      for (const carrier of carriers.values()) {
        if (carrier === except || (carrier.kind === 'via') !== (by === 'neighbours')) continue
        if (carrier.isPrivate) carrier.send(GOODBYE_FRAME)
        else if (goodbye !== undefined) carrier.send(goodbye)
      }
    },
    // [F4] Silence counts from its beginning, also where it is an end told late that has us ask.
    probe: () => liveness.probe(sorted(), () => becomeUnreachable('closed', liveness.silentForMs())),
    tick() {
      const all = sorted()
      const carrier = sealed === undefined ? undefined : best()
      if (carrier !== undefined && [...used].some((id) => id !== carrier.id && liveness.isSuspect(id))) reroute()
      liveness.tick(carrier, all)
    },
    follow(cast) {
      const carrier = best()
      if (carrier !== undefined) used.add(carrier.id)
      sealing = Promise.all([sealing, cast])
    },
    countCast: (byteCount) => sent.count('cast', byteCount),
    settled: () => sealing,
    liveness: () => liveness,
    report() {
      const active = link.isReachable() ? best() : undefined
      return {
        carriers: sorted().map((carrier) => reportCarrier(carrier, carrier === active, liveness)),
        heardAgoMs: liveness.heardAgoMs(),
        sent: sent.totals(),
        received: received.totals(),
      }
    },
    close() {
      isClosed = true
      handshake.stop()
      liveness.stop()
      for (const carrier of carriers.values()) carrier.close()
      carriers.clear()
    },
  }
  return link
}

function reportCarrier({ id, kind }: Carrier, isActive: boolean, liveness: Liveness): CarrierReport {
  const roundTripMs = liveness.roundTripMs(id)
  return { id, kind, isActive, ...(roundTripMs !== undefined && { roundTripMs }) }
}
