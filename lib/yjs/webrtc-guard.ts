/**
 * The connections of one y-webrtc room: how many there may be, which of them goes when there are too many, and when the
 * room is announced again. A stranger's announcements can fill the places of connections that are still opening, and
 * they give way to real ones; a connection that works is never pushed out (threat T18).
 */
import type { CancelTimer } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import { createTokenBucket } from '../base/token-bucket.ts'
import type { AwarenessPort } from './awareness-port.ts'
import type { CarrierContext } from './carrier.ts'
import type { DocumentSync } from './document-sync.ts'
import { guardedMap } from './guarded-map.ts'
import type { SignalingData } from './signaling-message.ts'
import type { StockConn, StockRoom } from './stock.ts'
import { BEGIN_RATE, MAX_HALF_OPEN_CONNECTIONS, MAX_OPEN_CONNECTIONS } from './timing.ts'
import { createLink, type Link } from './webrtc-link.ts'

/** Announcing reaches the whole room: closings are gathered for so long, and doubled with each connection that failed. */
const ANNOUNCE_MS = 1_000
const LONGEST_ANNOUNCE_MS = 60_000

export interface GuardNeeds {
  readonly context: CarrierContext
  readonly room: StockRoom
  readonly port: AwarenessPort
  readonly syncDocument: DocumentSync
}

export interface WebrtcGuard {
  /** Whether a checked signaling message is to be handed to y-webrtc now. */
  admits(data: SignalingData): boolean
  /** It was: a description shows that somebody is there. */
  delivered(data: SignalingData): void
  links(): Link[]
  stop(): void
}

export function createWebrtcGuard({ context, room, port, syncDocument }: GuardNeeds): WebrtcGuard {
  const { clock, rejects } = context
  const links = new Map<string, Link>()
  const begins = createTokenBucket(BEGIN_RATE, () => clock.moment().steadyMs)
  let announce = (): void => undefined
  let cancelAnnounce: CancelTimer | undefined
  let failures = 0
  let isStopped = false

  const live = (): Link[] => [...links.values()].filter((link) => !link.isEnding())
  const open = (): Link[] => live().filter((link) => link.isOpen())
  const halfOpen = (): Link[] => live().filter((link) => !link.isOpen())

  guardedMap(room.webrtcConns, adopt)

  function adopt(peerId: string, conn: StockConn): void {
    // y-webrtc's own listener for errors does nothing but announce the room again.
    const [stockError] = conn.peer.listeners('error')
    announce = () => stockError?.(undefined)
    const hasRoom = makeRoom()
    const link = createLink({
      context,
      conn,
      peerId,
      port,
      syncDocument,
      origin: room,
      isTaken: (clientId) => askHolder(clientId),
      onOpen: opened,
      onReleased: askTheRefused,
      onEnd: (ended, how) => forget(ended, conn, how),
    })
    links.set(peerId, link)
    if (!hasRoom) link.end()
  }

  /** [T18] Room for one more that is opening: the oldest that nobody answered goes first, then the oldest that is late. */
  function makeRoom(): boolean {
    if (open().length >= MAX_OPEN_CONNECTIONS) return false
    const opening = halfOpen()
    if (opening.length < MAX_HALF_OPEN_CONNECTIONS) return true
    const oldest = opening.find((link) => !link.wasAnswered) ?? opening.find((link) => link.isLate())
    oldest?.end()
    return oldest !== undefined
  }

  /** A second connection for a client is refused; the first one has to show that it is alive. */
  function askHolder(clientId: ClientId): boolean {
    const holder = live().find((link) => link.clientId() === clientId)
    holder?.probe()
    return holder !== undefined
  }

  /** Whoever was refused since another connection spoke for the same client may speak now. */
  function askTheRefused(): void {
    for (const link of open()) if (link.clientId() === undefined) link.query()
  }

  function opened(link: Link): void {
    failures = 0
    if (open().length > MAX_OPEN_CONNECTIONS) link.end()
  }

  function forget(ended: Link, conn: StockConn, how: { wasOpen: boolean; didExpire: boolean }): void {
    const gaveWay = links.get(ended.peerId) !== ended
    if (room.webrtcConns.get(ended.peerId) === conn) room.webrtcConns.delete(ended.peerId)
    if (isStopped || gaveWay) return
    links.delete(ended.peerId)
    const clientId = ended.clientId()
    if (clientId !== undefined) {
      context.onSuspect(clientId)
      askTheRefused()
    }
    if (how.wasOpen) announceSoon(0)
    else if (how.didExpire || ended.wasAnswered) announceSoon(ANNOUNCE_MS * 2 ** ++failures)
  }

  function announceSoon(delayMs: number): void {
    cancelAnnounce ??= clock.setTimer(
      () => {
        cancelAnnounce = undefined
        announce()
      },
      Math.min(Math.max(delayMs, ANNOUNCE_MS), LONGEST_ANNOUNCE_MS),
    )
  }

  /**
   * [Y27] Both sides called at once: the offer with the lower token gives way, as y-webrtc has it. But there it would be
   * taken on a connection that made an offer itself, which opens and then hears nothing; so that one goes first.
   */
  function giveWay(known: Link, token: number): boolean {
    const ownToken = room.webrtcConns.get(known.peerId)?.glareToken
    if (ownToken !== undefined && ownToken > token) return false
    links.delete(known.peerId)
    room.webrtcConns.delete(known.peerId)
    known.end()
    return true
  }

  /** Whether somebody may have us begin one more connection, or one more answer. */
  function mayBegin(): boolean {
    if (begins.take(1)) return true
    rejects.count('too-often')
    return false
  }

  function admitsSignal({ from, to, token, signal }: Extract<SignalingData, { type: 'signal' }>): boolean {
    if (to !== room.peerId) return false
    const known = links.get(from)
    if (known === undefined) {
      if (signal.type === 'answer') rejects.count('signaling-refused')
      return signal.type === 'offer' && open().length < MAX_OPEN_CONNECTIONS && mayBegin()
    }
    // [T18] Nothing that is signaled touches a connection that works; but whoever offers anew may have lost it.
    if (known.isOpen() && signal.type === 'offer') known.probe()
    if (known.isOpen() || known.isEnding()) return false
    if (signal.type === 'offer' && !mayBegin()) return false
    if (signal.type === 'offer' && known.isInitiator) return !known.wasAnswered && giveWay(known, token)
    if (signal.type !== 'answer' || (known.isInitiator && !known.wasAnswered)) return true
    rejects.count('signaling-refused')
    return false
  }

  return {
    admits(data) {
      if (isStopped || data.from === room.peerId) return false
      if (data.type === 'signal') return admitsSignal(data)
      return !links.has(data.from) && open().length < MAX_OPEN_CONNECTIONS && mayBegin()
    },
    delivered(data) {
      const link = links.get(data.from)
      if (link !== undefined && data.type === 'signal' && data.signal.type !== 'candidate') link.wasAnswered = true
    },
    links: live,
    stop() {
      isStopped = true
      cancelAnnounce?.()
      for (const link of links.values()) link.stop()
    },
  }
}
