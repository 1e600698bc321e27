/** A member gone bad. */
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'
import type { Life, Log } from './life.ts'

export interface Adversary {
  attack(which: number, victim: Life | undefined, other: Life | undefined): void
  isOwn(connectionId: string): boolean
  machines(): Machine[]
  rest(): void
  stop(): void
}

export function startAdversary(_needs: { world: World; servers: readonly VirtualServer[]; log: Log }): Adversary {
  return {
    attack: () => undefined,
    isOwn: () => false,
    machines: () => [],
    rest: () => undefined,
    stop: () => undefined,
  }
}
