/** Members of one room over real sockets and data channels, and a log of what each transport told. Knows no rule. */
import wrtc from '@roamhq/wrtc'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import type { ClientId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { MessageFrame } from '../../lib/wire/frame.ts'
import { maxEntryBytes } from '../../lib/wire/limits.ts'
import { createRejectCounter, type RejectCounter } from '../../lib/wire/result.ts'
import type { Evidence, Path, PathKind, Transport } from '../../lib/wire/transport.ts'
import type { WebRtcParts, YWebrtcModule } from '../../lib/yjs/providers.ts'
import { createYjsTransport, type YjsTransportNeeds } from '../../lib/yjs/transport.ts'
import {
  createSignalingServer,
  type SignalingServer,
  type SignalingServerOptions,
} from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'

export const WEBRTC: WebRtcParts = wrtc
/** Long enough for ICE on a busy machine of two cores. */
export const MEET_MS = 15_000

export async function startServer(options: SignalingServerOptions = {}): Promise<SignalingServer> {
  const server = createSignalingServer({ port: 0, ...options })
  onTestFinished(() => server.close())
  await server.ready
  return server
}

const NATIVE_IMPORT = 'data:text/javascript,export const load = (url) => import(url)'
let instances = 0
/** Another instance of y-webrtc, as another page has: one instance knows one provider per room. */
export async function loadOwnYWebrtc(): Promise<YWebrtcModule> {
  // reason: the test runner's own import would hand out one instance for every query.
  const { load } = await import(/* @vite-ignore */ NATIVE_IMPORT)
  const url = new URL('../../node_modules/y-webrtc/src/y-webrtc.js', import.meta.url)
  url.searchParams.set('i', String(++instances))
  return load(url.href) as Promise<YWebrtcModule>
}
export interface Member {
  readonly clientId: ClientId
  readonly transport: Transport
  readonly evidence: Evidence[]
  readonly messages: { path: Path; message: MessageFrame }[]
  readonly rejects: RejectCounter
  /** Publishes a state with our presence field, so that others take the member for one of ours. */
  say(text: string): void
  /** The last state that came of a client by one kind of path, in words; undefined before the first. */
  heard(from: Member | { readonly clientId: ClientId }, kind?: PathKind): unknown
  /** Kinds of evidence told of a client, in order, e.g. `direct entry`. */
  told(from: { readonly clientId: ClientId }): string[]
  hasPath(to: { readonly clientId: ClientId }, kind: PathKind): boolean
}

let clientIds = 1_000
let rooms = 0
export function freshClientId(): ClientId {
  clientIds += 7
  return clientIds as ClientId
}
export const freshRoom = (): string => `room ${process.pid}/${++rooms}`

export function createMember(options: Partial<YjsTransportNeeds> & { room: string }): Member {
  const clientId = options.clientId ?? freshClientId()
  const evidence: Evidence[] = []
  const messages: Member['messages'] = []
  const rejects = createRejectCounter()
  let clock = 0
  const transport = createYjsTransport({
    clock: systemClock,
    clientId,
    nextClock: () => ++clock,
    maxEntryBytes: maxEntryBytes(16_384),
    rejects,
    shown: () => [],
    onEvidence: (told) => evidence.push(told),
    onMessage: (path, message) => messages.push({ path, message }),
    onStatus: () => undefined,
    servers: [],
    iceServers: [],
    webrtc: false,
    tabs: false,
    random: systemRandom,
    loadYWebrtc: loadOwnYWebrtc,
    ...options,
  })
  onTestFinished(() => transport.stop())
  return {
    clientId,
    transport,
    evidence,
    messages,
    rejects,
    say: (text) => transport.publish({ text, copresence: {} }),
    heard(from, kind) {
      const entry = evidence.findLast(
        (told) => told.kind === 'entry' && told.path.clientId === from.clientId && (!kind || told.path.kind === kind),
      )
      return entry?.kind === 'entry' ? entry.entry.state?.text : undefined
    },
    told: (from) =>
      evidence.filter(({ path }) => path.clientId === from.clientId).map(({ kind, path }) => `${path.kind} ${kind}`),
    hasPath: (to, kind) =>
      transport.inspect().paths.some((path) => path.clientId === to.clientId && path.kind === kind),
  }
}

/** Waits until every member has a path of this kind to every other. */
export const untilMet = (members: readonly Member[], kind: PathKind): Promise<unknown> =>
  until(
    `everybody to reach everybody, ${kind}`,
    () => members.every((one) => members.every((other) => one === other || one.hasPath(other, kind))),
    {
      timeoutMs: MEET_MS,
      seen: () => members.map(({ transport, rejects }) => ({ ...transport.inspect(), rejects: rejects.totals() })),
    },
  )

/** What the stock packages print is a user's console. */
export function watchConsole(): string[] {
  const lines: string[] = []
  const { error, warn } = console
  console.error = console.warn = (...parts: unknown[]) => void lines.push(parts.map(String).join(' '))
  onTestFinished(() => {
    console.error = error
    console.warn = warn
  })
  return lines
}
