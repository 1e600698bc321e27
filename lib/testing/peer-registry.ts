/** All peer connections of a virtual network, and the ways between them. */
import type { Host } from './host.ts'
import type { Wires } from './wires.ts'

export interface PeerRegistry {
  readonly peers: Map<string, VirtualPeer>
  nextName(): string
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
  readonly isFailed: boolean
  connect(far: VirtualPeer): void
  watch(isWayOpen: boolean): void
  receive(bytes: Uint8Array): void
  farClosed(): void
}

/** Both ends run, and both ways between them are open. */
export const isWayOpen = (wires: Wires, one: VirtualPeer, other: VirtualPeer): boolean =>
  one.host.state === 'running' &&
  other.host.state === 'running' &&
  wires.isOpen(one.host.machine, other.host.machine) &&
  wires.isOpen(other.host.machine, one.host.machine)

/** From the first to the second, whoever runs. */
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
  return { peers: new Map(), nextName: () => String(++count) }
}
