/**
 * Worlds for the contract inside a page: the platform's own WebRTC, BroadcastChannel, WebSocket and WebCrypto, and real
 * servers outside of it, which all worlds of a run share. Every world is an app of its own, so that none hears another.
 */
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { createSecret, type Realtime, type RealtimeOptions } from '../../lib/index.ts'
import { createLinksTravel } from '../../lib/links-travel.ts'
import { createRealtime } from '../../lib/realtime.ts'
import { createYjsTravel } from '../../lib/yjs-travel.ts'

export interface PageWays {
  /** Addresses; empty where tabs are the only way. */
  readonly servers: readonly string[]
  /** Whether the servers carry what members say, or only introduce them. */
  readonly hasRelay: boolean
  readonly hasWebRtc: boolean
  readonly hasTabs: boolean
  readonly transport?: 'links' | 'yjs'
}

export interface PageWorld {
  createRealtime(options: RealtimeOptions): Realtime
  close(): Promise<void>
}

/** Members of one page, who meet by the given ways and by nothing else. */
export function createPageWorld({ servers, hasRelay, hasWebRtc, hasTabs, transport = 'links' }: PageWays): PageWorld {
  const ways = { tabs: hasTabs, relay: hasRelay }
  const app = createSecret()
  const platform = hasWebRtc ? {} : { webrtc: false as const }
  return {
    createRealtime: (options) =>
      createRealtime(
        { app, servers: [...servers], ...platform, ...options },
        {
          createTravel: (needs) =>
            transport === 'links'
              ? createLinksTravel({ ...needs, ways, crypto: createSystemCrypto() })
              : createYjsTravel({ ...needs, ways }),
        },
      ),
    close: async () => undefined,
  }
}
