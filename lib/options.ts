/** What a Realtime is given: checked, with defaults. Every refusal names the option, the value and what would do. */
import { PresenceError, show } from './base/errors.ts'
import type { ParticipantId } from './base/ids.ts'
import { isJsonObject } from './base/json.ts'
import type { RandomBytes } from './base/random.ts'
import { randomParticipantId } from './base/random.ts'
import { DEFAULT_MAX_DATA_BYTES, LARGEST_MAX_DATA_BYTES, MAX_NAME_LENGTH } from './wire/limits.ts'

/** WebRTC for environments without their own, such as Node. */
export interface WebRtcImplementation {
  RTCPeerConnection: unknown
  RTCSessionDescription?: unknown
  RTCIceCandidate?: unknown
}

export interface RealtimeOptions {
  /** Who we are. Default id: `sv-` and 30 of [a-z0-9]; default name: `''`. */
  participant?: { id: string; name?: string }
  /** Namespace: the same channel name in another app is another channel. At most 256 characters. */
  app?: string
  /**
   * Signaling/relay servers, `ws://` or `wss://`, no query or fragment; several are redundancy. Default: the page's own origin,
   * `[]` elsewhere.
   */
  servers?: string[]
  /** Channel secret, 1 to 1024 characters: see `createSecret()`. */
  secret?: string
  /** STUN and TURN servers for WebRTC, `turn:` with username and credential. Default `[]`. */
  iceServers?: RTCIceServer[]
  /** An implementation where the environment has none; `false`: relay and tabs only. */
  webrtc?: WebRtcImplementation | false
  /**
   * `links` (the default): links of our own, whose entries nobody can forge. `yjs`: y-webrtc and y-websocket, to meet stock Yjs
   * clients in their rooms, with their weaker promises. Members meet those of the same transport only.
   */
  transport?: 'links' | 'yjs'
  /** Shortest time between two sends of one participant in ms, 0 to 60000, default 16. */
  updateIntervalMs?: number
  /** JSON bytes of the merged data, 2 to 65536, default 16384. The same on every member of a channel. */
  maxDataBytes?: number
  /** Accepted for drop-in use, ignored. */
  environment?: unknown
  /** Logs what happens to `console.debug`; never a payload or a secret. */
  debug?: boolean
}

/** The hosted product's auth argument: its string or `clientId` is the `app`, its `secret` is ignored. */
export type Auth = string | { clientId: string; secret: string }

export interface Settings {
  readonly participant: { readonly id: ParticipantId; readonly name: string }
  readonly app: string | undefined
  readonly servers: readonly string[]
  readonly secret: string | undefined
  readonly iceServers: readonly RTCIceServer[]
  readonly webrtc: WebRtcImplementation | false | undefined
  readonly transport: 'links' | 'yjs'
  readonly updateIntervalMs: number
  readonly maxDataBytes: number
  readonly isDebug: boolean
}

/** One frame of a 60 Hz display: no screen shows more. */
const DEFAULT_UPDATE_INTERVAL_MS = 16
const LARGEST_UPDATE_INTERVAL_MS = 60_000
/** `{}`, which every participant begins with. */
const SMALLEST_MAX_DATA_BYTES = 2
const MAX_APP_LENGTH = 256
const MAX_SECRET_LENGTH = 1_024
/** Half a character has no bytes of its own: two different texts would become the same. */
const LONE_SURROGATE = /\p{Surrogate}/u
const NAME_CHARACTERS = `2 to 64 characters: letters, digits, spaces and -_&@+=,(){}[]/«».|'"#`
const NAME_PATTERN = /^[-_&@+=,(){}[\]/«».|'"#a-zA-Z0-9À-ÿ\s]{2,64}$/

/** @throws PresenceError `invalid-option`, `invalid-id` or `invalid-name`. */
export function readSettings(auth: Auth | undefined, options: RealtimeOptions, random: RandomBytes): Settings {
  check('options', options, isJsonObject(options), 'an object')
  const { app, environment, iceServers = [], participant, secret, servers, ...others } = options
  const { debug = false, maxDataBytes = DEFAULT_MAX_DATA_BYTES, transport = 'links', webrtc, ...more } = others
  const { updateIntervalMs = DEFAULT_UPDATE_INTERVAL_MS, ...unknown } = more
  refuseUnknown('option', unknown)
  check(
    'secret',
    '(not shown)',
    secret === undefined || isText(secret, 1, MAX_SECRET_LENGTH),
    `1 to ${MAX_SECRET_LENGTH} characters`,
  )
  check(
    'iceServers',
    '(not shown)',
    Array.isArray(iceServers) && iceServers.every(isIceServer),
    'an array of RTCIceServer: stun: or turn: urls, turn: with username and credential',
  )
  check(
    'webrtc',
    webrtc,
    webrtc === undefined || webrtc === false || isWebRtc(webrtc),
    'false or { RTCPeerConnection, … }',
  )
  check('transport', transport, transport === 'links' || transport === 'yjs', "'links' or 'yjs'")
  check(
    'updateIntervalMs',
    updateIntervalMs,
    isWithin(updateIntervalMs, 0, LARGEST_UPDATE_INTERVAL_MS),
    `0 to ${LARGEST_UPDATE_INTERVAL_MS} ms`,
  )
  const isSize =
    Number.isInteger(maxDataBytes) && isWithin(maxDataBytes, SMALLEST_MAX_DATA_BYTES, LARGEST_MAX_DATA_BYTES)
  check(
    'maxDataBytes',
    maxDataBytes,
    isSize,
    `a whole number from ${SMALLEST_MAX_DATA_BYTES} to ${LARGEST_MAX_DATA_BYTES}`,
  )
  check('debug', debug, typeof debug === 'boolean', 'true or false')
  return {
    participant: readParticipant(participant, random),
    app: readApp(auth, app),
    servers: readServers(servers),
    secret,
    iceServers,
    webrtc,
    transport,
    updateIntervalMs,
    maxDataBytes,
    isDebug: debug,
  }
}

/** @throws PresenceError `invalid-name`. */
export function checkChannelName(name: unknown): asserts name is string {
  if (typeof name === 'string' && NAME_PATTERN.test(name)) return
  throw new PresenceError('invalid-name', `A channel's name has ${NAME_CHARACTERS}; this is ${show(name)}.`)
}

/** @throws PresenceError `invalid-option`; its message shows nothing of a document, which is the user's. */
export function checkChannelOptions(options: { doc?: unknown; sync?: unknown }): void {
  check('options', options, isJsonObject(options), 'an object')
  const { doc, sync, ...unknown } = options
  check('doc', '(not shown)', doc === undefined || isDoc(doc), 'a Y.Doc')
  check('sync', sync, sync === undefined || typeof sync === 'boolean', 'true or false')
  refuseUnknown('channel option', unknown)
}

function readParticipant(participant: unknown, random: RandomBytes): Settings['participant'] {
  if (participant === undefined) return { id: randomParticipantId(random), name: '' }
  check('participant', participant, isJsonObject(participant), 'an object with an id')
  const { id, name = '' } = participant as { id?: unknown; name?: unknown }
  if (typeof id !== 'string' || !NAME_PATTERN.test(id)) {
    throw new PresenceError('invalid-id', `A participant's id has ${NAME_CHARACTERS}; this is ${show(id)}.`, {
      hint: 'Give participant.id, e.g. your user id, or leave participant out for a random one.',
    })
  }
  if (!isText(name, 0, MAX_NAME_LENGTH)) {
    throw new PresenceError(
      'invalid-name',
      `A participant's name is a string of at most ${MAX_NAME_LENGTH} characters; this is ${show(name)}.`,
    )
  }
  return Object.freeze({ id: id as ParticipantId, name })
}

function readApp(auth: Auth | undefined, app: unknown): string | undefined {
  const fromAuth = typeof auth === 'object' && auth !== null ? auth.clientId : auth
  check(
    'auth',
    '(not shown)',
    fromAuth === undefined || isText(fromAuth, 0, MAX_APP_LENGTH),
    `a string, or { clientId, secret }, of at most ${MAX_APP_LENGTH} characters`,
  )
  check(
    'app',
    app,
    app === undefined || isText(app, 0, MAX_APP_LENGTH),
    `a string of at most ${MAX_APP_LENGTH} characters`,
  )
  return (app as string | undefined) ?? fromAuth
}

function readServers(servers: unknown): readonly string[] {
  if (servers === undefined) return pageOrigin()
  check('servers', servers, Array.isArray(servers), 'an array of ws:// or wss:// addresses')
  return Array.from(servers as unknown[]).map((server) => {
    check(
      'servers',
      withoutQuery(server),
      isWebSocketUrl(server),
      'ws:// or wss:// addresses without query or fragment, e.g. wss://presence.example.org',
    )
    return asDialled(server as string)
  })
}

/** The page's own origin as a server; none outside a page that came over http. */
function pageOrigin(): readonly string[] {
  const location: { protocol: string; host: string } | undefined = globalThis.location
  return location !== undefined && /^https?:$/.test(location.protocol)
    ? [`${location.protocol.replace('http', 'ws')}//${location.host}`]
    : []
}

function isWebSocketUrl(value: unknown): boolean {
  if (typeof value !== 'string' || /[\s?#]/.test(value) || !URL.canParse(value)) return false
  return /^wss?:$/.test(new URL(value).protocol)
}

/** One spelling of a server without a path; a path is the operator's, with or without a slash at its end. */
const asDialled = (server: string): string =>
  /^\/+$/.test(new URL(server).pathname) ? server.replace(/\/+$/, '') : server

/** A query may hold a token, which no error shows. */
const withoutQuery = (server: unknown): unknown =>
  typeof server === 'string' ? server.replace(/[?#].*$/, '?…') : server

/** What a browser refuses would else be WebRTC turned off, without a word. */
function isIceServer(value: unknown): boolean {
  const { urls, username, credential } = Object(value) as Partial<RTCIceServer>
  const hasBoth = [username, credential].every((text) => typeof text === 'string' && text !== '')
  const all = [urls].flat()
  return all.length > 0 && all.every((url) => (hasBoth ? /^(stun|turn)s?:./ : /^stuns?:./).test(String(url)))
}

/** By its shape: a page may hold a second copy of yjs. */
function isDoc(doc: unknown): boolean {
  const { clientID, on, store } = Object(doc) as { clientID?: unknown; on?: unknown; store?: unknown }
  return Number.isSafeInteger(clientID) && Number(clientID) >= 0 && typeof on === 'function' && store !== undefined
}

const isText = (value: unknown, minLength: number, maxLength: number): value is string =>
  typeof value === 'string' && value.length >= minLength && value.length <= maxLength && !LONE_SURROGATE.test(value)

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most

const isWebRtc = (value: unknown): boolean =>
  typeof (Object(value) as Partial<WebRtcImplementation>).RTCPeerConnection === 'function'

/** What is misspelt would be left out without a word: of a secret, that is everything. */
function refuseUnknown(what: string, unknown: Readonly<Record<string, unknown>>): void {
  const name = Object.keys(unknown).find((key) => unknown[key] !== undefined)
  if (name !== undefined) throw new PresenceError('invalid-option', `There is no ${what} named ${show(name)}.`)
}

function check(option: string, value: unknown, isGood: boolean, wanted: string): void {
  if (isGood) return
  throw new PresenceError('invalid-option', `Option ${option} must be ${wanted}; this is ${show(value)}.`)
}
