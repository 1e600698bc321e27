/**
 * Which links have a data channel: raises one for each pair that agreed on keys, up to a cap, and tries again where it came to
 * nothing or ended. The lower connectionId offers. How one connection is made, direct-carrier.ts knows.
 */
import type { CancelTimer, Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import { encodeSignal, type SignalKind } from '../wire/link-frame.ts'
import type { CarrierEnd } from './carrier.ts'
import { type CreatePeerConnection, createDirectConnection, type DirectConnection } from './direct-carrier.ts'
import type { Link } from './link.ts'

/** Data channels of one channel; members beyond are served by the relay. */
export const MAX_DIRECT = 24
/** After a data channel failed, the next try: doubled each time, up to a minute. */
const RETRY_MS = 4_000
const LONGEST_RETRY_MS = 60_000

export interface DataChannelsNeeds {
  readonly clock: Clock
  readonly own: ConnectionId
  readonly createPeerConnection: CreatePeerConnection | undefined
  readonly iceServers: readonly RTCIceServer[]
  /** The data channel of a link has ended, or came to nothing. */
  onEnd(link: Link, how: CarrierEnd): void
}

export interface DataChannels {
  /** The link has new keys. Whether a data channel carries it, or is on its way. */
  renew(link: Link): boolean
  /** The link is in reach again: a try came while no signal could go. */
  resume(link: Link): void
  receiveSignal(link: Link, kind: SignalKind, json: string): void
  /** The far end that it was raised with is no more; a new one may come. */
  replace(link: Link): void
  /** The link is no more. */
  end(link: Link): void
}

interface Pair {
  connection: DirectConnection | undefined
  failures: number
  cancelRetry: CancelTimer | undefined
}

export function createDataChannels(needs: DataChannelsNeeds): DataChannels {
  const { clock, createPeerConnection, iceServers, own } = needs
  const pairs = new Map<Link, Pair>()

  const isOfferer = (link: Link): boolean => own < link.peer
  const count = (): number => [...pairs.values()].filter(({ connection }) => connection !== undefined).length
  const find = (link: Link): Pair => {
    const pair = pairs.get(link) ?? { connection: undefined, failures: 0, cancelRetry: undefined }
    pairs.set(link, pair)
    return pair
  }

  function raise(link: Link): void {
    const pair = find(link)
    if (createPeerConnection === undefined || pair.connection !== undefined || count() >= MAX_DIRECT) return
    pair.cancelRetry?.()
    pair.cancelRetry = undefined
    const connection = createDirectConnection({
      createPeerConnection,
      iceServers,
      isOfferer: isOfferer(link),
      clock,
      sendSignal: (kind, json) => link.sendSignal(encodeSignal(kind, json)),
      onOpen(carrier) {
        pair.failures = 0
        link.addCarrier(carrier)
      },
      onData: (bytes) => link.receive('direct', bytes),
      onEnd(how, wasOpen) {
        if (pair.connection === connection) pair.connection = undefined
        if (pairs.get(link) !== pair) return
        if (isOfferer(link)) retry(link, pair, wasOpen)
        needs.onEnd(link, how)
      },
    })
    pair.connection = connection
  }

  function retry(link: Link, pair: Pair, wasOpen: boolean): void {
    const delayMs = wasOpen ? 0 : Math.min(RETRY_MS * 2 ** pair.failures++, LONGEST_RETRY_MS)
    pair.cancelRetry = clock.setTimer(() => {
      pair.cancelRetry = undefined
      if (link.isReachable()) raise(link)
    }, delayMs)
  }

  return {
    /**
     * A data channel that is open goes on under new keys: whoever stands between the two can ask for new ones at any time.
     * One that never opened may have lost its signals with the old keys.
     */
    renew(link) {
      if (link.carriers().some(({ kind }) => kind === 'direct')) return true
      find(link).connection?.close()
      raise(link)
      return find(link).connection !== undefined
    },
    resume(link) {
      if (isOfferer(link) && find(link).cancelRetry === undefined) raise(link)
    },
    receiveSignal(link, kind, json) {
      const pair = find(link)
      // An offer of somebody whose connection has ended, there or here, begins a new one.
      const isOffer = kind === 'description' && !isOfferer(link)
      if (isOffer && pair.connection?.isReplacedBy(json)) pair.connection.close()
      if (isOffer && pair.connection === undefined) raise(link)
      pair.connection?.receiveSignal(kind, json)
    },
    replace: (link) => pairs.get(link)?.connection?.close(),
    end(link) {
      const pair = pairs.get(link)
      if (pair === undefined || !pairs.delete(link)) return
      pair.cancelRetry?.()
      pair.connection?.close()
    },
  }
}
