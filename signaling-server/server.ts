/**
 * The signaling/relay server: one port for health, the demo, our own protocol and y-webrtc's signaling at `/`, told apart
 * by the subprotocol, and the y-websocket protocol at `/yjs/<room>`. Owns the port, the sockets and the timers; keeps no presence and no document.
 */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { RELAY_SUBPROTOCOL } from '../lib/wire/relay-frame.ts'
import { createAddressCounter } from './addresses.ts'
import { handleBlindSocket } from './blind-socket.ts'
import { createBlindTopics } from './blind-topics.ts'
import { type CountedEvent, createCounts } from './counts.ts'
import { CLOSE, type GuardedSocket, guardSocket, type SocketHandler } from './guarded-socket.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createHttpServer, refuseUpgrade } from './http.ts'
import { resolveSettings, type SignalingServerOptions } from './options.ts'
import { createRooms } from './rooms.ts'
import { readStaticFiles, type StaticFiles } from './static-files.ts'
import { createTopics } from './topics.ts'
import { type Admission, admitUpgrade, type Refusal, refusal } from './upgrade.ts'

/** A snapshot: plain, and of no further use to the server. */
export interface SignalingServerStats {
  /** Open sockets. */
  readonly connections: number
  /** Topics of `/` with at least one socket, of both protocols. */
  readonly topics: number
  /** Rooms of `/yjs/` with at least one socket. */
  readonly rooms: number
  /** How often what happened since the start, refusals by their reason. */
  readonly counts: Readonly<Partial<Record<CountedEvent, number>>>
}

export interface SignalingServer {
  /** Resolves when it listens; rejects when it cannot, and then nothing is left of it. */
  readonly ready: Promise<void>
  /** For example `ws://127.0.0.1:4444`; before `ready`, with the port that was asked for. */
  readonly url: string
  /** The port it listens on, or did. */
  readonly port: number
  stats(): SignalingServerStats
  /**
   * Closes every socket with 1001, without telling their rooms that they ended: a server's end is not its members'.
   * Resolves when nothing is left, after `closeTimeoutMs` at the latest. Calling it again returns the same promise.
   */
  close(): Promise<void>
}

/** @throws PresenceError `invalid-option`. */
export function createSignalingServer(options: SignalingServerOptions = {}): SignalingServer {
  const { host, port, origins, hosts, demo, limits } = resolveSettings(options)
  const now = () => performance.now()
  const counts = createCounts()
  const sockets = new Set<GuardedSocket>()
  const addresses = createAddressCounter(limits.maxSocketsPerIp)
  const topics = createTopics({ limits, counts })
  const blindTopics = createBlindTopics({ limits, counts })
  const rooms = createRooms({ limits, counts, now })
  const heartbeat = createHeartbeat({ limits, now, sockets, keepAlive: () => rooms.keepAlive() })
  let files: StaticFiles = new Map()
  let actualPort = port
  let closing: Promise<void> | undefined
  const present = () => ({
    connections: sockets.size,
    topics: topics.size + blindTopics.size,
    rooms: rooms.size,
  })

  const http = createHttpServer({
    limits,
    files: () => files,
    health: () => present(),
  })
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(RELAY_SUBPROTOCOL) ? RELAY_SUBPROTOCOL : ([...offered][0] ?? false)),
    maxPayload: limits.maxPayloadBytes,
    // Many tiny pieces of one message cost far more memory than their bytes; browsers send few.
    maxFragments: 1_024,
    maxBufferedChunks: 4_096,
  })

  const admit = (request: IncomingMessage): Admission => {
    const admission = admitUpgrade(request, { origins, maxNameLength: limits.maxNameLength })
    if (admission.kind === 'refused') return admission
    if (closing !== undefined || sockets.size >= limits.maxSockets) return refusal(503, 'refused-sockets')
    if (!addresses.hasPlace(request.socket.remoteAddress)) return refusal(429, 'refused-ip')
    const isFull = admission.kind === 'room' && !rooms.hasPlace(admission.name, admission.key)
    return isFull ? refusal(503, 'refused-room-full') : admission
  }

  const handlerOf = (socket: GuardedSocket, admission: Exclude<Admission, Refusal>): SocketHandler => {
    switch (admission.kind) {
      case 'signaling':
        return topics.handle(socket)
      case 'blind':
        return handleBlindSocket(socket, { topics: blindTopics, counts, hosts, limits })
      case 'room':
        return rooms.handle(socket, admission.name, admission.key)
    }
  }

  const open = (request: IncomingMessage, stream: Duplex, head: Buffer, admission: Exclude<Admission, Refusal>) => {
    webSockets.handleUpgrade(request, stream, head, (ws) => {
      const release = addresses.take(request.socket.remoteAddress)
      const onEnd = (socket: GuardedSocket) => {
        sockets.delete(socket)
        release()
      }
      const socket = guardSocket(ws, { limits, counts, now, onEnd }, (socket) => handlerOf(socket, admission))
      sockets.add(socket)
    })
  }

  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const admission = admit(request)
    if (admission.kind !== 'refused') return open(request, stream, head, admission)
    counts.count(admission.event)
    refuseUpgrade(stream, admission)
  })

  const listen = async () => {
    files = await readStaticFiles(demo)
    if (closing !== undefined) throw new Error('The server was closed before it listened.')
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject)
      http.listen(port, host, () => {
        http.off('error', reject)
        // Errors of accepting, e.g. too many open files: the server goes on with what it has.
        http.on('error', () => counts.count('refused-sockets'))
        actualPort = (http.address() as AddressInfo).port
        heartbeat.start()
        resolve()
      })
    })
  }

  const stop = async () => {
    await ready.catch(() => undefined)
    heartbeat.stop()
    rooms.silence()
    blindTopics.silence()
    const isStopped = new Promise<void>((resolve) => (http.listening ? http.close(() => resolve()) : resolve()))
    for (const socket of [...sockets]) socket.close(CLOSE.goingAway)
    http.closeIdleConnections()
    const stragglers = setTimeout(() => http.closeAllConnections(), limits.closeTimeoutMs)
    await isStopped
    clearTimeout(stragglers)
  }

  const ready = listen()
  // Whoever does not wait for `ready` may still not be ended by it.
  ready.catch(() => undefined)

  return {
    ready,
    get url() {
      return `ws://${reachable(host)}:${actualPort}`
    },
    get port() {
      return actualPort
    },
    stats: () => ({ ...present(), counts: counts.totals() }),
    close() {
      closing ??= stop()
      return closing
    },
  }
}

/** A host as a URL has it; for "every address", the one that this machine reaches itself by. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
