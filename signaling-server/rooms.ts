/** The rooms that have somebody in them, by name. A room appears with its first socket and goes with its last. */

import { KEEP_ALIVE_FRAME } from '../lib/wire/frame.ts'
import type { GuardedSocket, SocketHandler } from './guarded-socket.ts'
import { createRoom, type Room, type RoomNeeds } from './room.ts'

export interface Rooms {
  readonly size: number
  /** Whether another socket fits in; one that replaces its own former socket always does. */
  hasPlace(name: string, key: string | undefined): boolean
  /** What a socket of a room does with its messages. */
  handle(socket: GuardedSocket, name: string, key: string | undefined): SocketHandler
  /** Sends the empty frame that keeps stock clients from reconnecting. */
  keepAlive(): void
  /** The server ends: from now on nobody is told that a socket ended. */
  silence(): void
}

export function createRooms(needs: RoomNeeds): Rooms {
  const rooms = new Map<string, Room>()
  const sockets = new Set<GuardedSocket>()
  let isSilent = false

  return {
    get size() {
      return rooms.size
    },
    hasPlace(name, key) {
      const room = rooms.get(name)
      if (room === undefined || room.size < needs.limits.maxSocketsPerTopic) return true
      return key !== undefined && room.has(key)
    },
    handle(socket, name, key) {
      const room = rooms.get(name) ?? createRoom(needs)
      rooms.set(name, room)
      sockets.add(socket)
      const member = room.join(socket, key)
      return {
        onMessage: (data, isBinary) => room.receive(member, data, isBinary),
        onEnd(silentMs) {
          sockets.delete(socket)
          room.leave(member, isSilent, silentMs)
          if (room.size > 0 || rooms.get(name) !== room) return
          rooms.delete(name)
          room.stop()
        },
      }
    },
    keepAlive() {
      for (const socket of sockets) socket.send(KEEP_ALIVE_FRAME)
    },
    silence() {
      isSilent = true
    },
  }
}
