/**
 * A world in which everybody is on a server of its own; one who is on all of them, and is no member itself, passes on.
 * Runs in Node and in a page; the servers are given.
 */
import { systemClock } from '../../lib/base/clock.ts'
import type { ClientId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import type { Realtime, RealtimeOptions } from '../../lib/index.ts'
import { createLinksTransport } from '../../lib/links/transport.ts'
import { createLinksTravel } from '../../lib/links-travel.ts'
import { createRealtime } from '../../lib/realtime.ts'
import { createSignalingClient } from '../../lib/signaling/signaling-client.ts'
import { maxEntryBytes } from '../../lib/wire/limits.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'

export interface ViaWorldNeeds {
  /** Addresses; each member gets the next one. */
  readonly servers: readonly string[]
  readonly channel: string
  readonly app?: string
}

export interface ViaWorld {
  createRealtime(options: RealtimeOptions): Realtime
  /** The servers go on. */
  close(): Promise<void>
}

export function createViaWorld({ servers, channel, app = '' }: ViaWorldNeeds): ViaWorld {
  const crypto = createSystemCrypto()
  const identity = createIdentity(crypto)
  const rejects = createRejectCounter()
  const parts = { identity, clock: systemClock, random: systemRandom, rejects, onStatus: () => undefined }
  const clients = servers.map((url) => createSignalingClient({ ...parts, url }))
  const hub = createLinksTransport({
    ...parts,
    crypto,
    clientId: 1 as ClientId,
    nextClock: () => 1,
    maxEntryBytes: maxEntryBytes(65_536),
    shown: () => [],
    onEvidence: () => undefined,
    onMessage: () => undefined,
    secrets: Promise.resolve({ topic: topicOf({ crypto, app, channel }) }),
    servers: clients,
    relay: true,
    tabs: false,
    createPeerConnection: undefined,
    onOnline: () => () => undefined,
    warn: (text) => console.warn(text),
    iceServers: [],
  })
  let instances = 0
  return {
    createRealtime(options) {
      const url = servers[instances++ % servers.length]
      return createRealtime(
        { app, servers: url === undefined ? [] : [url], webrtc: false, ...options },
        {
          page: undefined,
          createTravel: (needs) => createLinksTravel({ ...needs, ways: { tabs: false, relay: true }, crypto }),
        },
      )
    },
    async close() {
      await hub.stop()
      await Promise.all(clients.map((client) => client.stop()))
    },
  }
}
