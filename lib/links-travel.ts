/**
 * How the channels of one Realtime travel over links of our own. Holds what they share: the identity, the secret's key and
 * one client per server.
 */
import type { Crypto } from './identity/crypto.ts'
import { createIdentity } from './identity/identity.ts'
import { deriveSecretKey } from './identity/secret-key.ts'
import { topicOf } from './identity/topic.ts'
import type { CreatePeerConnection } from './links/direct-carrier.ts'
import type { BroadcastChannelClass } from './links/tab-meeting.ts'
import { createLinksTransport } from './links/transport.ts'
import type { Settings } from './options.ts'
import { createSignalingClient, type SignalingClient } from './signaling/signaling-client.ts'
import { type Platform, systemPlatform } from './signaling/system.ts'
import type { Travel, TravelNeeds } from './travel.ts'
import { createRejectCounter } from './wire/result.ts'

export interface LinksTravelNeeds extends TravelNeeds {
  readonly crypto: Crypto
  /** Sockets and channels of a simulator; the platform's own where they are left out. */
  readonly platform?: Platform
  readonly BroadcastChannelClass?: BroadcastChannelClass
}

export function createLinksTravel(given: LinksTravelNeeds): Travel {
  const identity = createIdentity(given.crypto)
  const { settings, crypto, clock, page, random, ways, platform = systemPlatform, BroadcastChannelClass } = given
  const { app = '', servers, secret, iceServers } = settings
  const createPeerConnection = peerConnectionsOf(settings)
  const clients = new Map<string, SignalingClient>()
  /** Each channel hears of every change of a server's state. */
  const listeners = new Set<() => void>()
  /** The last membership of each channel that has ended or is about to. */
  const endings = new Map<string, Promise<unknown>>()
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
          platform,
          onStatus() {
            for (const listener of listeners) listener()
          },
        })
      clients.set(url, client)
      return client
    })

  /** A former membership has one more goodbye to say under our id: the next one is silent until then. */
  async function secretsOf(channel: string): Promise<{ topic: Uint8Array; secretKey?: Uint8Array | undefined }> {
    await endings.get(channel)
    if (secret !== undefined) secretKey ??= deriveSecretKey({ secret, app, crypto, warn })
    const key = await secretKey
    return { topic: topicOf({ crypto, app, channel, secretKey: key }), secretKey: key }
  }

  return {
    connectionId: identity.connectionId,
    createTransport(channel, needs, doc) {
      const transport = createLinksTransport({
        ...needs,
        ...ways,
        identity,
        crypto,
        random,
        page,
        warn,
        secrets: secretsOf(channel),
        servers: findClients(),
        createPeerConnection,
        onOnline: platform.onOnline,
        iceServers,
        BroadcastChannelClass,
        doc,
      })
      listeners.add(needs.onStatus)
      return {
        ...transport,
        stop(options) {
          listeners.delete(needs.onStatus)
          const ending = transport.stop(options)
          // One that never began ends at once, while the one before it may still have its goodbye to say.
          endings.set(
            channel,
            Promise.all([endings.get(channel), ending]).then(() => undefined),
          )
          return ending
        },
      }
    },
    async stop() {
      await Promise.all([...clients.values()].map((client) => client.stop()))
    },
  }
}

const warn = (text: string): void => console.warn(text)

/** The page's WebRTC, an injected one, or none. */
function peerConnectionsOf({ webrtc }: Settings): CreatePeerConnection | undefined {
  if (webrtc === false) return undefined
  const implementation = (webrtc?.RTCPeerConnection ?? globalThis.RTCPeerConnection) as
    | typeof RTCPeerConnection
    | undefined
  return implementation === undefined ? undefined : (configuration) => new implementation(configuration)
}
