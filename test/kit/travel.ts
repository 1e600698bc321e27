/** A Realtime's way to travel over a transport of the test's own. */
import { randomConnectionId } from '../../lib/base/random.ts'
import type { Settings } from '../../lib/options.ts'
import type { Travel, TravelNeeds } from '../../lib/travel.ts'
import type { Transport, TransportNeeds } from '../../lib/wire/transport.ts'

/** What a test's transport is given beside the usual: where, and with which settings. */
export interface TestTransportNeeds extends TransportNeeds {
  readonly room: string
  readonly settings: Settings
}

export const travelOver =
  (createTransport: (needs: TestTransportNeeds) => Transport) =>
  ({ settings, random }: Omit<TravelNeeds, 'ways'>): Travel => ({
    connectionId: randomConnectionId(random),
    createTransport: (channel, needs) =>
      createTransport({
        ...needs,
        settings,
        room: settings.app === undefined ? channel : `${settings.app}:${channel}`,
      }),
    stop: async () => undefined,
  })
