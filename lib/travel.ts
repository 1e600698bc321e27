/**
 * How the channels of one Realtime travel: over links of our own, or over the stock Yjs providers. Holds what they share:
 * the identity, the secret's key and one client per server. Both transports are under one contract.
 */
import type { Doc } from 'yjs'
import type { Clock } from './base/clock.ts'
import type { RandomBytes } from './base/random.ts'
import type { Crypto } from './identity/crypto.ts'
import type { Identity } from './identity/identity.ts'
import { deriveSecretKey } from './identity/secret-key.ts'
import { topicOf } from './identity/topic.ts'
import type { CreatePeerConnection } from './links/direct-carrier.ts'
import type { BroadcastChannelClass } from './links/tab-meeting.ts'
import { createLinksTransport } from './links/transport.ts'
import type { Settings } from './options.ts'
import { createSignalingClient, type SignalingClient } from './signaling/signaling-client.ts'
import type { Platform } from './signaling/system.ts'
import { createRejectCounter } from './wire/result.ts'
import type { Transport, TransportNeeds } from './wire/transport.ts'
import { createYjsTransport, type YjsTransportNeeds } from './yjs/transport.ts'

/** Which ways are open beside WebRTC; all of them but in tests. */
export interface Ways {
  readonly tabs: boolean
  readonly relay: boolean
}

export interface TravelNeeds {
  readonly settings: Settings
  readonly identity: Identity
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: RandomBytes
  readonly ways: Ways
  readonly loadYWebrtc?: YjsTransportNeeds['loadYWebrtc']
  /** Sockets and channels of a simulator; the platform's own where they are left out. */
  readonly platform?: Platform
  readonly BroadcastChannelClass?: BroadcastChannelClass
}

export interface Travel {
  createTransport(channel: string, needs: TransportNeeds, doc: Doc | undefined): Transport
  /** Ends what the channels shared. */
  stop(): Promise<void>
}

export const createTravel = (needs: TravelNeeds): Travel =>
  needs.settings.transport === 'yjs' ? createYjsTravel(needs) : createLinksTravel(needs)

function createYjsTravel({ settings, random, ways, loadYWebrtc }: TravelNeeds): Travel {
  const { app, servers, secret, iceServers, webrtc } = settings
  return {
    createTransport: (channel, needs, doc) =>
      createYjsTransport({
        ...needs,
        ...ways,
        // No channel's name holds a colon, so no app can be mistaken for a part of one.
        room: app === undefined || app === '' ? channel : `${app}:${channel}`,
        servers,
        iceServers,
        webrtc,
        random,
        ...(secret === undefined ? {} : { secret }),
        ...(doc === undefined ? {} : { doc }),
        ...(loadYWebrtc === undefined ? {} : { loadYWebrtc }),
      }),
    stop: async () => undefined,
  }
}

function createLinksTravel(given: TravelNeeds): Travel {
  const { settings, identity, crypto, clock, random, ways, platform, BroadcastChannelClass } = given
  const { app = '', servers, secret, iceServers } = settings
  const createPeerConnection = peerConnectionsOf(settings)
  const clients = new Map<string, SignalingClient>()
  const listeners = new Set<() => void>()
  let secretKey: Promise<Uint8Array> | undefined

  const findClients = () =>
    servers.map((url) => {
      const client =
        clients.get(url) ??
        createSignalingClient({
          url,
          identity,
          clock,
          random,
          rejects: createRejectCounter(),
          ...(platform === undefined ? {} : { platform }),
          onStatus() {
            for (const listener of listeners) listener()
          },
        })
      clients.set(url, client)
      return client
    })

  async function secretsOf(channel: string): Promise<{ topic: Uint8Array; secretKey?: Uint8Array }> {
    if (secret === undefined) return { topic: topicOf({ crypto, app, channel }) }
    secretKey ??= deriveSecretKey({ secret, app, crypto, warn: (text) => console.warn(text) })
    const key = await secretKey
    return { topic: topicOf({ crypto, app, channel, secretKey: key }), secretKey: key }
  }

  return {
    createTransport: (channel, needs, doc) =>
      createLinksTransport({
        ...needs,
        ...ways,
        identity,
        crypto,
        random,
        secrets: secretsOf(channel),
        servers: findClients(),
        createPeerConnection,
        iceServers,
        ...(BroadcastChannelClass === undefined ? {} : { BroadcastChannelClass }),
        ...(doc === undefined ? {} : { doc }),
      }),
    async stop() {
      await Promise.all([...clients.values()].map((client) => client.stop()))
    },
  }
}

/** The page's WebRTC, an injected one, or none. */
function peerConnectionsOf({ webrtc }: Settings): CreatePeerConnection | undefined {
  if (webrtc === false) return undefined
  const implementation = (webrtc?.RTCPeerConnection ?? globalThis.RTCPeerConnection) as
    | typeof RTCPeerConnection
    | undefined
  return implementation === undefined ? undefined : (configuration) => new implementation(configuration)
}
