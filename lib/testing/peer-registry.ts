/**
 * All peer connections of a test network, as the network sees them: who is whose far end, and whether the way between two is
 * open. Knows nothing of how one connects.
 */
import type { Host } from './host.ts'
import type { Wires } from './wires.ts'

export interface PeerRegistry {
  readonly peers: Map<string, VirtualPeer>
  /** The next name: the count of connections that were ever made. */
  nextName(): string
  readonly count: number
}

/** One connection as the network sees it. */
export interface VirtualPeer {
  readonly name: string
  readonly host: Host
  /** The far end that both descriptions agree on, while this one has not been closed. */
  far(): VirtualPeer | undefined
  /** Which try of ICE: the two ends of one connection are in the same. */
  readonly round: number
  /** The far end that it was last connected to. */
  readonly linked: VirtualPeer | undefined
  readonly isOpen: boolean
  /** ICE holds, by this end's view. */
  readonly isConnected: boolean
  /** Its host has had another address since the two connected: only a new try finds the way. */
  readonly isStranded: boolean
  /** ICE has failed, and the two have not connected anew since. */
  readonly isFailed: boolean
  /** This try has not failed: a new one begins with a restart. */
  readonly isNewRound: boolean
  connect(far: VirtualPeer): void
  strand(): void
  watch(isWayOpen: boolean): void
  receive(bytes: Uint8Array): void
  farClosed(): void
}

/** Both ends run, and both ways between them are open, as a new try of ICE would find them. */
export const isWayToBeFound = (wires: Wires, one: VirtualPeer, other: VirtualPeer): boolean =>
  one.host.isAnswering &&
  other.host.isAnswering &&
  wires.isOpen(one.host.machine, other.host.machine) &&
  wires.isOpen(other.host.machine, one.host.machine)

/** As that, by the addresses that the two know. */
export const isWayOpen = (wires: Wires, one: VirtualPeer, other: VirtualPeer): boolean =>
  !one.isStranded && !other.isStranded && isWayToBeFound(wires, one, other)

export const isWayOpenFrom = (wires: Wires, one: VirtualPeer, other: VirtualPeer): boolean =>
  wires.isOpen(one.host.machine, other.host.machine)

/** Lets every connection know how its way is now. */
export function watchWays({ peers }: PeerRegistry, wires: Wires): void {
  for (const peer of [...peers.values()]) {
    const far = peer.linked ?? peer.far()
    if (far !== undefined) peer.watch(peers.get(far.name) === far && isWayOpen(wires, peer, far))
  }
}

export function createPeerRegistry(): PeerRegistry {
  let count = 0
  return {
    peers: new Map(),
    nextName: () => String(++count),
    get count() {
      return count
    },
  }
}

/** A description names its connection and its try of ICE, where those of the standard have a session id and a user fragment. */
export const describe = (name: string, round: number): string => `v=0\r\no=- ${name} ${round} IN IP4 0.0.0.0\r\n`

export const withCandidate = (sdp: string, candidate: string): string => `${sdp}a=${candidate}\r\n`

export function readDescription(sdp: unknown): { name: string; round: number; hasCandidate: boolean } | undefined {
  if (typeof sdp !== 'string') return undefined
  const [, name, round] = /^v=0\r\no=- (\d+) (\d+) IN/.exec(sdp) ?? []
  if (name === undefined || round === undefined) return undefined
  return { name, round: Number(round), hasCandidate: sdp.includes('\r\na=candidate:') }
}
