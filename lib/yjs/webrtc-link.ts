/**
 * One y-webrtc connection under guard: how long it may take, whether it still lives, and how much it may owe. Every frame
 * is read here before anything else sees it. Knows its own connection; who else is connected, the guard knows.
 */
import type { CancelTimer } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import { encodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { decodeFrame, encodeAwarenessFrame, type Frame, QUERY_FRAME } from '../wire/frame.ts'
import { MAX_FRAME_BYTES } from '../wire/limits.ts'
import type { Path } from '../wire/transport.ts'
import type { AwarenessPort } from './awareness-port.ts'
import type { CarrierContext } from './carrier.ts'
import type { DocumentSync } from './document-sync.ts'
import { createLinkBinding } from './link-binding.ts'
import { createSignOfLife, type SignOfLife } from './sign-of-life.ts'
import type { StockConn, StockPeer } from './stock.ts'
import {
  BACKLOG_CHECK_MS,
  DEAF_MS,
  DISCONNECTED_MS,
  HALF_OPEN_MS,
  MAX_BACKLOG_BYTES,
  MAX_CHANNEL_MESSAGE_BYTES,
  PLACE_MS,
  PROBE_MS,
} from './timing.ts'

export interface LinkNeeds {
  readonly context: CarrierContext
  readonly conn: StockConn
  readonly peerId: string
  readonly port: AwarenessPort
  readonly syncDocument: DocumentSync
  /** The origin of document updates from here: y-webrtc's room. */
  readonly origin: unknown
  /** Whether a live connection speaks for the client already. */
  isTaken(clientId: ClientId): boolean
  onOpen(link: Link): void
  /** It speaks for another client than it seemed to at first. */
  onReleased(): void
  /** The connection is over; told once. `wasOpen`: it had worked. */
  onEnd(link: Link, how: { readonly wasOpen: boolean; readonly didExpire: boolean }): void
}

export interface Link {
  readonly peerId: string
  readonly isInitiator: boolean
  /** A description of the far end came: somebody is there. */
  wasAnswered: boolean
  /** Whether it is opening for longer than one that works takes. */
  isLate(): boolean
  isOpen(): boolean
  /** Ended, or about to: counts for nothing any more. */
  isEnding(): boolean
  clientId(): ClientId | undefined
  path(): Path | undefined
  backlogBytes(): number
  /** Sends a frame of kind `message`, if the far end is ours. */
  sendMessage(frame: Uint8Array): void
  /** Asks for the far end's awareness. */
  query(): void
  /** Asks, and ends the connection if nothing at all comes back within `PROBE_MS`. */
  probe(): void
  end(): void
  /** Stops the timers: the transport ends. */
  stop(): void
}

export function createLink(needs: LinkNeeds): Link {
  const { conn, context, peerId, port } = needs
  const { peer } = conn
  const { clock, rejects } = context
  const binding = createLinkBinding({ ...needs, onReleased: () => needs.onReleased() })
  const begunAtMs = clock.moment().steadyMs
  let isOpen = false
  let isEnding = false
  let didExpire = false
  let framesHeard = 0
  let cancelDrain: CancelTimer | undefined
  const life = { clock, heardCount: () => framesHeard, ask: () => query(), onSilence: () => end() }
  const probe = createSignOfLife({ ...life, waitMs: PROBE_MS })
  const doubt = createSignOfLife({ ...life, waitMs: DISCONNECTED_MS })
  let cancelPatience = clock.setTimer(expire, HALF_OPEN_MS)

  forgiveCandidates(peer._pc)
  const stockSend = peer.send.bind(peer)
  peer.send = send
  peer.removeAllListeners('data')
  peer.removeAllListeners('close')
  peer.removeAllListeners('error')
  // What opens a path is said with a fresh clock: a stock peer that once timed us out would not see the old one. This
  // runs before y-webrtc's own listener, which sends it.
  peer.prependListener('connect', () => {
    const entry = context.refreshedEntry()
    if (entry !== undefined) port.hold(entry)
  })
  peer.on('connect', () => {
    cancelPatience()
    cancelPatience = clock.setTimer(() => framesHeard === 0 && expire(), DEAF_MS)
    isOpen = true
    needs.onOpen(link)
  })
  peer.on('data', receive)
  peer.on('iceStateChange', (state) => {
    if (state === 'disconnected') demand(doubt)
    else if (state === 'connected' || state === 'completed') doubt.cancel()
  })
  peer.on('close', closed)
  // An error is followed by `close`; without a listener it would be thrown.
  peer.on('error', () => undefined)

  /** [Y22] A far end that does not read gets the latest entry only, and is cut off where that does not help. */
  function send(bytes: Uint8Array) {
    // A document may be larger than a channel takes: it goes by the relay then, and the channel lives.
    if (bytes.length > MAX_CHANNEL_MESSAGE_BYTES) return
    if (peer.bufferSize <= MAX_BACKLOG_BYTES || port.entry() === undefined) return stockSend(bytes)
    const frame = decodeFrame(bytes)
    if (frame.ok && frame.value.kind === 'awareness') cancelDrain ??= clock.setTimer(drain, BACKLOG_CHECK_MS)
    else if (peer.bufferSize <= MAX_FRAME_BYTES) stockSend(bytes)
    else end()
  }

  function drain(): void {
    cancelDrain = undefined
    if (isOpen) sayOwnEntry()
  }

  function sayOwnEntry(): void {
    const entry = port.entry()
    if (entry !== undefined) trySend(encodeAwarenessFrame(encodeAwarenessUpdate(entry)))
  }

  function trySend(bytes: Uint8Array): void {
    try {
      // What comes before our own `connect` is answered too: the channel carries, simple-peer is only late to say so.
      if (!isEnding) send(bytes)
    } catch {
      // The channel is not open yet, or closing, and says so only by throwing; its events come on their own.
      isOpen = false
    }
  }

  function receive(data: unknown) {
    if (isEnding) return
    framesHeard++
    context.onTraffic()
    const frame = data instanceof Uint8Array ? decodeFrame(data) : undefined
    if (frame?.ok) acceptFrame(frame.value)
    else rejects.count(frame === undefined ? 'malformed' : frame.reason)
  }

  function acceptFrame(frame: Frame) {
    switch (frame.kind) {
      case 'awareness':
        return binding.acceptUpdate(frame.update)
      case 'query':
        return sayOwnEntry()
      case 'sync': {
        // y-webrtc's first word on a connection; step 0 of the encoding is step 1 of the protocol.
        if (frame.step === 0) binding.greet()
        const { reply, isSynced = false } = needs.syncDocument(frame.step, frame.payload, needs.origin)
        if (reply !== undefined) trySend(reply)
        if (isSynced) conn.synced = true
        return
      }
      case 'message':
        return binding.acceptMessage(frame)
      case 'ended':
        return rejects.count('not-owner')
    }
  }

  const query = (): void => trySend(QUERY_FRAME)

  const demand = (life: SignOfLife): void => {
    if (isOpen && !isEnding) life.demand()
  }

  function expire(): void {
    didExpire = true
    end()
  }

  function end(): void {
    isEnding = true
    conn.peer.destroy()
  }

  function stop(): void {
    cancelPatience()
    probe.cancel()
    doubt.cancel()
    cancelDrain?.()
    if (peer._iceCompleteTimer !== null) clearTimeout(peer._iceCompleteTimer)
  }

  function closed(): void {
    const wasOpen = conn.connected
    isEnding = true
    isOpen = false
    conn.connected = false
    conn.closed = true
    stop()
    binding.close()
    needs.onEnd(link, { wasOpen, didExpire })
  }

  const link: Link = {
    peerId,
    isInitiator: peer.initiator,
    wasAnswered: false,
    isLate: () => !isOpen && clock.moment().steadyMs - begunAtMs >= PLACE_MS,
    isOpen: () => isOpen,
    isEnding: () => isEnding,
    clientId: binding.clientId,
    path: binding.path,
    backlogBytes: () => (isOpen ? peer.bufferSize : 0),
    sendMessage(frame) {
      if (binding.isOurs()) trySend(frame)
    },
    query,
    probe: () => demand(probe),
    end,
    stop,
  }
  return link
}

/** A candidate that cannot be used is no reason to end a connection, nor to print, which is what simple-peer does. */
function forgiveCandidates(connection: StockPeer['_pc']): void {
  if (connection === null) return
  const add = connection.addIceCandidate.bind(connection)
  connection.addIceCandidate = (candidate) => add(candidate).catch(() => undefined)
}
