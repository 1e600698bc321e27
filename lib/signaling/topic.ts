/** One topic as its server tells of it: who else is on it, handed to everybody here who is. Knows no socket. */
import type { ConnectionId } from '../base/ids.ts'
import { MAX_LISTED_MEMBERS } from '../wire/limits.ts'
import type { ServerFrame } from '../wire/relay-frame.ts'
import type { RejectCounter } from '../wire/result.ts'

/** Called in the order in which the server spoke; never from inside `join`, `leave` or `stop`. */
export interface TopicListener {
  /** The topic can be sent in from now on; all others who are on it, as of now. */
  onMembers(members: readonly ConnectionId[]): void
  onJoined(connectionId: ConnectionId): void
  /** It left the topic, or its socket ended. `silentMs`: it was cut off after so long without a sign of life; else 0. */
  onLeft(connectionId: ConnectionId, silentMs: number): void
  /** `payload` is a view of the received frame. */
  onFrame(from: ConnectionId, payload: Uint8Array): void
  /**
   * Our own way to the server ended, which says nothing about the others. `onMembers` comes again when there is a new one.
   * `silentMs`: the server was silent for so long, and was given up for that; else 0.
   */
  onLost(silentMs: number): void
}

/** Frames of the server's that name a topic. */
export type TopicFrame = Extract<ServerFrame, { topic: Uint8Array }>

export interface Topic {
  readonly bytes: Uint8Array
  /** Whether the server has said that we are on it. */
  readonly isOpen: boolean
  readonly listenerCount: number
  /** A listener of an open topic is told of it soon, in a task of its own. */
  add(listener: TopicListener): void
  remove(listener: TopicListener): void
  accept(frame: TopicFrame): void
  /** The connection to the server ended. `silentMs`: after so long a silence, or 0. */
  lose(silentMs: number): void
}

export interface TopicNeeds {
  readonly bytes: Uint8Array
  readonly ownId: ConnectionId
  readonly rejects: RejectCounter
  readonly defer: (task: () => void) => void
}

export function createTopic({ bytes, ownId, rejects, defer }: TopicNeeds): Topic {
  /** Those who have been told that the topic is open. */
  const listeners = new Map<TopicListener, { isTold: boolean }>()
  let members: Set<ConnectionId> | undefined

  const tell = (call: (listener: TopicListener) => void) => {
    // A listener may remove itself or others.
    for (const [listener, told] of [...listeners]) if (told.isTold && listeners.get(listener) === told) call(listener)
  }
  const open = () => {
    for (const [listener, told] of [...listeners]) {
      if (told.isTold || members === undefined || listeners.get(listener) !== told) continue
      told.isTold = true
      listener.onMembers([...members])
    }
  }
  const add = (connectionId: ConnectionId): boolean => {
    if (members === undefined || connectionId === ownId || members.has(connectionId)) return false
    if (members.size >= MAX_LISTED_MEMBERS) {
      rejects.count('room-full')
      return false
    }
    members.add(connectionId)
    return true
  }
  const acceptMembers = (listed: readonly ConnectionId[]) => {
    if (members !== undefined) {
      // The list of a large topic comes in several.
      for (const connectionId of listed) if (add(connectionId)) tell((listener) => listener.onJoined(connectionId))
      return
    }
    members = new Set()
    for (const connectionId of listed) add(connectionId)
    open()
  }

  return {
    bytes,
    get isOpen() {
      return members !== undefined
    },
    get listenerCount() {
      return listeners.size
    },
    add(listener) {
      listeners.set(listener, { isTold: false })
      if (members !== undefined) defer(open)
    },
    remove: (listener) => void listeners.delete(listener),
    accept(frame) {
      if (frame.kind === 'members') return acceptMembers(frame.members)
      // Before the answer to a join nothing is for us: it is what the server kept of our former socket.
      if (members === undefined) return
      switch (frame.kind) {
        case 'joined':
          if (add(frame.connectionId)) tell((listener) => listener.onJoined(frame.connectionId))
          return
        case 'left':
          if (members.delete(frame.connectionId))
            tell((listener) => listener.onLeft(frame.connectionId, frame.silentMs))
          return
        case 'from':
          // Who is not on the topic has no word in it, whatever a server says.
          if (members.has(frame.from)) tell((listener) => listener.onFrame(frame.from, frame.payload))
          else rejects.count('signaling-refused')
      }
    },
    lose(silentMs) {
      if (members === undefined) return
      members = undefined
      tell((listener) => listener.onLost(silentMs))
      for (const told of listeners.values()) told.isTold = false
    },
  }
}
