/**
 * The ways that a member gone bad has to the far ends of her links: a server's relay, a tab's BroadcastChannel, a real data
 * channel, and a neighbour who passes on. Knows how bytes get there, no rule, and not what they say.
 */
import wrtc from '@roamhq/wrtc'
import { systemClock } from '../../lib/base/clock.ts'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createTokenBucket } from '../../lib/base/token-bucket.ts'
import type { Identity } from '../../lib/identity/identity.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createDirectConnection, type DirectNeeds } from '../../lib/links/direct-carrier.ts'
import { createSignalingClient } from '../../lib/signaling/signaling-client.ts'
import type { LinkFrame } from '../../lib/wire/link-frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { until } from '../kit/until.ts'

export type Way = 'relay' | 'tab' | 'direct' | 'via'
export const WAYS: readonly Way[] = ['relay', 'tab', 'direct', 'via']

export interface PostNeeds {
  readonly server: string
  readonly topic: Uint8Array
  readonly identity: Identity
  onBytes(from: ConnectionId, bytes: Uint8Array): void
}

/** What hands bytes to others that anybody may read: what a link says there is sealed. */
export interface Post {
  /** Whom it tells of, as a server does. */
  members(): ConnectionId[]
  isOpen(): boolean
  send(to: ConnectionId, bytes: Uint8Array): void
  stop(): Promise<void>
}

export function openRelay({ server: url, topic, identity, onBytes }: PostNeeds): Post {
  const members = new Set<ConnectionId>()
  const client = createSignalingClient({
    ...{ url, identity, clock: systemClock, random: systemRandom, rejects: createRejectCounter() },
    onStatus: () => undefined,
  })
  const handle = client.join(topic, {
    onMembers: (all) => all.forEach((member) => void members.add(member)),
    onJoined: (member) => void members.add(member),
    onLeft: (member) => void members.delete(member),
    onFrame: (from, payload) => onBytes(from, Uint8Array.from(payload)),
    onLost: () => members.clear(),
  })
  return {
    members: () => [...members],
    isOpen: () => handle.isOpen,
    send: (to, bytes) => void handle.send(to, bytes),
    stop: () => client.stop({ isImmediate: true }),
  }
}

/** What the tabs of one topic share: whoever runs a script in the page may post anything there, in any name. */
export const openTabs = (topic: Uint8Array): BroadcastChannel =>
  new BroadcastChannel(`copresence:${Buffer.from(topic).toString('base64url')}`)

export function openTab({ topic, identity, onBytes }: PostNeeds): Post {
  const own = identity.connectionId
  const tabs = openTabs(topic)
  tabs.onmessage = (event) => {
    const { data } = event as MessageEvent<unknown>
    if (!Array.isArray(data)) return
    const [from, to, bytes] = data as [ConnectionId, string, unknown]
    if (to !== own || !(bytes instanceof Uint8Array)) return
    // That it was read, or the other would say no more at some time.
    tabs.postMessage([own, from, bytes.length])
    onBytes(from, bytes)
  }
  tabs.postMessage([own, 'here'])
  return {
    members: () => [],
    isOpen: () => true,
    send: (to, bytes) => tabs.postMessage([own, to, bytes]),
    async stop() {
      tabs.postMessage([own, 'gone'])
      tabs.close()
    },
  }
}

export interface DataChannel {
  isOpen(): boolean
  send(bytes: Uint8Array): void
  receiveSignal(frame: LinkFrame & { kind: 'signal' }): void
  close(): void
}

/** A real data channel with the far end of a link, whose signals go inside the link. */
export function openDataChannel(needs: Pick<DirectNeeds, 'isOfferer' | 'sendSignal' | 'onData'>): DataChannel {
  let carrier: Carrier | undefined
  const connection = createDirectConnection({
    ...needs,
    createPeerConnection: (configuration) => new wrtc.RTCPeerConnection(configuration),
    iceServers: [],
    clock: systemClock,
    onOpen(opened) {
      carrier = opened
    },
    onDoubt: () => undefined,
    onEnd() {
      carrier = undefined
    },
  })
  return {
    isOpen: () => carrier !== undefined,
    send(bytes) {
      if (carrier === undefined) throw new Error('mallory has no data channel to it')
      carrier.send(bytes)
    },
    receiveSignal({ signal, json }) {
      if (signal !== 'full' && signal !== 'vacant') connection.receiveSignal(signal, json)
    },
    close: connection.close,
  }
}

/** An honest neighbour drops what is more (L56), and an attack that does not arrive proves nothing. */
const PASSED_ON = { perSecond: 80, burst: 200 }

/** Resolves when a neighbour passes on one frame more. */
export function createPatience(): () => Promise<unknown> {
  const bucket = createTokenBucket(PASSED_ON, () => systemClock.moment().steadyMs)
  return () => until('a neighbour to pass on more', () => bucket.take(1))
}
