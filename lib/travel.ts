/** How the channels of one Realtime travel: over the stock Yjs providers. Names their rooms; knows no frame. */
import type { Doc } from 'yjs'
import type { Clock } from './base/clock.ts'
import type { ConnectionId } from './base/ids.ts'
import { type RandomBytes, randomConnectionId } from './base/random.ts'
import type { Settings } from './options.ts'
import type { Transport, TransportNeeds } from './wire/transport.ts'
import { createYjsTransport, type YjsTransportNeeds } from './yjs/transport.ts'

/** Which ways are open beside WebRTC; all of them but in tests. */
export interface Ways {
  readonly tabs: boolean
  readonly relay: boolean
}

export interface TravelNeeds {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: RandomBytes
  readonly ways: Ways
  readonly loadYWebrtc?: YjsTransportNeeds['loadYWebrtc']
}

export interface Travel {
  /** 20 to 24 URL-safe characters. */
  readonly connectionId: ConnectionId
  createTransport(channel: string, needs: TransportNeeds, doc: Doc | undefined): Transport
  /** Ends what the channels shared. */
  stop(): Promise<void>
}

export function createYjsTravel({ settings, random, ways, loadYWebrtc }: TravelNeeds): Travel {
  const { app, servers, secret, iceServers, webrtc } = settings
  return {
    connectionId: randomConnectionId(random),
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
