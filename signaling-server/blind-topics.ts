/**
 * Our own topics at `/`: which connection is on which topic by which socket, and nothing else. Frames go to one or to all
 * others, stamped with their sender; what they carry is not looked at. Knows nothing of keys and proofs.
 */
import type { ConnectionId } from '../lib/base/ids.ts'
import { MAX_LISTED_MEMBERS } from '../lib/wire/limits.ts'
import { type ClientFrame, encodeServerFrame } from '../lib/wire/relay-frame.ts'
import type { Counts } from './counts.ts'
import { CLOSE, type GuardedSocket } from './guarded-socket.ts'
import type { Limits } from './limits.ts'

/** The topic's bytes as a key. */
type TopicKey = string

interface Membership {
  readonly topic: Uint8Array
  /** Taken over from the connection's former socket; this one has not joined yet. */
  readonly isInherited: boolean
}

/** A connection that has proved its id, on the one socket that it has. */
export interface BlindClient {
  readonly connectionId: ConnectionId
  readonly socket: GuardedSocket
  /** Counts sockets in the order in which they came. */
  readonly turn: number
  readonly memberships: Map<TopicKey, Membership>
  rejoinTimer: NodeJS.Timeout | undefined
}

type Send = Extract<ClientFrame, { kind: 'send' }>
type Cast = Extract<ClientFrame, { kind: 'cast' }>

export interface BlindTopics {
  /** Number of topics with at least one connection. */
  readonly size: number
  /** A socket has come; proves nothing. */
  nextTurn(): number
  /** Whether a socket that came later is the connection's own by now: what this one said was held up on the way. */
  isOutdated(connectionId: ConnectionId, turn: number): boolean
  /** A socket has proved that id. A former socket of the same id is cut off, and its topics wait to be joined again. */
  admit(connectionId: ConnectionId, socket: GuardedSocket, turn?: number): BlindClient
  join(client: BlindClient, topic: Uint8Array): void
  leave(client: BlindClient, topic: Uint8Array): void
  /** To one other of the topic; dropped where either of them is not on it. */
  send(client: BlindClient, frame: Send): void
  /** To all others of the topic; dropped where the client is not on it. */
  cast(client: BlindClient, frame: Cast): void
  /** The client's socket has ended. `silentMs`: after so long a silence; 0: by itself. */
  end(client: BlindClient, silentMs: number): void
  /** The server ends: from now on nobody is told that a socket ended. */
  silence(): void
}

const keyOf = (topic: Uint8Array): TopicKey => Buffer.from(topic).toString('base64')

export function createBlindTopics({ limits, counts }: { limits: Limits; counts: Counts }): BlindTopics {
  const clients = new Map<ConnectionId, BlindClient>()
  const membersOf = new Map<TopicKey, Map<ConnectionId, BlindClient>>()
  let isSilent = false
  let turns = 0

  /** To all others of the topic; returns whether there are any. */
  const tellOthers = (client: BlindClient, key: TopicKey, frame: Uint8Array): boolean => {
    const members = membersOf.get(key)
    for (const member of members?.values() ?? []) if (member !== client) member.socket.send(frame)
    return (members?.size ?? 0) > 1
  }

  const remove = (client: BlindClient, key: TopicKey, { topic }: Membership, silentMs: number) => {
    client.memberships.delete(key)
    const { connectionId } = client
    if (!isSilent) tellOthers(client, key, encodeServerFrame({ kind: 'left', topic, connectionId, silentMs }))
    const members = membersOf.get(key)
    members?.delete(connectionId)
    if (members?.size === 0) membersOf.delete(key)
  }

  const removeInherited = (client: BlindClient) => {
    for (const [key, membership] of [...client.memberships])
      if (membership.isInherited) remove(client, key, membership, 0)
  }

  /** The same connection on a new socket: the old one goes without a word. */
  const takeOver = (client: BlindClient, former: BlindClient) => {
    for (const [key, { topic }] of former.memberships) {
      client.memberships.set(key, { topic, isInherited: true })
      membersOf.get(key)?.set(client.connectionId, client)
    }
    // It holds nothing any more, so its end has nothing to tell.
    former.memberships.clear()
    // With a word that sends it away for a while: a server that is given under two addresses is one server all the same.
    former.socket.close(CLOSE.policy, 'closed-replaced')
    if (client.memberships.size === 0) return
    client.rejoinTimer = setTimeout(() => removeInherited(client), limits.rejoinTimeoutMs)
  }

  const isJoined = (client: BlindClient, key: TopicKey): boolean => {
    if (client.memberships.get(key)?.isInherited === false) return true
    counts.count('dropped-not-member')
    return false
  }

  /** In one frame, or in several where it would be too long; in one too where there is nobody. */
  const listOthers = (
    { connectionId, socket }: BlindClient,
    topic: Uint8Array,
    all: Map<ConnectionId, BlindClient>,
  ) => {
    const others = [...all.keys()].filter((id) => id !== connectionId)
    for (let start = 0; start === 0 || start < others.length; start += MAX_LISTED_MEMBERS) {
      const members = others.slice(start, start + MAX_LISTED_MEMBERS)
      socket.send(encodeServerFrame({ kind: 'members', topic, members }))
    }
  }

  return {
    get size() {
      return membersOf.size
    },
    nextTurn: () => ++turns,
    isOutdated: (connectionId, turn) => (clients.get(connectionId)?.turn ?? 0) > turn,
    admit(connectionId, socket, turn = ++turns) {
      const former = clients.get(connectionId)
      const client: BlindClient = { connectionId, socket, turn, memberships: new Map(), rejoinTimer: undefined }
      clients.set(connectionId, client)
      if (former !== undefined) takeOver(client, former)
      return client
    },
    join(client, topic) {
      const { connectionId, memberships } = client
      const key = keyOf(topic)
      const membership = memberships.get(key)
      // The answer is far larger than the question.
      if (membership?.isInherited === false) return counts.count('dropped-repeated-join')
      if (membership === undefined) {
        if (memberships.size >= limits.maxTopicsPerSocket) return counts.count('dropped-topics')
        if ((membersOf.get(key)?.size ?? 0) >= limits.maxSocketsPerTopic) return counts.count('dropped-topic-full')
      }
      const members = membersOf.get(key) ?? new Map<ConnectionId, BlindClient>()
      membersOf.set(key, members.set(connectionId, client))
      // A copy: what came is a view of a larger buffer.
      memberships.set(key, { topic: Uint8Array.from(topic), isInherited: false })
      // Before its own answer: a socket that is ended over that has left, and nothing is told of it any more.
      if (membership === undefined) tellOthers(client, key, encodeServerFrame({ kind: 'joined', topic, connectionId }))
      listOthers(client, topic, members)
    },
    leave(client, topic) {
      const key = keyOf(topic)
      const membership = client.memberships.get(key)
      if (membership === undefined) return counts.count('dropped-not-member')
      remove(client, key, membership, 0)
    },
    send(client, { topic, to, payload }) {
      const key = keyOf(topic)
      if (!isJoined(client, key)) return
      const receiver = membersOf.get(key)?.get(to)
      if (receiver === undefined || receiver === client) return counts.count('dropped-no-receiver')
      receiver.socket.send(encodeServerFrame({ kind: 'from', topic, from: client.connectionId, payload }))
      counts.count('forwarded')
    },
    cast(client, { topic, payload }) {
      const key = keyOf(topic)
      if (!isJoined(client, key)) return
      const frame = encodeServerFrame({ kind: 'from', topic, from: client.connectionId, payload })
      if (tellOthers(client, key, frame)) counts.count('forwarded')
    },
    end(client, silentMs) {
      clearTimeout(client.rejoinTimer)
      if (clients.get(client.connectionId) === client) clients.delete(client.connectionId)
      for (const [key, membership] of [...client.memberships]) remove(client, key, membership, silentMs)
    },
    silence() {
      isSilent = true
    },
  }
}
