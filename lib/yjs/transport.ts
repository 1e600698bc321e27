/**
 * The transport over unmodified y-webrtc and y-websocket, and a BroadcastChannel: unites the carriers, keeps our entry
 * fresh and ends everything in order. Removes no duplicates, since which path counts is the roster's to decide.
 *
 * In one y-webrtc module instance a room has one provider: a second transport of the same page and room does without
 * data channels until the first has stopped, and is reached by tabs and relays meanwhile.
 */
import * as Y from 'yjs'
import type { JsonObject } from '../base/json.ts'
import type { RandomBytes } from '../base/random.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import { encodeMessageFrame } from '../wire/frame.ts'
import type { Transport, TransportNeeds } from '../wire/transport.ts'
import type { Carrier, CarrierContext } from './carrier.ts'
import { createDocumentSync } from './document-sync.ts'
import { createFlush } from './flush.ts'
import { createLoader } from './loader.ts'
import type { WebRtcParts, YWebrtcModule } from './providers.ts'
import { createRenewal } from './renewal.ts'
import { taggedRoom } from './room-tag.ts'
import { createTabCarrier } from './tab-carrier.ts'

export interface YjsTransportNeeds extends TransportNeeds {
  /** Who is in the same room under the same secret meets. */
  readonly room: string
  /** `ws://` or `wss://`; several are redundancy. */
  readonly servers: readonly string[]
  readonly secret?: string
  readonly iceServers: readonly RTCIceServer[]
  /** false: no data channels; undefined: by what the platform has. */
  readonly webrtc: WebRtcParts | false | undefined
  /** Whether tabs and other instances of this process are met. */
  readonly tabs: boolean
  /** false: servers only introduce, nothing travels through them. */
  readonly relay?: boolean
  /** Given: it is synchronised. Its client id is `clientId`. */
  readonly doc?: Y.Doc
  readonly random: RandomBytes
  /** Default: the `y-webrtc` of this installation. */
  readonly loadYWebrtc?: () => Promise<YWebrtcModule>
}

export function createYjsTransport(needs: YjsTransportNeeds): Transport {
  const { clientId, clock, nextClock, rejects } = needs
  const servers = [...new Set(needs.servers.map((server) => server.replace(/\/+$/, '')))]
  const room = taggedRoom(needs.room, needs.secret)
  const carriers: Carrier[] = []
  let own: JsonObject | undefined
  let isStopped = false
  let ending: Promise<void> | undefined

  const ownEntry = (state: JsonObject | null): AwarenessEntry => ({ clientId, clock: nextClock(), state })
  const flush = createFlush(clock)
  const renewal = createRenewal(clock, () => {
    if (own !== undefined && !isStopped) transport.publish(own)
  })

  const context: CarrierContext = {
    clock,
    clientId,
    maxEntryBytes: needs.maxEntryBytes,
    rejects,
    refreshedEntry: () => (own === undefined || isStopped ? undefined : ownEntry(own)),
    currentEntry: (sent) => (own === undefined || isStopped || own === sent.state ? sent : ownEntry(own)),
    onEvidence(evidence) {
      if (!isStopped) needs.onEvidence(evidence)
    },
    onMessage(path, message, isEarly) {
      if (!isStopped) needs.onMessage(path, message, isEarly)
    },
    onTraffic: renewal.catchUp,
    onOwnGoodbye: renewal.object,
    onSuspect(suspect) {
      for (const carrier of carriers) carrier.probe(suspect)
    },
    onStatus() {
      if (!isStopped) needs.onStatus()
    },
  }

  const tabs = needs.tabs ? createTabCarrier(context, room) : undefined
  if (tabs !== undefined) carriers.push(tabs)
  // Without the user's document the providers get one of their own, which stays empty.
  const doc = needs.doc ?? new Y.Doc()
  if (needs.doc === undefined) doc.clientID = clientId
  const loader = createLoader({
    ...needs,
    context,
    servers,
    relayRoom: room,
    doc,
    isDocumentShared: needs.doc !== undefined,
    syncDocument: createDocumentSync(needs.doc, rejects),
    onCarrier: (carrier) => carriers.push(carrier),
  })

  async function end(): Promise<void> {
    isStopped = true
    renewal.stop()
    loader.stop()
    if (own !== undefined) {
      const goodbye = ownEntry(null)
      for (const carrier of carriers) carrier.publish(goodbye)
    }
    if (!flush.isCutShort()) await flush.wait(carriers)
    await Promise.all(carriers.map((carrier) => carrier.close()))
  }

  const transport: Transport = {
    publish(state) {
      if (isStopped) return
      own = state
      renewal.published()
      const entry = ownEntry(state)
      for (const carrier of carriers) carrier.publish(entry)
    },
    hold(state) {
      if (own !== undefined) own = state
    },
    send(message, to) {
      if (isStopped) return true
      const frame = encodeMessageFrame(message)
      for (const carrier of carriers) carrier.send(frame, to)
      return true
    },
    stop({ isImmediate = false } = {}) {
      if (isImmediate) flush.cutShort()
      ending ??= end()
      return ending
    },
    inspect: () => ({
      paths: isStopped ? [] : carriers.flatMap((carrier) => carrier.paths()),
      servers: loader.serverStates(),
    }),
  }
  return transport
}
