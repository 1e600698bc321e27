/**
 * A stand-in for y-websocket's own server, which does not install beside yjs 13: it keeps an Awareness per room, sends
 * every change of it to every socket of the room, the sender's too, and takes away what a socket had said when it ends.
 * It keeps no document. The baseline of y-websocket, nothing to be used.
 */
import { once } from 'node:events'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type WebSocket, WebSocketServer } from 'ws'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'

const SYNC = 0
const AWARENESS = 1
/** An answer to a sync step 1 that holds no document, so that clients count as synced. */
const EMPTY_STEP_2 = new Uint8Array([SYNC, 1, 2, 0, 0])

export interface StockRelay {
  readonly url: string
  close(): void
}

interface Change {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

/** Listens on a port of this machine, 0 for any free one. */
export async function startStockRelay(port = 0): Promise<StockRelay> {
  const server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false })
  const rooms = new Map<string, ReturnType<typeof createRoom>>()
  await once(server, 'listening')
  server.on('connection', (socket, { url = '/' }) => {
    const room = rooms.get(url) ?? createRoom()
    rooms.set(url, room)
    room.add(socket)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `ws://127.0.0.1:${address.port}/stock`,
    close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
      for (const room of rooms.values()) room.close()
    },
  }
}

function createRoom() {
  const awareness = new Awareness(new Y.Doc())
  awareness.setLocalState(null)
  const saidBy = new Map<WebSocket, Set<number>>()
  awareness.on('update', ({ added, updated, removed }: Change, origin: WebSocket | null) => {
    const said = origin === null ? undefined : saidBy.get(origin)
    for (const clientId of added) said?.add(clientId)
    const frame = awarenessFrame(awareness, [...added, ...updated, ...removed])
    for (const socket of saidBy.keys()) socket.send(frame)
  })
  return {
    add(socket: WebSocket) {
      saidBy.set(socket, new Set())
      socket.on('message', (bytes: Buffer) => {
        const decoder = decoding.createDecoder(bytes)
        const kind = decoding.readVarUint(decoder)
        if (kind === AWARENESS) applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), socket)
        else if (kind === SYNC && decoding.readVarUint(decoder) === 0) socket.send(EMPTY_STEP_2)
      })
      socket.on('close', () => {
        const said = saidBy.get(socket) ?? []
        saidBy.delete(socket)
        removeAwarenessStates(awareness, [...said], null)
      })
      const present = [...awareness.getStates().keys()]
      if (present.length > 0) socket.send(awarenessFrame(awareness, present))
    },
    close: () => awareness.destroy(),
  }
}

function awarenessFrame(awareness: Awareness, clientIds: number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, AWARENESS)
  encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(awareness, clientIds))
  return encoding.toUint8Array(encoder)
}
