/**
 * Brings the carriers that need a server to life, once the providers are loaded: a relay per server, and data channels
 * where WebRTC is possible. A failed load is tried again, as a page may be offline when it asks for its own parts.
 */
import type * as Y from 'yjs'
import { createBackoff } from '../base/backoff.ts'
import { type RandomBytes, randomSecret } from '../base/random.ts'
import type { ServerState } from '../wire/transport.ts'
import type { Carrier, CarrierContext } from './carrier.ts'
import type { DocumentSync } from './document-sync.ts'
import {
  claimRoom,
  loadRelayModules,
  loadYWebrtc,
  peerOptions,
  type WebRtcParts,
  type YWebrtcModule,
} from './providers.ts'
import { createRelayCarrier, type RelayCarrier } from './relay-carrier.ts'
import { RETRY } from './timing.ts'
import { createWebrtcCarrier } from './webrtc-carrier.ts'

export interface LoaderNeeds {
  readonly context: CarrierContext
  /** Each once, without a slash at its end. */
  readonly servers: readonly string[]
  /** For y-webrtc, which adds the secret by itself. */
  readonly room: string
  readonly relayRoom: string
  readonly secret?: string
  readonly iceServers: readonly RTCIceServer[]
  readonly webrtc: WebRtcParts | false | undefined
  readonly relay?: boolean
  readonly doc: Y.Doc
  readonly isDocumentShared: boolean
  readonly syncDocument: DocumentSync
  readonly random: RandomBytes
  readonly loadYWebrtc?: () => Promise<YWebrtcModule>
  onCarrier(carrier: Carrier): void
}

export interface Loader {
  serverStates(): { url: string; state: ServerState }[]
  /** Nothing is brought to life from now on. */
  stop(): void
}

export function createLoader(needs: LoaderNeeds): Loader {
  const { context, doc, random, servers, syncDocument } = needs
  const relays = new Map<string, RelayCarrier>()
  const createRetry = () => createBackoff({ clock: context.clock, random, ...RETRY })
  const retries = [createRetry(), createRetry()]
  let isStopped = false
  let giveUpClaim: (() => void) | undefined

  async function startRelays(): Promise<void> {
    const modules = await loadRelayModules()
    if (isStopped) return
    for (const [serverIndex, server] of servers.entries()) {
      const { isDocumentShared, relayRoom: room } = needs
      // One key for each: a server that has two addresses must not take one socket for the other's successor.
      const key = randomSecret(random)
      const relay = createRelayCarrier({
        ...modules,
        context,
        server,
        serverIndex,
        room,
        key,
        doc,
        isDocumentShared,
        syncDocument,
        random,
      })
      relays.set(server, relay)
      needs.onCarrier(relay)
    }
    context.onStatus()
  }

  async function startWebrtc(options: NonNullable<ReturnType<typeof peerOptions>>): Promise<void> {
    const module = await loadYWebrtc(needs.loadYWebrtc)
    const openable = servers.filter(isOpenable)
    if (isStopped || openable.length === 0) return
    let isTaken = false
    const giveUp = claimRoom(module, needs.room, (release) => {
      isTaken = true
      giveUpClaim = undefined
      needs.onCarrier(
        createWebrtcCarrier({
          context,
          Provider: module.WebrtcProvider,
          servers: openable,
          room: needs.room,
          secret: needs.secret,
          peerOptions: options,
          doc,
          syncDocument,
          random,
          onReleased: release,
        }),
      )
    })
    // While it is held it is not given up but released, when y-webrtc has let go of the room.
    if (!isTaken) giveUpClaim = giveUp
  }

  /** Runs a start, and again later where the load failed; what it starts never throws by itself. */
  function start(task: () => Promise<void>, retry = createRetry()): void {
    task().catch(() => {
      // The server of the page is away, or a part of the installation is missing: the relays' state shows it.
      if (!isStopped) retry.schedule(() => start(task, retry))
    })
  }

  const options = peerOptions(needs)
  if (servers.length > 0) {
    if (needs.relay !== false) start(startRelays, retries[0])
    if (options !== undefined) start(() => startWebrtc(options), retries[1])
  }

  return {
    serverStates: () =>
      servers.map((url) => ({ url, state: isStopped ? 'closed' : (relays.get(url)?.state() ?? 'connecting') })),
    stop() {
      isStopped = true
      giveUpClaim?.()
      for (const retry of retries) retry.stop()
    },
  }
}

/** Whether the page may open a socket to the server at all: y-webrtc cannot be made with one that throws. */
function isOpenable(server: string): boolean {
  try {
    const { hostname, protocol } = new URL(server)
    const isSecurePage = globalThis.location?.protocol === 'https:'
    const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1'
    return protocol === 'wss:' || (protocol === 'ws:' && (!isSecurePage || isLocal))
  } catch {
    // Not a URL: the relay to it shows as closed.
    return false
  }
}
