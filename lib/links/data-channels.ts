/**
 * Which links have a data channel: raises one for each pair that agreed on keys, up to a cap, and tries again where it came to
 * nothing or ended. The lower connectionId offers. Who has no place says so, and says it when it has one again: nobody holds a
 * place for an offer that is not answered. How one connection is made, direct-carrier.ts knows.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import { createTokenBucket, type TokenBucket } from '../base/token-bucket.ts'
import { encodeSignal, type SignalKind } from '../wire/link-frame.ts'
import type { CarrierEnd } from './carrier.ts'
import { type CreatePeerConnection, createDirectConnection, DIRECT, type DirectConnection } from './direct-carrier.ts'
import type { Link } from './link.ts'

/** Data channels of one channel; members beyond are served by the relay. */
export const MAX_DIRECT = 24
/** After a data channel failed, the next try: doubled each time, up to a minute. */
const RETRY_MS = 4_000
const LONGEST_RETRY_MS = 60_000
/**
 * After the far end had no place, where it says nothing more: a word of its may be lost, or its program be another one. Doubled
 * each time, up to a quarter of an hour: a full room has hundreds of such pairs.
 */
const FULL_RETRY_MS = 60_000
const LONGEST_FULL_RETRY_MS = 960_000
/** A place is left for so long to the one who has just lost it. A far end that had none cannot make us offer more often. */
const VACANT_MS = 1_000
/** A new try of ICE is said again after this, doubled each time, up to a minute. */
const MEND_AGAIN_MS = 2_000
/**
 * [T34] Connections, and new tries of theirs, that a far end may have us begin: an honest one asks again 2 s later, or at once
 * where one was open.
 */
const OFFERS = { perSecond: 0.5, burst: 4 }

export interface DataChannelsNeeds {
  readonly clock: Clock
  readonly own: ConnectionId
  readonly createPeerConnection: CreatePeerConnection | undefined
  readonly iceServers: readonly RTCIceServer[]
  /** Data channels at most; `MAX_DIRECT` where it is left out. */
  readonly maxDirect?: number
  /** The data channel of a link has ended, or came to nothing. */
  onEnd(link: Link, how: CarrierEnd): void
}

export interface DataChannels {
  /** The link has new keys. Whether a data channel carries it, or is on its way. */
  renew(link: Link): boolean
  /** The link is in reach again: a try came while no signal could go. */
  resume(link: Link): void
  receiveSignal(link: Link, kind: SignalKind, json: string): void
  /** One beat: where a link is heard, and not by its data channel, only a new try of ICE finds the way. */
  mend(link: Link): void
  /** The far end that it was raised with is no more; a new one may come. */
  replace(link: Link): void
  /** The link is no more. */
  end(link: Link): void
}

interface Pair {
  connection: DirectConnection | undefined
  raisedAtMs: number
  failures: number
  /** How often in a row the far end had no place for us. */
  refusals: number
  cancelRetry: CancelTimer | undefined
  /** We had no place for it: it hears from us when there is one. */
  isWaiting: boolean
  /** How often it may have us answer an offer, or make one. */
  readonly offers: TokenBucket
  /** When the next new try of ICE may be, and how much later the one after it. */
  mend: { readonly atMs: number; readonly againMs: number } | undefined
}

const createPair = (now: () => number): Pair => ({
  connection: undefined,
  raisedAtMs: Number.NEGATIVE_INFINITY,
  failures: 0,
  refusals: 0,
  cancelRetry: undefined,
  isWaiting: false,
  offers: createTokenBucket(OFFERS, now),
  mend: undefined,
})

const hasChannel = (link: Link): boolean => link.carriers().some(({ kind }) => kind === 'direct')
/** Whether a signal may arrive: a server that only introduces carries it too. */
const canSignal = (link: Link): boolean => link.isReachable() || link.carriers()[0]?.isIntroduction === true

export function createDataChannels(needs: DataChannelsNeeds): DataChannels {
  const { clock, createPeerConnection, iceServers, maxDirect = MAX_DIRECT, own } = needs
  const pairs = new Map<Link, Pair>()
  let cancelFill: CancelTimer | undefined
  let fillDueMs = Number.POSITIVE_INFINITY

  const isOfferer = (link: Link): boolean => own < link.peer
  const count = (): number => [...pairs.values()].filter(({ connection }) => connection !== undefined).length
  const find = (link: Link): Pair => {
    const pair = pairs.get(link) ?? createPair(() => clock.moment().steadyMs)
    pairs.set(link, pair)
    return pair
  }
  const say = (link: Link, kind: 'vacant' | 'full'): void => link.sendSignal(encodeSignal(kind, ''))

  function raise(link: Link): void {
    const pair = find(link)
    if (createPeerConnection === undefined || pair.connection !== undefined) return
    cancelTry(pair)
    pair.isWaiting = count() >= maxDirect
    if (pair.isWaiting) return
    pair.raisedAtMs = clock.moment().steadyMs
    try {
      pair.connection = connect(link, pair, createPeerConnection)
    } catch {
      // [T34] The platform makes no more of them: it came to nothing, like any other.
      retry(link, pair, false)
    }
  }

  function connect(link: Link, pair: Pair, createPeerConnection: CreatePeerConnection): DirectConnection {
    const connection = createDirectConnection({
      createPeerConnection,
      iceServers,
      isOfferer: isOfferer(link),
      clock,
      sendSignal: (kind, json) => link.sendSignal(encodeSignal(kind, json)),
      onOpen(carrier) {
        pair.failures = 0
        pair.refusals = 0
        link.addCarrier(carrier)
      },
      onData: (bytes) => link.receive(DIRECT, bytes),
      // [L58]
      onDoubt: () => link.liveness().ask(link.carriers()),
      onEnd(how, wasOpen) {
        if (pair.connection === connection) pair.connection = undefined
        vacate(VACANT_MS)
        if (pairs.get(link) !== pair) return
        retry(link, pair, wasOpen)
        needs.onEnd(link, how)
      },
    })
    return connection
  }

  function retry(link: Link, pair: Pair, wasOpen: boolean): void {
    if (!isOfferer(link)) return
    tryAgain(link, pair, wasOpen ? 0 : Math.min(RETRY_MS * 2 ** pair.failures++, LONGEST_RETRY_MS))
  }

  function tryAgain(link: Link, pair: Pair, delayMs: number): void {
    cancelTry(pair)
    pair.cancelRetry = clock.setTimer(() => {
      pair.cancelRetry = undefined
      if (canSignal(link)) raise(link)
    }, delayMs)
  }

  function cancelTry(pair: Pair): void {
    pair.cancelRetry?.()
    pair.cancelRetry = undefined
  }

  /** The far end has no place for us: ours is for another, and it says when it has one. */
  function refused(link: Link, pair: Pair): void {
    if (hasChannel(link)) return
    const { failures } = pair
    pair.connection?.close()
    pair.failures = failures
    if (isOfferer(link)) tryAgain(link, pair, Math.min(FULL_RETRY_MS * 2 ** pair.refusals++, LONGEST_FULL_RETRY_MS))
    vacate(0)
  }

  /** The far end had no place for us, and has one. */
  function invited(link: Link, pair: Pair): void {
    if (!isOfferer(link) || pair.connection !== undefined || pair.refusals === 0) return
    tryAgain(link, pair, Math.max(0, pair.raisedAtMs + VACANT_MS - clock.moment().steadyMs))
  }

  /** There may be a place, so soon, for those that wait for one. */
  function vacate(delayMs: number): void {
    const dueMs = clock.moment().steadyMs + delayMs
    const isAwaited = [...pairs.values()].some(({ isWaiting }) => isWaiting)
    if (isAwaited && dueMs >= fillDueMs) return
    cancelFill?.()
    cancelFill = isAwaited ? clock.setTimer(fill, delayMs) : undefined
    fillDueMs = isAwaited ? dueMs : Number.POSITIVE_INFINITY
  }

  /** Those that wait come in turn. Who does not, since it has no place itself by now, leaves its place to the next. */
  function fill(): void {
    cancelFill = undefined
    fillDueMs = Number.POSITIVE_INFINITY
    let places = maxDirect - count()
    for (const [link, pair] of pairs) {
      if (places <= 0) break
      if (!pair.isWaiting || !canSignal(link)) continue
      places -= 1
      pair.isWaiting = false
      if (isOfferer(link)) raise(link)
      else say(link, 'vacant')
    }
    if (count() < maxDirect) vacate(RETRY_MS)
  }

  return {
    /**
     * A data channel that is open goes on under new keys: whoever stands between the two can ask for new ones at any time.
     * One that never opened may have lost its signals with the old keys.
     */
    renew(link) {
      if (hasChannel(link)) return true
      const pair = find(link)
      pair.connection?.close()
      raise(link)
      // Who is to be offered to holds a place for it.
      if (pair.isWaiting && isOfferer(link)) say(link, 'full')
      return pair.connection !== undefined
    },
    resume(link) {
      const { cancelRetry, isWaiting, refusals } = find(link)
      // What was said meanwhile is lost: that there is a place as well.
      if (isOfferer(link) && (cancelRetry === undefined || refusals > 0)) raise(link)
      else if (isWaiting) vacate(VACANT_MS)
    },
    receiveSignal(link, kind, json) {
      const pair = find(link)
      if (kind === 'full') return refused(link, pair)
      if (kind === 'vacant') return invited(link, pair)
      // An offer of somebody whose connection has ended, there or here, begins a new one.
      const isOffer = kind === 'description' && !isOfferer(link)
      const isNew = isOffer && pair.connection?.isReplacedBy(json) !== false
      if ((isOffer || kind === 'restart') && !pair.offers.take(1)) return
      if (isNew) pair.connection?.close()
      if (isOffer && pair.connection === undefined) raise(link)
      if (isOffer && pair.connection === undefined) return say(link, 'full')
      pair.connection?.receiveSignal(kind, json)
    },
    mend(link) {
      const pair = pairs.get(link)
      const liveness = link.liveness()
      if (pair?.connection === undefined) return
      if (!liveness.isSuspect(DIRECT)) pair.mend = undefined
      if (!liveness.isOutdone(DIRECT)) return
      const nowMs = clock.moment().steadyMs
      const { atMs, againMs } = pair.mend ?? { atMs: nowMs, againMs: MEND_AGAIN_MS }
      if (nowMs < atMs) return
      pair.mend = { atMs: nowMs + againMs, againMs: Math.min(2 * againMs, LONGEST_RETRY_MS) }
      pair.connection.restart()
    },
    replace: (link) => pairs.get(link)?.connection?.close(),
    end(link) {
      const pair = pairs.get(link)
      if (pair === undefined || !pairs.delete(link)) return
      cancelTry(pair)
      pair.connection?.close()
      vacate(VACANT_MS)
    },
  }
}
