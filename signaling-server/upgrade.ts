/** What a request for a WebSocket is for, told from its headers alone: signaling, blind topics, a room, or nothing. Pure. */
import type { IncomingMessage } from 'node:http'
import { RELAY_SUBPROTOCOL } from '../lib/wire/relay-frame.ts'
import type { CountedEvent } from './counts.ts'
import { decodePath } from './url-path.ts'

export type Admission =
  | { readonly kind: 'signaling' }
  /** Our own protocol. */
  | { readonly kind: 'blind' }
  /** `key`: the client is ours, and the same on its next socket. */
  | { readonly kind: 'room'; readonly name: string; readonly key: string | undefined }
  | Refusal

export interface Refusal {
  readonly kind: 'refused'
  readonly status: 400 | 403 | 404 | 429 | 503
  readonly event: CountedEvent
}

const ROOM_PATH = '/yjs/'
/** The query parameter of our own clients: random, so that nobody else replaces their socket. */
const KEY_PARAMETER = 'copresence'
const KEY = /^[A-Za-z0-9_-]{16,64}$/

export const refusal = (status: Refusal['status'], event: CountedEvent): Refusal => ({ kind: 'refused', status, event })

/** `origins` empty: any. A client that sends no origin is no browser, and could send any. */
export function admitUpgrade(
  { url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  { origins, maxNameLength }: { origins: readonly string[]; maxNameLength: number },
): Admission {
  const { origin } = headers
  if (origins.length > 0 && origin !== undefined && !origins.includes(origin)) return refusal(403, 'refused-origin')
  const [path = '', ...query] = url.split('?')
  if (path === '/') {
    // The stock signaling has no subprotocol.
    const offered = headers['sec-websocket-protocol']
    if (offered === undefined) return { kind: 'signaling' }
    const isOurs = offered.split(',').some((protocol) => protocol.trim() === RELAY_SUBPROTOCOL)
    return isOurs ? { kind: 'blind' } : refusal(400, 'refused-request')
  }
  if (!path.startsWith(ROOM_PATH)) return refusal(404, 'refused-path')
  const name = decodePath(path.slice(ROOM_PATH.length))
  if (name === undefined || name === '' || name.length > maxNameLength) return refusal(400, 'refused-request')
  const keys = new URLSearchParams(query.join('?')).getAll(KEY_PARAMETER)
  if (keys.length > 1 || keys.some((key) => !KEY.test(key))) return refusal(400, 'refused-request')
  return { kind: 'room', name, key: keys[0] }
}
