/**
 * Whether the far end of one link is in reach: since it was heard and can be answered, until nothing reaches it any more. Told
 * once each; what may have been missed in between is asked for on the return.
 */
import type { CarrierEnd } from './carrier.ts'
import type { Liveness } from './liveness.ts'

export interface ReachNeeds {
  readonly liveness: Pick<Liveness, 'heard' | 'isEstranged' | 'estrange' | 'silentForMs'>
  /** Whether anything carries the link. */
  hasWay(): boolean
  onReachable(): void
  onUnreachable(how: CarrierEnd, silentMs: number): void
  /** Words of the far end may be lost: it shall say its entry again. */
  onMissed(): void
}

export interface Reach {
  isReachable(): boolean
  heard(carrierId: string | undefined): void
  /** Something was said that we could not open: before the keys, or while nothing carried it. */
  miss(): void
  /** A way ended, and it is said that the far end's side of it did. */
  ended(carrierId: string): void
  /** That way is there again: what has ended was not the far end. */
  returned(carrierId: string): void
  /** Whether any way has ended so, and is not back. */
  hasEnded(): boolean
  /** The far end has answered since. */
  forgetEnds(): void
  end(how: CarrierEnd, silentMs: number): void
}

export function createReach(needs: ReachNeeds): Reach {
  const { liveness } = needs
  let isReachable = false
  let hasMissed = false
  const ended = new Set<string>()
  /** How it became unreachable, while it is. */
  let lastEnd: CarrierEnd | undefined
  const tell = (how: CarrierEnd, silentMs: number): void => {
    lastEnd = how
    needs.onUnreachable(how, silentMs)
  }
  return {
    isReachable: () => isReachable,
    heard(carrierId) {
      liveness.heard(carrierId)
      if (isReachable || !needs.hasWay() || liveness.isEstranged()) return
      isReachable = true
      lastEnd = undefined
      ended.clear()
      needs.onReachable()
      if (hasMissed) needs.onMissed()
      hasMissed = false
    },
    miss() {
      hasMissed = true
    },
    ended: (carrierId) => void ended.add(carrierId),
    returned(carrierId) {
      if (ended.delete(carrierId) && ended.size === 0 && lastEnd === 'closed') tell('lost', liveness.silentForMs())
    },
    hasEnded: () => ended.size > 0,
    forgetEnds: () => ended.clear(),
    end(how, silentMs) {
      // Whoever was only lost may still end: that is told too, since it is another thing.
      if (!isReachable && !(lastEnd === 'lost' && how === 'closed')) return
      isReachable = false
      hasMissed = true
      liveness.estrange()
      tell(how, silentMs)
    },
  }
}
