/**
 * RTCPeerConnection with one negotiated data channel: the part of the standard that the library uses. Two of them connect
 * when each has the other's description and the way between their machines is open; the way is watched as ICE does it.
 */
import type { CancelTimer } from '../base/clock.ts'
import type { Host } from './host.ts'
import {
  describe,
  isWayOpenFrom,
  isWayToBeFound,
  type PeerRegistry,
  readDescription,
  type VirtualPeer,
  withCandidate,
} from './peer-registry.ts'
import type { Scheduler } from './scheduler.ts'
import { VirtualDataChannel } from './virtual-data-channel.ts'
import type { Pipe, Wires } from './wires.ts'

export interface PeerConnectionsNeeds {
  readonly host: Host
  readonly wires: Wires
  readonly scheduler: Scheduler
  /** All connections of the network by the name in their descriptions. */
  readonly registry: PeerRegistry
  /** From a description to its candidate; default 0. */
  readonly gatherMs?: number | undefined
}

/** Consent checks that stay unanswered so long, in ms: as browsers judge it. */
const DISCONNECTED_AFTER_MS = 5_000
const FAILED_AFTER_MS = 15_000
/** By then the far end of one that ended has noticed: nobody looks for it any more. */
const GONE_AFTER_MS = 2 * FAILED_AFTER_MS
/** From the last description to the open channel, in round trips: candidates, DTLS, SCTP. */
const CONNECT_ROUND_TRIPS = 4

/** `RTCPeerConnection` of one host. `openCount`: connections of its that are not closed. */
export function createPeerConnections(needs: PeerConnectionsNeeds): {
  PeerConnectionClass: new (configuration?: unknown) => RTCPeerConnection
  openCount(): number
} {
  const { gatherMs = 0, host, registry, scheduler, wires } = needs
  class VirtualPeerConnection implements VirtualPeer {
    readonly name = registry.nextName()
    readonly host = host
    iceConnectionState = 'new'
    iceGatheringState = 'new'
    signalingState = 'stable'
    localDescription: { type: string; sdp: string } | null = null
    onicecandidate: ((event: { candidate: unknown }) => void) | null = null
    oniceconnectionstatechange: (() => void) | null = null
    round = 0
    linked: VirtualPeer | undefined
    isOpen = false
    isFailed = false
    #failedRound = -1
    #strandedRound = -1
    #connectedRound = -1
    #localRound = -1
    #farName: string | undefined
    #farRound = -1
    #hasCandidate = false
    #isClosed = false
    #pipe: Pipe | undefined
    #cancelWatch: CancelTimer | undefined
    readonly #unwatchHost: () => void
    #channel: VirtualDataChannel | undefined

    constructor() {
      registry.peers.set(this.name, this)
      // What has not left the process ends with it.
      this.#unwatchHost = host.onChange(() => {
        const far = this.linked
        if (host.state === 'dead' && far !== undefined && !isWayOpenFrom(wires, this, far)) this.#pipe?.drop()
        if (host.state === 'dead') scheduler.after(GONE_AFTER_MS, () => registry.peers.delete(this.name))
      })
    }

    createDataChannel(): VirtualDataChannel {
      this.#channel ??= new VirtualDataChannel({
        send: (bytes) => this.#pipe?.send(bytes),
        backlogBytes: () => this.#pipe?.backlogBytes() ?? 0,
        close: () => this.#tellFar(),
      })
      return this.#channel
    }

    async createOffer(options: { iceRestart?: boolean } = {}) {
      if (options.iceRestart === true) this.round += 1
      return { type: 'offer', sdp: describe(this.name, this.round) }
    }

    async createAnswer() {
      if (this.#farName === undefined) throw new Error('there is no offer to answer')
      return { type: 'answer', sdp: describe(this.name, this.round) }
    }

    async setLocalDescription(description: { type: string; sdp: string }) {
      this.#checkLive()
      this.localDescription = description
      this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable'
      this.#localRound = this.round
      this.#gather()
      this.#setIce('checking')
      this.#tryConnect()
    }

    /** The only candidate, which the description has from then on, and the word that there are no more. */
    #gather(): void {
      const { round } = this
      this.iceGatheringState = 'gathering'
      const find = (tell: () => void): void =>
        this.#say(() => {
          if (this.#localRound === round) tell()
        }, gatherMs)
      find(() => {
        const candidate = `candidate:${this.name} 1 udp 1 0.0.0.0 9 typ host`
        const { type, sdp } = this.localDescription ?? { type: '', sdp: '' }
        this.localDescription = { type, sdp: withCandidate(sdp, candidate) }
        this.onicecandidate?.({ candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } })
      })
      find(() => {
        this.iceGatheringState = 'complete'
        this.onicecandidate?.({ candidate: null })
      })
    }

    async setRemoteDescription(description: { type?: unknown; sdp?: unknown }) {
      this.#checkLive()
      const read = readDescription(description.sdp)
      if (read === undefined) throw new Error('no session description')
      const isKnown = this.#farName === undefined || this.#farName === read.name
      if (!isKnown) throw new Error('a description of another connection')
      this.#farName = read.name
      this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable'
      this.#farRound = read.round
      if (read.hasCandidate) this.#hasCandidate = true
      if (description.type === 'offer') this.round = read.round
      this.#tryConnect()
    }

    async addIceCandidate(candidate: { candidate?: unknown }) {
      this.#checkLive()
      if (typeof candidate.candidate !== 'string' || !candidate.candidate.startsWith('candidate:'))
        throw new Error('no candidate')
      this.#hasCandidate = true
      this.#tryConnect()
    }

    close(): void {
      if (this.#isClosed) return
      this.#tellFar()
      this.#isClosed = true
      this.isOpen = false
      this.iceConnectionState = 'closed'
      this.#cancelWatch?.()
      this.#unwatchHost()
      registry.peers.delete(this.name)
      if (this.#channel !== undefined) this.#channel.readyState = 'closed'
    }

    far(): VirtualPeer | undefined {
      if (this.#isClosed || this.#farName === undefined || !this.#hasCandidate) return undefined
      return this.#localRound === this.#farRound ? registry.peers.get(this.#farName) : undefined
    }

    get isConnected(): boolean {
      return this.iceConnectionState === 'connected'
    }

    get isStranded(): boolean {
      return this.isOpen && this.#connectedRound <= this.#strandedRound
    }

    strand(): void {
      this.#strandedRound = this.round
      wires.changed()
    }

    get isNewRound(): boolean {
      return this.round > this.#failedRound
    }

    connect(far: VirtualPeer): void {
      this.#cancelWatch?.()
      this.#cancelWatch = undefined
      this.linked = far
      this.isFailed = false
      this.#connectedRound = this.round
      this.#setIce('connected')
      if (this.isOpen) return
      this.isOpen = true
      this.#pipe = wires.pipe({
        from: host.machine,
        to: far.host.machine,
        carrier: 'direct',
        // Whoever has given a way up sends nothing by it, and takes nothing, until the two have agreed anew.
        isHeld: () => [this, far].some((end) => end.isFailed || end.isStranded),
        deliver: (bytes) => far.receive(bytes),
      })
      this.#say(() => this.#channel?.open())
    }

    watch(isWayOpen: boolean): void {
      if (this.#isClosed) return
      if (isWayOpen) {
        this.#cancelWatch?.()
        this.#cancelWatch = undefined
        if (this.isOpen && !this.isFailed) this.#setIce('connected')
        else this.#tryConnect()
        return
      }
      if (this.#cancelWatch !== undefined || !this.isNewRound) return
      this.#cancelWatch = scheduler.after(DISCONNECTED_AFTER_MS, () => {
        if (this.isOpen) this.#setIce('disconnected')
        this.#cancelWatch = scheduler.after(FAILED_AFTER_MS - DISCONNECTED_AFTER_MS, () => {
          this.#cancelWatch = undefined
          this.#failedRound = this.round
          this.isFailed = true
          this.#setIce('failed')
        })
      })
    }

    receive(bytes: Uint8Array): void {
      host.run(() => this.#channel?.receive(bytes))
    }

    farClosed(): void {
      host.run(() => this.#channel?.end())
    }

    /** The far end hears of our close behind all that we sent, where the way is open. */
    #tellFar(): void {
      const far = this.linked
      if (far === undefined || host.state === 'dead') return
      const pipe = this.#pipe
      if (pipe?.isStalled) pipe.drop()
      pipe?.send(() => far.farClosed())
      // A way that was given up never opens again.
      scheduler.after(GONE_AFTER_MS, () => {
        if (this.isFailed || far.isFailed) pipe?.drop()
      })
    }

    #tryConnect(): void {
      const far = this.far()
      if (far === undefined || far.far() !== this || far.round !== this.round) return
      // After a restart one end may never have lost the way, and still has to answer the other.
      const isStranded = this.isStranded || far.isStranded
      if (!this.isNewRound || !far.isNewRound || (!isStranded && this.isConnected && far.isConnected)) return
      const roundTripMs = wires.delayMs(host.machine, far.host.machine) + wires.delayMs(far.host.machine, host.machine)
      scheduler.after(CONNECT_ROUND_TRIPS * roundTripMs, () => {
        if (this.far() !== far || far.far() !== this || !isWayToBeFound(wires, this, far)) return
        const wasHeld = [this, far].some((end) => end.isFailed || end.isStranded)
        this.connect(far)
        far.connect(this)
        // What the pipes held goes on.
        if (wasHeld) wires.changed()
      })
    }

    #setIce(state: string): void {
      if (this.#isClosed || this.iceConnectionState === state) return
      if (state === 'checking' && this.isOpen && this.iceConnectionState === 'connected') return
      this.iceConnectionState = state
      this.#say(() => this.oniceconnectionstatechange?.())
    }

    #say(tell: () => void, delayMs = 0): void {
      scheduler.after(delayMs, () =>
        host.run(() => {
          if (!this.#isClosed) tell()
        }),
      )
    }

    #checkLive(): void {
      if (this.#isClosed) throw new Error('the connection is closed')
    }
  }

  return {
    PeerConnectionClass: VirtualPeerConnection as unknown as new () => RTCPeerConnection,
    openCount: () => [...registry.peers.values()].filter((peer) => peer.host === host).length,
  }
}
