/**
 * Which sockets are on which topic, and what they say to each other: y-webrtc's signaling at `/`. Keeps nothing but
 * that, and no message.
 */
import type { Counts } from './counts.ts'
import { CLOSE, type GuardedSocket, type SocketHandler } from './guarded-socket.ts'
import type { Limits } from './limits.ts'
import { decodeSignalMessage, type SignalMessage, withClients } from './signal-message.ts'

const PONG = Buffer.from('{"type":"pong"}')

export interface Topics {
  /** Number of topics with at least one socket. */
  readonly size: number
  /** What a socket of `/` does with its messages. */
  handle(socket: GuardedSocket): SocketHandler
}

export function createTopics({ limits, counts }: { limits: Limits; counts: Counts }): Topics {
  const socketsOf = new Map<string, Set<GuardedSocket>>()

  const subscribe = (socket: GuardedSocket, own: Set<string>, topics: readonly string[]) => {
    socket.greet()
    for (const topic of topics) {
      if (own.has(topic)) continue
      if (own.size >= limits.maxTopicsPerSocket) return socket.close(CLOSE.policy, 'closed-topics')
      const sockets = socketsOf.get(topic) ?? new Set()
      if (sockets.size >= limits.maxSocketsPerTopic) {
        counts.count('dropped-topic-full')
        continue
      }
      socketsOf.set(topic, sockets.add(socket))
      own.add(topic)
    }
  }

  const unsubscribe = (socket: GuardedSocket, own: Set<string>, topics: Iterable<string>) => {
    for (const topic of topics) {
      if (!own.delete(topic)) continue
      const sockets = socketsOf.get(topic)
      sockets?.delete(socket)
      if (sockets?.size === 0) socketsOf.delete(topic)
    }
  }

  /** To every subscriber, the sender included, as the stock server does; but only from a subscriber. */
  const publish = (own: Set<string>, topic: string, text: string) => {
    const sockets = socketsOf.get(topic)
    if (!own.has(topic) || sockets === undefined) return counts.count('dropped-not-subscribed')
    const message = withClients(text, sockets.size)
    for (const subscriber of sockets) subscriber.send(message, 'text')
    counts.count('forwarded')
  }

  const act = (socket: GuardedSocket, own: Set<string>, message: SignalMessage) => {
    switch (message.kind) {
      case 'subscribe':
        return subscribe(socket, own, message.topics)
      case 'unsubscribe':
        return unsubscribe(socket, own, message.topics)
      case 'publish':
        return publish(own, message.topic, message.text)
      case 'ping':
        return socket.send(PONG, 'text')
      case 'unknown':
        return counts.count('dropped-unknown')
    }
  }

  return {
    get size() {
      return socketsOf.size
    },
    handle(socket) {
      const own = new Set<string>()
      return {
        onMessage(data, isBinary) {
          if (isBinary) return socket.close(CLOSE.wrongType, 'closed-wrong-type')
          const message = decodeSignalMessage(data, limits)
          if (typeof message === 'string') {
            return socket.close(message === 'closed-malformed' ? CLOSE.malformed : CLOSE.policy, message)
          }
          act(socket, own, message)
        },
        onEnd: () => unsubscribe(socket, own, [...own]),
      }
    },
  }
}
