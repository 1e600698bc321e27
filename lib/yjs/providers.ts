/**
 * Brings the stock providers: y-websocket with this room, which is loaded late itself, and y-webrtc only where WebRTC is
 * possible, which is said here too.
 *
 * Node 20 has no global WebSocket, and y-webrtc knows only the global one: where a WebRTC implementation is injected and
 * there is none, `globalThis.WebSocket` becomes that of `ws`. This is the one thing that this library leaves in a process.
 */
import { WebsocketProvider } from 'y-websocket'
import { loadWebSocket } from '../base/web-socket.ts'
import { MAX_FRAME_BYTES } from '../wire/limits.ts'

export type YWebrtcModule = typeof import('y-webrtc')

/** An implementation of WebRTC where the platform has none; the two descriptions are plain objects by now in most. */
export interface WebRtcParts {
  readonly RTCPeerConnection: unknown
  readonly RTCSessionDescription?: unknown
  readonly RTCIceCandidate?: unknown
}

export interface RelayModules {
  readonly Provider: typeof WebsocketProvider
  readonly WebSocketClass: typeof WebSocket
}

/** What y-webrtc hands to simple-peer, or undefined where there can be no WebRTC. */
export function peerOptions(needs: {
  readonly webrtc: WebRtcParts | false | undefined
  readonly iceServers: readonly RTCIceServer[]
  readonly secret?: string
}): { config: RTCConfiguration; wrtc?: object } | undefined {
  const { webrtc, iceServers, secret } = needs
  if (webrtc === false) return undefined
  // With a secret y-webrtc encrypts its signaling by WebCrypto, which pages without https do not have.
  if (secret !== undefined && globalThis.crypto?.subtle === undefined) return undefined
  const config = { iceServers: [...iceServers] }
  if (webrtc === undefined) return typeof globalThis.RTCPeerConnection === 'function' ? { config } : undefined
  return { config, wrtc: { RTCSessionDescription: asIs, RTCIceCandidate: asIs, ...webrtc } }
}

/** Stands in for a class that an implementation leaves out: what it is made from is what it is. */
function asIs(init: unknown): unknown {
  return init
}

export async function loadRelayModules(): Promise<RelayModules> {
  return { Provider: WebsocketProvider, WebSocketClass: await loadWebSocket(MAX_FRAME_BYTES) }
}

export async function loadYWebrtc(load: (() => Promise<YWebrtcModule>) | undefined): Promise<YWebrtcModule> {
  if (typeof globalThis.WebSocket !== 'function') {
    const { loadNodeWebSocket } = await import('../base/node-web-socket.ts')
    globalThis.WebSocket ??= (await loadNodeWebSocket()) as unknown as typeof globalThis.WebSocket
  }
  return load === undefined ? await import('y-webrtc') : await load()
}

interface Claim {
  take(): void
}

// reason: y-webrtc keeps a table of rooms per module instance and fails outside of any call when a name comes twice, so
// the claims must be known to every transport of that instance. They are forgotten together with the module.
const claims = new WeakMap<object, Map<string, Claim[]>>()

/**
 * Claims a room's name for one provider. `onTaken` is called at once, or when those who claimed it before have given it
 * back; the returned function gives it back, or gives the wait up. Calling that again does nothing.
 */
export function claimRoom(module: YWebrtcModule, room: string, onTaken: (release: () => void) => void): () => void {
  // Its class stands for the instance: bundlers may wrap one module in a new object for each import.
  const instance = module.WebrtcProvider
  const ofModule = claims.get(instance) ?? new Map<string, Claim[]>()
  claims.set(instance, ofModule)
  const queue = ofModule.get(room) ?? []
  ofModule.set(room, queue)
  const claim = { take: () => onTaken(release) }

  function release(): void {
    const wasHeld = queue[0] === claim
    if (!queue.includes(claim)) return
    queue.splice(queue.indexOf(claim), 1)
    if (queue.length === 0) ofModule.delete(room)
    else if (wasHeld) queue[0]?.take()
  }

  queue.push(claim)
  if (queue[0] === claim) claim.take()
  return release
}
