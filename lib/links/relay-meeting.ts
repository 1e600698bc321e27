/** Meets the others of a topic by one server, and is carried by it. The server is told nothing but who the bytes are for. */
import type { Clock } from '../base/clock.ts'
import type { ConnectionId } from '../base/ids.ts'
import { isCastEnvelope } from '../wire/envelope.ts'
import type { ServerReport } from '../wire/transport.ts'
import { type Carrier, type CarrierEnd, createLosses, type Group } from './carrier.ts'
import { createMeetAgain } from './meet-again.ts'

/** What a seal, its count and the frame of the server's protocol add at most to a frame of a link. */
const RELAY_BYTES = 96

/** What a server's client offers; `lib/signaling` implements it. */
export interface Server {
  /** For people: its address, state, and what went and came. */
  report(): ServerReport
  join(topic: Uint8Array, listener: ServerListener): ServerTopic
  backlogBytes(): number
  /** Whether it takes an entry, or anything else that can wait, of that size now, by its rates; then that is taken off them. */
  admit(byteCount: number, isEntry: boolean): boolean
}

export interface ServerListener {
  onMembers(members: readonly ConnectionId[]): void
  onJoined(peer: ConnectionId): void
  onLeft(peer: ConnectionId, silentMs: number): void
  onFrame(peer: ConnectionId, payload: Uint8Array): void
  /** `silentMs`: after so long a silence of the server's; 0: by a word of either side. */
  onLost(silentMs: number): void
}

export interface ServerTopic {
  send(to: ConnectionId, payload: Uint8Array): boolean
  cast(payload: Uint8Array): boolean
  leave(): Promise<void>
}

/** Where others are met, and how they are told of. */
export interface MeetingNeeds {
  readonly clock: Clock
  readonly own: ConnectionId
  readonly topic: Uint8Array
  onCarrier(peer: ConnectionId, carrier: Carrier): void
  onBytes(peer: ConnectionId, carrierId: string, bytes: Uint8Array): void
  /** `silentMs`: after so long a silence. */
  onEnd(peer: ConnectionId, carrierId: string, how: CarrierEnd, silentMs?: number): void
}

export interface Meeting {
  leave(): Promise<void>
}

export interface RelayMeetingNeeds extends MeetingNeeds {
  readonly server: Server
  readonly index: number
  /** Whether it carries more than hellos and signals. */
  readonly isRelay: boolean
}

export function createRelayMeeting(needs: RelayMeetingNeeds): Meeting {
  const { server } = needs
  const id = `relay:${needs.index}`
  const met = new Map<ConnectionId, ReturnType<typeof createLosses>>()
  const again = createMeetAgain(needs.clock, meet)
  /** All others on the topic, by the server's word. */
  const present = new Set<ConnectionId>()
  const admit: Group['admit'] = (byteCount, isEntry) => server.admit(byteCount + RELAY_BYTES, isEntry)
  const group: Group = {
    size: () => present.size,
    admit,
    cast(bytes) {
      if (!topic.cast(bytes)) for (const losses of met.values()) losses.lose()
    },
  }

  function meet(peer: ConnectionId): void {
    if (peer === needs.own || met.has(peer)) return
    const losses = createLosses(server.backlogBytes)
    met.set(peer, losses)
    needs.onCarrier(peer, {
      id,
      kind: 'relay',
      isPrivate: false,
      isIntroduction: !needs.isRelay,
      ...(needs.isRelay && { group }),
      send(bytes) {
        if (!topic.send(peer, bytes)) losses.lose()
      },
      admit,
      ...losses,
      close() {
        if (met.delete(peer)) again.forgotten(peer)
      },
    })
  }

  function part(peer: ConnectionId, how: CarrierEnd, silentMs: number): void {
    again.ended(peer)
    if (met.delete(peer)) needs.onEnd(peer, id, how, silentMs)
  }

  const topic = server.join(needs.topic, {
    onMembers(members) {
      present.clear()
      for (const peer of members) {
        present.add(peer)
        meet(peer)
      }
    },
    onJoined(peer) {
      present.add(peer)
      meet(peer)
    },
    onLeft(peer, silentMs) {
      present.delete(peer)
      // One whom the server has not heard may well be heard by us: that is silence, and no end.
      part(peer, silentMs > 0 ? 'lost' : 'closed', silentMs)
    },
    onFrame(peer, payload) {
      // A cast is for those who have met already: the last one of somebody who is gone brings nobody back.
      if (!isCastEnvelope(payload)) meet(peer)
      needs.onBytes(peer, id, payload)
    },
    // A server's end is no word about its members; who it stood for while it was silent may have been silent too.
    onLost(silentMs) {
      again.clear()
      present.clear()
      for (const peer of [...met.keys()]) part(peer, 'lost', silentMs)
    },
  })

  return {
    leave() {
      met.clear()
      again.clear()
      return topic.leave()
    },
  }
}
