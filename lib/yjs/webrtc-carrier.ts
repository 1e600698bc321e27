/**
 * Data channels through an unmodified y-webrtc provider, behind an awareness port and a guard. y-webrtc announces the
 * room, exchanges descriptions and opens connections; its BroadcastChannel and its page listeners are switched off, since
 * tabs and goodbyes are somebody else's here.
 */
import type { WebrtcProvider } from 'y-webrtc'
import type * as Y from 'yjs'
import type { RandomBytes } from '../base/random.ts'
import { createAwarenessPort } from './awareness-port.ts'
import type { Carrier, CarrierContext } from './carrier.ts'
import type { DocumentSync } from './document-sync.ts'
import { guardSignaling, type TopicGuard } from './signaling-guard.ts'
import { createSignalingIntake } from './signaling-intake.ts'
import { endSocket } from './socket-end.ts'
import type { StockProvider, StockRoom } from './stock.ts'
import { createWebrtcGuard, type WebrtcGuard } from './webrtc-guard.ts'

export interface WebrtcNeeds {
  readonly context: CarrierContext
  readonly Provider: typeof WebrtcProvider
  /** `ws://host`, without a slash at its end, each once. */
  readonly servers: readonly string[]
  readonly room: string
  readonly secret: string | undefined
  /** For simple-peer: ICE servers, and the WebRTC implementation where the platform has none. */
  readonly peerOptions: { readonly config: RTCConfiguration; readonly wrtc?: object }
  readonly doc: Y.Doc
  readonly syncDocument: DocumentSync
  readonly random: RandomBytes
  /** The room's name is free for another provider of the same module. */
  onReleased(): void
}

export function createWebrtcCarrier(needs: WebrtcNeeds): Carrier {
  const { context, doc } = needs
  const port = createAwarenessPort(doc, context.clientId)
  let guard: WebrtcGuard | undefined
  let isClosed = false

  const stock = new needs.Provider(needs.room, doc, {
    signaling: [...needs.servers],
    ...(needs.secret === undefined ? {} : { password: needs.secret }),
    awareness: port as unknown as WebrtcProvider['awareness'],
    // The guard counts; y-webrtc's own limit would be full of connections that never open.
    maxConns: Number.MAX_SAFE_INTEGER,
    filterBcConns: false,
    peerOpts: needs.peerOptions,
  })
  const provider = stock as unknown as StockProvider
  // [A9] The user's document may end before we leave: y-webrtc would say goodbye for us.
  doc.off('destroy', provider.destroy)
  // y-webrtc makes the room once the key is derived, and uses it in the same breath: the guard stands in between.
  let room: StockRoom | null = null
  Object.defineProperty(provider, 'room', {
    get: () => room,
    set(made: StockRoom) {
      room = made
      guard = openGuarded(made)
    },
  })
  const intake = createSignalingIntake({
    rejects: context.rejects,
    room: () => room ?? undefined,
    guard: () => guard,
  })
  const topicGuard: TopicGuard = {
    clock: context.clock,
    random: needs.random,
    rejects: context.rejects,
    receive: intake.receive,
  }
  const releases = provider.signalingConns.map((conn) => guardSignaling(conn, needs.room, topicGuard))

  function openGuarded(made: StockRoom): WebrtcGuard {
    silence(made)
    return createWebrtcGuard({ context, room: made, port, syncDocument: needs.syncDocument })
  }

  /** After the key: until then y-webrtc has no room to leave. */
  async function close(): Promise<void> {
    await provider.key
    intake.stop()
    guard?.stop()
    provider.maxConns = -1
    const sockets = provider.signalingConns.filter((conn) => conn.providers.size === 1).map(({ ws }) => ws)
    provider.disconnect()
    // `destroy` would disconnect once more, and that opens a BroadcastChannel which nobody closes.
    if (room !== null) room.disconnect = () => undefined
    provider.destroy()
    await provider.key
    for (const release of releases) release()
    needs.onReleased()
    await Promise.all(sockets.map((socket) => endSocket(context.clock, socket)))
  }

  const links = () => guard?.links() ?? []
  let closing: Promise<void> | undefined

  return {
    publish: (entry) => (isClosed ? undefined : port.publish(entry)),
    send(frame, to) {
      for (const link of links()) if (to === undefined || link.clientId() === to) link.sendMessage(frame)
    },
    probe(clientId) {
      for (const link of links()) if (link.clientId() === clientId) link.probe()
    },
    paths: () => links().flatMap((link) => link.path() ?? []),
    backlogBytes: () => links().reduce((bytes, link) => bytes + link.backlogBytes(), 0),
    lingers: () => links().some((link) => link.isOpen()),
    close() {
      isClosed = true
      closing ??= close()
      return closing
    },
  }
}

/** Switches off what y-webrtc does beside its connections, before it does it for the first time. */
function silence(room: StockRoom): void {
  room.mux = () => undefined
  room._bcSubscriber = () => undefined
  // While this says no, nothing is encrypted for a BroadcastChannel that nothing is sent by.
  Object.defineProperty(room, 'bcconnected', { get: () => false, set: () => undefined })
  // Its listener disconnects every room when the page is about to close, also when the user then stays.
  if (typeof window !== 'undefined') window.removeEventListener('beforeunload', room._beforeUnloadHandler)
  else if (typeof process !== 'undefined') process.off('exit', room._beforeUnloadHandler)
}
