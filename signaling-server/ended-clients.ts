/** The clients of one room that ended lately, each with the clock of its last entry. Bounded; the oldest go first. */
import type { ClientId } from '../lib/base/ids.ts'

export interface EndedClients {
  add(clientId: ClientId, clock: number): void
  /** Whether the room has seen this client end with this clock or a higher one. */
  hasSeen(clientId: ClientId, clock: number): boolean
}

/** As many as a full room has members. */
const MAX_ENDED = 256

export function createEndedClients(): EndedClients {
  const clocks = new Map<ClientId, number>()
  return {
    add(clientId, clock) {
      clocks.delete(clientId)
      clocks.set(clientId, clock)
      const [oldest] = clocks.keys()
      if (clocks.size > MAX_ENDED && oldest !== undefined) clocks.delete(oldest)
    },
    hasSeen: (clientId, clock) => clock <= (clocks.get(clientId) ?? -1),
  }
}
