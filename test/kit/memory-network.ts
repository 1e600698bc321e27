/**
 * A network of queues: frames are copied, and nothing moves until it is flushed, or as soon as it can when the network
 * flows by itself. It speaks the wire's real bytes. Faults have names: cut, heal, kill.
 */
import type { ClientId } from '../../lib/base/ids.ts'
import type { JsonObject } from '../../lib/base/json.ts'
import { type AwarenessEntry, decodeAwarenessUpdate, encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { decodeFrame, encodeMessageFrame } from '../../lib/wire/frame.ts'
import type { Evidence, Path, PathId, Transport, TransportNeeds } from '../../lib/wire/transport.ts'

interface Node {
  readonly needs: TransportNeeds
  readonly room: string
  own: AwarenessEntry | undefined
  isStopped: boolean
}

interface Delivery {
  readonly from: Node
  readonly to: Node
  readonly kind: 'awareness' | 'message' | 'closed' | 'lost'
  readonly bytes: Uint8Array
}

export interface MemoryNetwork {
  createTransport(needs: TransportNeeds & { readonly room: string }): Transport
  /** Delivers what is queued, and what that causes. */
  flush(): void
  /** No frame passes between the two any more; each side hears that its way is lost. */
  cut(left: ClientId, right: ClientId): void
  heal(left: ClientId, right: ClientId): void
  /** The member ends without a word; the others hear that its channel closed. */
  kill(clientId: ClientId): void
  /** Sends bytes to a member as if they came from another. */
  inject(from: ClientId, to: ClientId, update: Uint8Array): void
  /** Frames sent so far, by kind. */
  readonly sent: { awareness: number; message: number }
}

/** `isFlowing`: each frame is delivered a task later without a flush. */
export function createMemoryNetwork({ isFlowing = false } = {}): MemoryNetwork {
  const nodes: Node[] = []
  const queue: Delivery[] = []
  const cuts = new Set<string>()
  const sent = { awareness: 0, message: 0 }

  const isConnected = (left: Node, right: Node) =>
    left !== right && left.room === right.room && !left.isStopped && !right.isStopped && !cuts.has(cutKey(left, right))
  const peersOf = (node: Node) => nodes.filter((other) => isConnected(node, other))
  const find = (clientId: ClientId) => nodes.findLast((node) => node.needs.clientId === clientId)

  const push = (delivery: Delivery) => {
    queue.push(delivery)
    if (isFlowing) setTimeout(flush, 0)
  }
  const flush = () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (!next.to.isStopped) deliver(next)
    }
  }
  const sendEntry = (from: Node, to: Node, entry: AwarenessEntry) => {
    sent.awareness += 1
    push({ from, to, kind: 'awareness', bytes: encodeAwarenessUpdate(entry) })
  }
  const tellBoth = (left: Node, right: Node, kind: 'closed' | 'lost') => {
    push({ from: left, to: right, kind, bytes: new Uint8Array() })
    push({ from: right, to: left, kind, bytes: new Uint8Array() })
  }

  return {
    sent,
    flush,
    createTransport(needs) {
      const node: Node = { needs, room: needs.room, own: undefined, isStopped: false }
      nodes.push(node)
      for (const peer of peersOf(node)) if (peer.own !== undefined) sendEntry(peer, node, peer.own)
      return {
        publish(state: JsonObject) {
          if (node.isStopped) return
          node.own = { clientId: needs.clientId, clock: needs.nextClock(), state }
          for (const peer of peersOf(node)) sendEntry(node, peer, node.own)
        },
        hold(state) {
          if (node.own !== undefined) node.own = { ...node.own, state }
        },
        send(message, to) {
          for (const peer of peersOf(node)) {
            if (to !== undefined && peer.needs.clientId !== to) continue
            sent.message += 1
            push({ from: node, to: peer, kind: 'message', bytes: encodeMessageFrame(message) })
          }
          return true
        },
        async stop() {
          if (node.isStopped) return
          for (const peer of peersOf(node))
            sendEntry(node, peer, { clientId: needs.clientId, clock: needs.nextClock(), state: null })
          node.isStopped = true
        },
        inspect: () => ({ paths: peersOf(node).map((peer) => pathFrom(peer)), servers: [] }),
      }
    },
    cut(left, right) {
      const [one, other] = [find(left), find(right)]
      if (one === undefined || other === undefined) throw new Error('cut: no such member')
      tellBoth(one, other, 'lost')
      cuts.add(cutKey(one, other))
    },
    heal(left, right) {
      const [one, other] = [find(left), find(right)]
      if (one === undefined || other === undefined) throw new Error('heal: no such member')
      cuts.delete(cutKey(one, other))
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        if (from.own === undefined) continue
        from.own = { ...from.own, clock: from.needs.nextClock() }
        sendEntry(from, to, from.own)
      }
    },
    kill(clientId) {
      const node = find(clientId)
      if (node === undefined) throw new Error('kill: no such member')
      for (const peer of peersOf(node)) push({ from: node, to: peer, kind: 'closed', bytes: new Uint8Array() })
      node.isStopped = true
    },
    inject(from, to, update) {
      const [sender, receiver] = [find(from), find(to)]
      if (sender === undefined || receiver === undefined) throw new Error('inject: no such member')
      push({ from: sender, to: receiver, kind: 'awareness', bytes: update })
    },
  }
}

const cutKey = (left: Node, right: Node) => [left.needs.clientId, right.needs.clientId].sort((a, b) => a - b).join('-')

const pathFrom = (node: Node): Path => ({
  id: `memory:${node.needs.clientId}` as PathId,
  kind: 'direct',
  clientId: node.needs.clientId,
})

function deliver({ from, to, kind, bytes }: Delivery): void {
  const path = pathFrom(from)
  if (kind === 'closed' || kind === 'lost') to.needs.onEvidence({ kind, path })
  else if (kind === 'message') deliverMessage(to, path, bytes)
  else deliverEntries(to, path, bytes)
}

function deliverMessage(to: Node, path: Path, bytes: Uint8Array): void {
  const frame = decodeFrame(bytes)
  if (frame.ok && frame.value.kind === 'message') to.needs.onMessage(path, frame.value)
}

function deliverEntries(to: Node, path: Path, bytes: Uint8Array): void {
  const entries = decodeAwarenessUpdate(bytes, to.needs.maxEntryBytes)
  if (!entries.ok) to.needs.rejects.count(entries.reason)
  for (const entry of entries.ok ? entries.value : []) {
    if (entry.clientId !== path.clientId) to.needs.rejects.count('not-owner')
    else to.needs.onEvidence(toEvidence(path, entry))
  }
}

function toEvidence(path: Path, entry: AwarenessEntry): Evidence {
  return entry.state === null ? { kind: 'goodbye', path, clock: entry.clock } : { kind: 'entry', path, entry }
}
