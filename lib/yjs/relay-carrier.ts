/**
 * One relay server through an unmodified y-websocket provider. The provider opens the socket, sends our entry from its
 * port and keeps watch over silence; every frame that comes in is read here and never reaches its own handlers. When to
 * connect again is decided here too, since the provider's timer cannot be stopped.
 */
import { getUnixTime } from 'lib0/time'
import type { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { createBackoff } from '../base/backoff.ts'
import type { RandomBytes } from '../base/random.ts'
import { createTokenBucket } from '../base/token-bucket.ts'
import type { AwarenessEntry } from '../wire/awareness-update.ts'
import { encodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { decodeFrame, encodeAwarenessFrame, type Frame } from '../wire/frame.ts'
import { MAX_FRAME_BYTES } from '../wire/limits.ts'
import type { PathId, ServerState } from '../wire/transport.ts'
import { createAwarenessPort } from './awareness-port.ts'
import type { Carrier, CarrierContext } from './carrier.ts'
import { createClientPaths } from './client-paths.ts'
import type { DocumentSync } from './document-sync.ts'
import { endSocket } from './socket-end.ts'
import { BACKLOG_CHECK_MS, MAX_BACKLOG_BYTES, REFUSED_RETRY_MS, RELAY_ENTRY_BYTES_PER_SECOND, RETRY } from './timing.ts'

export interface RelayNeeds {
  readonly context: CarrierContext
  readonly Provider: typeof WebsocketProvider
  readonly WebSocketClass: typeof WebSocket
  /** `ws://host`, without a slash at its end. */
  readonly server: string
  readonly serverIndex: number
  /** The room, its tag included. */
  readonly room: string
  /** Tells our server that frames of kind `message` are understood here, and which of our sockets replaces which. */
  readonly key: string
  readonly doc: Y.Doc
  readonly isDocumentShared: boolean
  readonly syncDocument: DocumentSync
  readonly random: RandomBytes
}

export interface RelayCarrier extends Carrier {
  state(): ServerState
}

/** A URL takes `..` for the way up, escaped or not: that one room has another name on the wire. */
const roomPath = (room: string): string => (room === '..' ? '..~' : encodeURIComponent(room))

export function createRelayCarrier(needs: RelayNeeds): RelayCarrier {
  const { context, doc, serverIndex } = needs
  const { clock, rejects } = context
  const port = createAwarenessPort(doc, context.clientId)
  const backoff = createBackoff({ clock, random: needs.random, ...RETRY })
  const paths = createClientPaths(context, (clientId) => ({
    id: `relay:${serverIndex}:${clientId}` as PathId,
    kind: 'relay',
    clientId,
  }))
  const allowance = createTokenBucket(
    { perSecond: RELAY_ENTRY_BYTES_PER_SECOND, burst: RELAY_ENTRY_BYTES_PER_SECOND },
    () => clock.moment().steadyMs,
  )
  let isClosed = false
  let heldBack: AwarenessEntry | undefined
  let cancelDrain = (): void => undefined

  const provider = new needs.Provider(`${needs.server}/yjs`, roomPath(needs.room), doc, {
    connect: false,
    awareness: port as unknown as WebsocketProvider['awareness'],
    params: { copresence: needs.key },
    WebSocketPolyfill: needs.WebSocketClass,
    disableBc: true,
    // The provider never waits by itself: it gives up at once, and `backoff` calls it back.
    maxBackoffTime: 0,
    shouldReconnect: () => false,
  })
  // One listener per provider would end in a warning about leaks; the channel above says goodbye anyway.
  if (typeof process !== 'undefined' && typeof process.off === 'function') process.off('exit', provider._exitHandler)

  provider.on('status', ({ status }) => {
    if (status === 'connecting') prepareSocket()
    else if (status === 'disconnected') paths.loseAll()
    // The provider sends the entry of `doc.clientID`, and Yjs may have changed that.
    else if (doc.clientID !== context.clientId) sayOwnEntry()
    context.onStatus()
  })
  provider.on('closed', ({ code }) => {
    const wasRefused = code >= 4400 && code < 4500
    if (!isClosed) backoff.schedule(connect, { limitMs: wasRefused ? REFUSED_RETRY_MS : undefined })
    context.onStatus()
  })

  function connect(): void {
    try {
      provider.connect()
    } catch {
      // A page's policy may forbid the socket (mixed content, CSP); the next try comes like after any failure.
      backoff.schedule(connect)
    }
  }

  /** Between the making of a socket and its opening: what opens a path is said with a fresh clock, else it is not seen. */
  function prepareSocket(): void {
    const socket = provider.ws
    if (socket === null) return
    const entry = context.refreshedEntry()
    if (entry !== undefined) port.hold(entry)
    heldBack = undefined
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (provider.ws === socket) receive(data)
    }
  }

  /** A text would be taken for an array's length by the stock handler, so only buffers are looked at. */
  function receive(data: unknown) {
    provider.wsLastMessageReceived = getUnixTime()
    backoff.reset()
    context.onTraffic()
    if (!(data instanceof ArrayBuffer)) return rejects.count('malformed')
    const frame = decodeFrame(new Uint8Array(data))
    if (frame.ok) acceptFrame(frame.value)
    else rejects.count(frame.reason)
  }

  function acceptFrame(frame: Frame) {
    switch (frame.kind) {
      case 'awareness':
        return paths.acceptUpdate(frame.update)
      case 'message':
        return paths.acceptMessage(frame)
      case 'query':
        return sayOwnEntry()
      case 'sync':
        return acceptSync(frame.step, frame.payload)
      case 'ended':
        if (frame.clientId === context.clientId) return context.onOwnGoodbye()
        paths.end(frame.clientId, 'closed', frame.silentMs)
        return context.onSuspect(frame.clientId)
    }
  }

  function acceptSync(step: 0 | 1 | 2, payload: Uint8Array) {
    // Without a document the server's own empty answer is enough; ours would go to everybody.
    if (step === 0 && !needs.isDocumentShared) return
    const { reply, isSynced = false } = needs.syncDocument(step, payload, provider)
    if (reply !== undefined) sendNow(reply)
    if (isSynced) provider.synced = true
  }

  function sayOwnEntry(): void {
    const sent = port.entry()
    if (sent === undefined) return
    const entry = context.currentEntry(sent)
    port.hold(entry)
    sendNow(encodeAwarenessFrame(encodeAwarenessUpdate(entry)))
  }

  function sendNow(frame: Uint8Array) {
    // A server closes the socket of a larger one, and after the reconnect it would be asked for again.
    if (frame.length > MAX_FRAME_BYTES) return rejects.count('too-large')
    if (provider.wsconnected && backlogBytes() < MAX_FRAME_BYTES) provider.ws?.send(frame as Uint8Array<ArrayBuffer>)
  }

  const backlogBytes = (): number => provider.ws?.bufferedAmount ?? 0

  /** [Y22] While the server does not read, or takes no more, the latest entry waits here instead of all of them there. */
  function mayPublish(entry: AwarenessEntry): boolean {
    const bytes = encodeAwarenessUpdate(entry).length
    return backlogBytes() <= MAX_BACKLOG_BYTES && allowance.take(bytes)
  }

  function drain(): void {
    if (heldBack === undefined) return
    if (!mayPublish(heldBack)) cancelDrain = clock.setTimer(drain, BACKLOG_CHECK_MS)
    else {
      port.publish(heldBack)
      heldBack = undefined
    }
  }

  connect()

  return {
    publish(entry) {
      const wasHeldBack = heldBack !== undefined
      port.hold(entry)
      const isGoodbye = entry.state === null
      heldBack = isGoodbye ? undefined : entry
      if (isGoodbye) port.publish(entry)
      else if (!wasHeldBack) drain()
    },
    send(frame) {
      if (paths.hasOurs()) sendNow(frame)
    },
    probe: () => undefined,
    paths: paths.all,
    backlogBytes,
    lingers: () => false,
    state: () => (provider.wsconnected ? 'open' : provider.ws === null ? 'closed' : 'connecting'),
    async close() {
      isClosed = true
      backoff.stop()
      cancelDrain()
      heldBack = undefined
      const socket = provider.ws
      // It would say goodbye a second time.
      provider.disconnectBc = () => undefined
      provider.destroy()
      await endSocket(clock, socket)
    },
  }
}
