/**
 * The messages of y-webrtc's signaling, read from their bytes and checked in size, depth and shape.
 *
 *   { type: 'subscribe' | 'unsubscribe', topics?: string[] } | { type: 'publish', topic: string, … } | { type: 'ping' }
 *
 * Knows nothing of who sent them.
 */
import { isJsonObject, type JsonObject } from '../lib/base/json.ts'
import { isDeeperThan } from './json-depth.ts'
import type { Limits } from './limits.ts'

export type SignalMessage =
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topics: readonly string[] }
  /** `text` is the whole message as it was received. */
  | { readonly kind: 'publish'; readonly topic: string; readonly text: string }
  | { readonly kind: 'ping' }
  /** Well-formed, but of no type that the stock server knows: it ignores them too. */
  | { readonly kind: 'unknown' }

export type SignalProblem = 'closed-malformed' | 'closed-name' | 'closed-topics'

export function decodeSignalMessage(bytes: Buffer, limits: Limits): SignalMessage | SignalProblem {
  if (isDeeperThan(bytes, limits.maxJsonDepth)) return 'closed-malformed'
  const text = bytes.toString('utf8')
  const message = parseObject(text)
  if (message === undefined) return 'closed-malformed'
  switch (message.type) {
    case 'subscribe':
      return readTopics('subscribe', message.topics, limits)
    case 'unsubscribe':
      return readTopics('unsubscribe', message.topics, limits)
    case 'publish': {
      const topic = message.topic
      if (typeof topic !== 'string') return 'closed-malformed'
      return topic.length > limits.maxNameLength ? 'closed-name' : { kind: 'publish', topic, text }
    }
    case 'ping':
      return { kind: 'ping' }
    default:
      return { kind: 'unknown' }
  }
}

function parseObject(text: string): JsonObject | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Not JSON: that is all there is to know, and the caller counts it.
    return undefined
  }
  return isJsonObject(parsed) ? parsed : undefined
}

/** The stock server takes a missing list for an empty one. */
function readTopics(kind: 'subscribe' | 'unsubscribe', topics: unknown, limits: Limits): SignalMessage | SignalProblem {
  if (topics === undefined || topics === null) return { kind, topics: [] }
  if (!Array.isArray(topics)) return 'closed-malformed'
  if (topics.length > limits.maxTopicsPerSocket) return 'closed-topics'
  if (!topics.every((topic) => typeof topic === 'string')) return 'closed-malformed'
  return topics.some((topic) => topic.length > limits.maxNameLength) ? 'closed-name' : { kind, topics }
}

/**
 * A publish as subscribers get it: the received text with the number of `clients` put at its end, where it overrides
 * whatever the sender wrote there. The rest is never serialised again (S20).
 */
export function withClients(publishText: string, clients: number): Buffer {
  return Buffer.from(`${publishText.slice(0, publishText.lastIndexOf('}'))},"clients":${clients}}`)
}
