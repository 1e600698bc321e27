/** How the channels of one Realtime travel over the stock Yjs providers. Names their rooms; knows no frame. */
import { randomConnectionId } from './base/random.ts'
import { createLateTransport } from './late-transport.ts'
import type { Travel, TravelNeeds } from './travel.ts'
import type { YjsTransportNeeds } from './yjs/transport.ts'

export interface YjsTravelNeeds extends TravelNeeds {
  /** The platform's y-webrtc where it is left out. */
  readonly loadYWebrtc?: YjsTransportNeeds['loadYWebrtc']
}

export function createYjsTravel({ settings, random, ways, loadYWebrtc }: YjsTravelNeeds): Travel {
  const { app, servers, secret, iceServers, webrtc } = settings
  return {
    connectionId: randomConnectionId(random),
    createTransport: (channel, needs, doc) =>
      createLateTransport({
        clock: needs.clock,
        servers,
        async load() {
          const { createYjsTransport } = await import('./yjs/transport.ts')
          return () =>
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
            })
        },
      }),
    stop: async () => undefined,
  }
}
