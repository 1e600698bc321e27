/** One member of a room, by our library or by a stock provider, behind one interface. Runs inside a member process. */
import wrtc from '@roamhq/wrtc'
import { Awareness } from 'y-protocols/awareness'
import { WebrtcProvider } from 'y-webrtc'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { type PresenceEvent, PresenceEvents, Realtime, type RealtimeOptions } from '../../lib/index.ts'
import type { StockProvider } from '../../lib/yjs/stock.ts'

/**
 * `ours`: as users get it, links over WebRTC and the relay. `ours-yjs`: over the Yjs providers, `transport: 'yjs'`. Each of
 * them without WebRTC: `-relay`. The others: the stock provider with an Awareness, as its README has it.
 */
export type Stack = 'ours' | 'ours-relay' | 'ours-yjs' | 'ours-yjs-relay' | 'y-webrtc' | 'y-websocket'

/** Stacks whose members are to have a data channel to everybody, as far as their limits go. */
export const isMesh = (stack: Stack): boolean => stack === 'ours' || stack === 'ours-yjs' || stack === 'y-webrtc'

export interface JoinRequest {
  readonly stack: Stack
  readonly room: string
  /** The address for this stack; a stock y-websocket adds the room to it. */
  readonly server: string
  readonly id: string
}

/** What a member is told about another. */
export interface Told {
  readonly event: 'joined' | 'update' | 'leave'
  readonly who: string
  readonly data: unknown
}

export interface StackMember {
  update(data: object): void
  /** A clean leave; resolves when everything is closed. */
  leave(): Promise<void>
  /** Members that it sees, itself included. */
  seen(): number
  /** Members that it has an open data channel to, and knows to be behind it. */
  direct(): number
  /** Whether it is connected to its server. */
  isServed(): boolean
}

/** More than any room here has. By itself each y-webrtc member stops at a random number from 20 to 34. */
const MAX_CONNS = 64
/** A stock goodbye over data channels is lost where the connections are closed in the same breath. */
const STOCK_GOODBYE_MS = 50

export function joinRoom(request: JoinRequest, tell: (told: Told) => void): Promise<StackMember> | StackMember {
  switch (request.stack) {
    case 'ours':
      return joinOurs(request, { webrtc: wrtc }, tell)
    case 'ours-relay':
      return joinOurs(request, { webrtc: false }, tell)
    case 'ours-yjs':
      return joinOurs(request, { webrtc: wrtc, transport: 'yjs' }, tell)
    case 'ours-yjs-relay':
      return joinOurs(request, { webrtc: false, transport: 'yjs' }, tell)
    case 'y-webrtc':
      return joinYWebrtc(request, tell)
    case 'y-websocket':
      return joinYWebsocket(request, tell)
  }
}

async function joinOurs(
  { room, server, id }: JoinRequest,
  options: Pick<RealtimeOptions, 'transport' | 'webrtc'>,
  tell: (told: Told) => void,
): Promise<StackMember> {
  const realtime = new Realtime({ participant: { id, name: id }, servers: [server], ...options })
  const channel = await realtime.connect(room)
  const { participant } = channel
  const hear = (event: Told['event'], name: PresenceEvent) =>
    participant.subscribe(name, ({ id: who, data }) => {
      if (who !== id) tell({ event, who, data })
    })
  hear('joined', PresenceEvents.JOINED_ROOM)
  hear('update', PresenceEvents.UPDATE)
  hear('leave', PresenceEvents.LEAVE)
  return {
    update: (data) => participant.update(data),
    leave: () => channel.disconnect(),
    seen: () => participant.getAll().length,
    direct: () => channel.inspect().members.filter(({ paths }) => paths.includes('direct')).length,
    isServed: () => channel.inspect().servers.every(({ state }) => state === 'open'),
  }
}

function joinYWebrtc({ room, server, id }: JoinRequest, tell: (told: Told) => void): StackMember {
  const { doc, awareness, seen } = createStockAwareness(id, tell)
  // As ours: no STUN server, since all members are on one machine.
  const peerOpts = { wrtc, config: { iceServers: [] } }
  const provider = new WebrtcProvider(room, doc, { signaling: [server], awareness, peerOpts, maxConns: MAX_CONNS })
  const inside = provider as unknown as StockProvider
  return {
    update: (data) => awareness.setLocalStateField('data', data),
    async leave() {
      awareness.setLocalState(null)
      await new Promise((resolve) => setTimeout(resolve, STOCK_GOODBYE_MS))
      provider.destroy()
      awareness.destroy()
    },
    seen,
    direct: () => [...(inside.room?.webrtcConns.values() ?? [])].filter(({ connected }) => connected).length,
    isServed: () => inside.signalingConns.every(({ connected }) => connected),
  }
}

function joinYWebsocket({ room, server, id }: JoinRequest, tell: (told: Told) => void): StackMember {
  const { doc, awareness, seen } = createStockAwareness(id, tell)
  const provider = new WebsocketProvider(server, room, doc, { awareness })
  return {
    update: (data) => awareness.setLocalStateField('data', data),
    async leave() {
      awareness.setLocalState(null)
      provider.destroy()
      awareness.destroy()
    },
    seen,
    direct: () => 0,
    isServed: () => provider.wsconnected,
  }
}

interface StockState {
  readonly id: string
  readonly data: unknown
}

/** An Awareness whose states are `{ id, name, data }`, and what a naive listener makes of its changes. */
function createStockAwareness(id: string, tell: (told: Told) => void) {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  awareness.setLocalState({ id, name: id, data: {} })
  const known = new Map<number, StockState>()
  const states = () => awareness.getStates() as Map<number, Partial<StockState>>
  awareness.on('change', ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>) => {
    for (const clientId of [...added, ...updated, ...removed]) {
      if (clientId === doc.clientID) continue
      const before = known.get(clientId)
      const { id: who, data } = states().get(clientId) ?? {}
      if (who === undefined) {
        known.delete(clientId)
        if (before !== undefined) tell({ event: 'leave', who: before.id, data: before.data })
      } else {
        known.set(clientId, { id: who, data })
        tell({ event: before === undefined ? 'joined' : 'update', who, data })
      }
    }
  })
  return { doc, awareness, seen: () => [...states().values()].filter((state) => state.id !== undefined).length }
}
