/** The HTTP side of the port: health, the files of the demo, and nothing else. Upgrades are not its business. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Limits } from './limits.ts'
import { type StaticFiles, serveStaticFile } from './static-files.ts'
import type { Refusal } from './upgrade.ts'

export interface HttpNeeds {
  readonly limits: Limits
  /** The files as they are known by now. */
  readonly files: () => StaticFiles
  /** What `/health` says beside that all is well. */
  readonly health: () => Record<string, number>
}

/** Connections beyond the sockets: requests for the page and for health, and sockets that are still asking. */
const EXTRA_CONNECTIONS = 512
/** A connection with a request that moves nothing for so long is ended; sockets have their own rules. */
const IDLE_MS = 30_000

export function createHttpServer({ limits, files, health }: HttpNeeds): Server {
  const { headerTimeoutMs } = limits
  const server = createServer(
    {
      headersTimeout: headerTimeoutMs,
      requestTimeout: headerTimeoutMs,
      // Node looks at the two timeouts above only this often, and by default every 30 s.
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(headerTimeoutMs / 4)),
      keepAliveTimeout: 5_000,
    },
    (request, response) => answer(request, response, { files: files(), health }),
  )
  server.maxConnections = limits.maxSockets + EXTRA_CONNECTIONS
  server.timeout = IDLE_MS
  return server
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { files, health }: { files: StaticFiles; health: HttpNeeds['health'] },
): void {
  response.on('error', () => response.destroy())
  const path = request.url?.split('?')[0] ?? ''
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    // A body that may follow is not read: the connection ends with the answer.
    answerText(response, 405, { Allow: 'GET, HEAD', Connection: 'close' })
  } else if (path === '/health') {
    const body = JSON.stringify({ status: 'ok', ...health() })
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
    response.end(body)
  } else if (!serveStaticFile(files, path, response)) answerText(response, 404)
}

function answerText(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
  response.end(`${STATUS_CODES[status]}\n`)
}

/** Answers a request for a WebSocket that gets none. */
export function refuseUpgrade(socket: Duplex, { status }: Refusal): void {
  const retry = status === 503 || status === 429 ? 'Retry-After: 5\r\n' : ''
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n${retry}\r\n`)
}
