/**
 * A data channel between the two ends of a link. Offers, answers and candidates travel inside the link, so nobody can put
 * a fingerprint of his own between them. One side offers, always the same one: there is no glare to resolve, and
 * implementations without rollback can take part.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import { isJsonObject } from '../base/json.ts'
import { MAX_CANDIDATES } from '../wire/limits.ts'
import type { SignalKind } from '../wire/link-frame.ts'
import { type Carrier, type CarrierEnd, createLosses, MAX_BACKLOG_BYTES } from './carrier.ts'
import { createGathering } from './gathering.ts'

/** What of the standard is used; `globalThis.RTCPeerConnection` or an injected one makes it. */
export type CreatePeerConnection = (configuration: RTCConfiguration) => RTCPeerConnection

/** The id of its carrier: a link has one at most. */
export const DIRECT = 'direct'
/** A connection that has not opened by then is given up; the other carriers serve meanwhile. */
export const HALF_OPEN_MS = 8_000
/** Candidates of one far end until its next description: a platform keeps each, and tries it. */
const MAX_FAR_CANDIDATES = 64

export interface DirectNeeds {
  readonly createPeerConnection: CreatePeerConnection
  readonly iceServers: readonly RTCIceServer[]
  readonly isOfferer: boolean
  readonly clock: Clock
  sendSignal(kind: SignalKind, json: string): void
  onOpen(carrier: Carrier): void
  onData(bytes: Uint8Array): void
  /** It was open, and ICE says that its far end does not answer any more, or does again. */
  onDoubt(): void
  /**
   * It is over, once. `closed`: the far end closed it while it was well, as the end of a page does. `lost`: it never opened,
   * failed for good, or was given up, here or there, which is no word on the far end.
   */
  onEnd(how: CarrierEnd, wasOpen: boolean): void
}

export interface DirectConnection {
  /** Whether a description is of another connection of the far end's than the one this one speaks with. */
  isReplacedBy(json: string): boolean
  receiveSignal(kind: Exclude<SignalKind, 'full' | 'vacant'>, json: string): void
  /**
   * It does not carry: a new try of ICE under the old keys, said again where it was not answered, and the end where that does
   * not help.
   */
  restart(): void
  close(): void
}

export function createDirectConnection(needs: DirectNeeds): DirectConnection {
  const { clock, isOfferer } = needs
  const connection = needs.createPeerConnection({ iceServers: [...needs.iceServers] })
  const channel = connection.createDataChannel('copresence', { negotiated: true, id: 0 })
  const waiting: RTCIceCandidateInit[] = []
  let farCandidates = 0
  let hasDescription = false
  let farSession: string | undefined
  let isOpen = false
  let isEnded = false
  /** By the last word of ICE its far end does not answer. */
  let isDoubted = false
  let isRestarting = false
  let cancelPatience: CancelTimer | undefined = clock.setTimer(giveUp, HALF_OPEN_MS)
  let negotiating: Promise<void> = Promise.resolve()
  const gathering = createGathering({
    clock,
    sendDescription: (json) => needs.sendSignal('description', json),
    sendCandidates: (json) => needs.sendSignal('candidates', json),
  })

  const losses = createLosses(() => channel.bufferedAmount)
  const carrier: Carrier = {
    id: DIRECT,
    kind: 'direct',
    isPrivate: true,
    send(bytes) {
      if (channel.readyState !== 'open') return
      if (channel.bufferedAmount + bytes.length > MAX_BACKLOG_BYTES) return losses.lose()
      try {
        channel.send(bytes as Uint8Array<ArrayBuffer>)
      } catch {
        // It has just closed, in a thread that is not ours, or its buffer is full: lost like on a line that is cut. The
        // `close` event comes on its own.
      }
    },
    ...losses,
    close: giveUp,
  }

  channel.binaryType = 'arraybuffer'
  channel.onopen = () => {
    if (isEnded) return
    isOpen = true
    cancelPatience?.()
    needs.onOpen(carrier)
  }
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isEnded) return
    if (data instanceof ArrayBuffer) needs.onData(new Uint8Array(data))
    else if (ArrayBuffer.isView(data)) needs.onData(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  channel.onclose = () => end(isWell() ? 'closed' : 'lost')
  connection.onicecandidate = ({ candidate }) => {
    if (!isEnded) gathering.found(candidate)
  }
  connection.oniceconnectionstatechange = watchIce

  function watchIce() {
    const state = connection.iceConnectionState
    if (state === 'closed') return giveUp()
    // How long it has not answered is not told: 5 to 8 s in libwebrtc, and not at all where an interface went away.
    const isLost = state === 'disconnected' || state === 'failed'
    if (isOpen && (isLost || (isDoubted && isWell()))) needs.onDoubt()
    if (isLost || isWell()) isDoubted = isLost
    if (isWell()) beWell()
    else if (state === 'failed') restart()
  }

  function beWell(): void {
    isRestarting = false
    cancelPatience?.()
  }

  const isWell = (): boolean => isOpen && ['connected', 'completed'].includes(connection.iceConnectionState)

  function restart(): void {
    if (isEnded) return
    if (!isRestarting) {
      isRestarting = true
      cancelPatience?.()
      cancelPatience = clock.setTimer(() => {
        // What was asked for late may find it well, and then nothing changes that would be told.
        if (isWell()) beWell()
        else giveUp()
      }, HALF_OPEN_MS)
    }
    if (isOfferer) negotiate(offerAgain)
    else needs.sendSignal('restart', '')
  }

  /** Steps of the negotiation one after the other; whatever one of them throws ends this connection and nothing else. */
  function negotiate(step: () => Promise<void>): void {
    negotiating = negotiating.then(async () => {
      try {
        if (!isEnded) await step()
      } catch {
        // A description or candidate that the far end should not have sent, or an implementation without ICE restart.
        giveUp()
      }
    })
  }

  async function offer(options?: RTCOfferOptions): Promise<void> {
    await describe(await connection.createOffer(options))
  }

  /** One offer at a time: an answer says to none of two which it is for. */
  async function offerAgain(): Promise<void> {
    const { localDescription, signalingState } = connection
    if (signalingState === 'have-local-offer' && localDescription !== null) say(localDescription)
    else await offer({ iceRestart: true })
  }

  async function describe(description: RTCSessionDescriptionInit): Promise<void> {
    if (isEnded) return
    gathering.begin()
    await connection.setLocalDescription(description)
    await gathering.isDone()
    if (isEnded) return
    // As it is now: with the candidates that were found.
    say(connection.localDescription ?? description)
  }

  const say = ({ sdp = '', type }: RTCSessionDescriptionInit): void => gathering.say({ type, sdp })

  async function receiveDescription(description: RTCSessionDescriptionInit): Promise<void> {
    // Only the offerer is answered, and only the answerer is offered.
    if ((description.type === 'offer') === isOfferer) return
    // What was said twice is answered twice.
    if (isOfferer && connection.signalingState !== 'have-local-offer') return
    await connection.setRemoteDescription(description)
    hasDescription = true
    farCandidates = 0
    for (const candidate of waiting.splice(0)) await connection.addIceCandidate(candidate)
    if (description.type === 'offer') await describe(await connection.createAnswer())
  }

  async function receiveCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (hasDescription) await connection.addIceCandidate(candidate)
    else waiting.push(candidate)
  }

  function giveUp(): void {
    end('lost')
  }

  function end(how: CarrierEnd): void {
    if (isEnded) return
    isEnded = true
    cancelPatience?.()
    gathering.stop()
    channel.onopen = channel.onmessage = channel.onclose = null
    connection.onicecandidate = connection.oniceconnectionstatechange = null
    channel.close()
    connection.close()
    needs.onEnd(how, isOpen)
  }

  if (isOfferer) negotiate(() => offer())

  return {
    isReplacedBy: (json) => farSession !== undefined && sessionOf(json) !== farSession,
    receiveSignal(kind, json) {
      if (kind === 'restart') return isOfferer ? restart() : undefined
      if (kind === 'description') farSession ??= sessionOf(json)
      const init = parse(json)
      if (kind === 'description' && isJsonObject(init))
        negotiate(() => receiveDescription(init as unknown as RTCSessionDescriptionInit))
      else if (kind !== 'description' && Array.isArray(init) && init.length <= MAX_CANDIDATES)
        for (const candidate of init.slice(0, MAX_FAR_CANDIDATES - farCandidates)) {
          farCandidates += 1
          negotiate(() => receiveCandidate(candidate as RTCIceCandidateInit))
        }
      else giveUp()
    },
    restart,
    close: giveUp,
  }
}

/**
 * The id that a connection keeps in all its descriptions (RFC 8829 section 5.2.1). [T32] Names and numbers have a longest length:
 * without one, a description of nothing but `o=` takes time by the square of its length.
 */
const sessionOf = (json: string): string | undefined => /o=\S{1,64} (\d{1,20}) /.exec(json)?.[1]

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The far end's fault; it costs it this connection.
    return undefined
  }
}
