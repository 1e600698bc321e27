/** How the channels of one Realtime travel, and what they share while they do. Knows neither links nor Yjs providers. */
import type { Doc } from 'yjs'
import type { Clock } from './base/clock.ts'
import type { ConnectionId } from './base/ids.ts'
import type { Page } from './base/page.ts'
import type { RandomBytes } from './base/random.ts'
import type { Settings } from './options.ts'
import type { Transport, TransportNeeds } from './wire/transport.ts'

/** Which ways are open beside WebRTC; all of them but in tests. */
export interface Ways {
  readonly tabs: boolean
  readonly relay: boolean
}

export interface TravelNeeds {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: RandomBytes
  readonly page: Page | undefined
  readonly ways: Ways
}

export interface Travel {
  /** 20 to 24 URL-safe characters. */
  readonly connectionId: ConnectionId
  createTransport(channel: string, needs: TransportNeeds, doc: Doc | undefined): Transport
  /** Ends what the channels shared. */
  stop(): Promise<void>
}
