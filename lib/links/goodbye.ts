/**
 * The last word of one link: by which of its carriers it goes when, each once. Knows its order and its silence afterwards, not
 * why we leave; see farewell.ts for what all links do then.
 */
import type { Carrier } from './carrier.ts'
import type { LinkCarriers } from './link-carriers.ts'
import type { Liveness } from './liveness.ts'
import type { SealedFrames } from './sealed-frames.ts'

export interface GoodbyeNeeds {
  readonly carriers: Pick<LinkCarriers, 'all' | 'last'>
  readonly liveness: Pick<Liveness, 'isSuspect'>
  readonly frames: Pick<SealedFrames, 'sayGoodbye'>
}

export interface Goodbye {
  /**
   * Says goodbye within this call. `neighbours`: by the one that carries the link, or by all where what carries it does not
   * answer; first, since they are reached by links of their own. `best`: by the carrier that all before it went by, behind
   * that; by all, where that one does not answer. `others`: by the rest.
   */
  say(by: 'neighbours' | 'best' | 'others'): void
  /** From now on nothing else is said. */
  fallSilent(): void
  isSilent(): boolean
}

export function createGoodbye({ carriers, frames, liveness }: GoodbyeNeeds): Goodbye {
  const saidBy = new Set<Carrier>()
  let isSilent = false
  /** The carrier of the last words: another one that becomes the last or the best meanwhile is told in its turn. */
  let own: Carrier | undefined
  return {
    say(by) {
      own ??= carriers.last()
      const isWell = own !== undefined && !liveness.isSuspect(own.id)
      for (const carrier of carriers.all()) {
        const isVia = carrier.kind === 'via'
        const isFirst = carrier === own || !isWell
        const isMeant = by === 'others' ? !isVia && carrier !== own : isFirst && isVia === (by === 'neighbours')
        if (!isMeant || saidBy.has(carrier)) continue
        saidBy.add(carrier)
        frames.sayGoodbye(carrier)
      }
    },
    fallSilent() {
      isSilent = true
    },
    isSilent: () => isSilent,
  }
}
