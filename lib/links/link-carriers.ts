/**
 * The carriers of one link, and the choice among them: the best one that answers. Remembers which ones frames went by, and
 * which ones ended, since what was under way there may be lost. Knows no keys and no frames.
 */
import { rotated } from '../base/rotated.ts'
import type { CarrierReport } from '../wire/transport.ts'
import { byPreference, type Carrier } from './carrier.ts'
import type { Liveness } from './liveness.ts'

/** Ways that a hello is repeated by at most: some servers, a tab and some neighbours. */
const MAX_HELLO_WAYS = 4
/** Ended ones that are remembered, the newest: neighbours who pass things on may come and go without end. */
const MAX_FORMER = 16

export interface LinkCarriers {
  /** The best first. */
  all(): readonly Carrier[]
  /**
   * Those that a hello goes by, of all that others can read or touch: that of `firstId`, or the best one, and where it is repeated
   * some of the others in turn, so that nobody who offers many ways keeps it from one that works.
   */
  forHello(firstId: string | undefined, isRepeated: boolean): readonly Carrier[]
  get(id: string): Carrier | undefined
  /** The carrier that frames go by now. */
  best(): Carrier | undefined
  /** One that only introduces, too, and the data channel that signals are about only where no other answers. */
  forSignals(): Carrier | undefined
  add(carrier: Carrier): void
  /** Whether one of that id ended before it was added: told once. */
  hasReturned(id: string): boolean
  remove(id: string): Carrier | undefined
  /** The far end asks by it: of two of one kind both ends take the same. */
  favour(id: string): void
  /** A frame goes by it. */
  use(carrier: Carrier): void
  isUsed(id: string): boolean
  /** The one that the last frame went by, where it still answers; else the best one: behind it nothing is overtaken. */
  last(): Carrier | undefined
  /** Those before the best one of which nothing has come yet: it is the best for that alone. */
  unproven(): readonly Carrier[]
  /** Those down to the best one that were asked in vain: one that is heard all the time would not be asked again. */
  toAskAgain(): readonly Carrier[]
  /**
   * Whether a frame may be lost: it went by one that is not the best any more, and does not answer, or is a neighbour, who may
   * have had no way to pass it on and told nobody; or by the best one, which was full and has room again.
   */
  hasFailed(): boolean
  /** What was said by all of them has been said anew. */
  forgetUse(): void
  report(active: Carrier | undefined): CarrierReport[]
  close(): void
}

type LivenessOfCarriers = Pick<Liveness, 'forget' | 'isProven' | 'isSuspect' | 'roundTripMs' | 'vouch'>

export function createLinkCarriers(liveness: LivenessOfCarriers): LinkCarriers {
  const carriers = new Map<string, Carrier>()
  /** What ended and may have taken words of the far end with it. */
  const former = new Set<string>()
  /** The carrier that the far end last asked by, where it was another one of the kind that we use. */
  let favoured: string | undefined
  /** The carriers that frames went by since we last said our entry anew. */
  const used = new Set<string>()
  let lastId = ''
  /** The ways beside the best one that this hello was repeated by, all times together. */
  let turns = 0

  /** Kept until something changes: it is asked for many times a second. */
  let order: readonly Carrier[] | undefined

  const isFavoured = ({ id }: Carrier): number => Number(id === favoured)
  const sorted = (): readonly Carrier[] => {
    order ??= [...carriers.values()].sort(
      (one, other) => byPreference(one, other) || isFavoured(other) - isFavoured(one),
    )
    return order
  }
  const changed = (): void => {
    order = undefined
    // A server that both are on watches the far end's socket.
    liveness.vouch(sorted().some(({ kind }) => kind === 'relay'))
  }
  const best = (): Carrier | undefined => {
    let first: Carrier | undefined
    let trusted: Carrier | undefined
    for (const carrier of sorted()) {
      if (carrier.isIntroduction === true) continue
      first ??= carrier
      if (liveness.isSuspect(carrier.id)) continue
      // A server may still think that its socket is the far end's: only a data channel is open at both ends when it opens.
      if (carrier.isPrivate || liveness.isProven(carrier.id)) return carrier
      trusted ??= carrier
    }
    return trusted ?? first
  }

  return {
    all: sorted,
    forHello(firstId, isRepeated) {
      const open = sorted().filter(({ isPrivate }) => !isPrivate)
      const first = open.find(({ id }) => id === firstId) ?? open[0]
      const others = open.filter((carrier) => carrier !== first)
      const all = first === undefined ? [] : [first, ...rotated(others, turns)]
      // Answers take nobody's turn: anybody can have us say them.
      if (firstId === undefined) turns = isRepeated ? turns + MAX_HELLO_WAYS - 1 : 0
      return all.slice(0, isRepeated ? MAX_HELLO_WAYS : 1)
    },
    get: (id) => carriers.get(id),
    best,
    forSignals: () =>
      sorted().find(({ id, kind }) => kind !== 'direct' && !liveness.isSuspect(id)) ?? best() ?? sorted()[0],
    add(carrier) {
      carriers.set(carrier.id, carrier)
      changed()
    },
    hasReturned: (id) => former.delete(id),
    remove(id) {
      const carrier = carriers.get(id)
      if (carrier === undefined) return undefined
      carriers.delete(id)
      liveness.forget(id)
      changed()
      if (carrier.isIntroduction !== true) former.add(id)
      const [oldest] = former
      if (former.size > MAX_FORMER && oldest !== undefined) former.delete(oldest)
      return carrier
    },
    favour(id) {
      if (favoured !== id) order = undefined
      favoured = id
    },
    use({ id }) {
      used.add(id)
      lastId = id
    },
    isUsed: (id) => used.has(id),
    last: () => (liveness.isSuspect(lastId) ? undefined : carriers.get(lastId)) ?? best(),
    unproven() {
      const now = best()
      const all = sorted()
      return now === undefined ? [] : all.slice(0, all.indexOf(now)).filter(({ id }) => !liveness.isProven(id))
    },
    toAskAgain() {
      const now = best()
      const all = sorted()
      if (now === undefined || (now === all[0] && !liveness.isSuspect(now.id))) return []
      return all.slice(0, all.indexOf(now) + 1).filter(({ id }) => liveness.isSuspect(id))
    },
    hasFailed() {
      const now = best()
      if (now === undefined) return false
      if (now.hasLost?.() === true) return true
      for (const id of used)
        if (id !== now.id && (liveness.isSuspect(id) || carriers.get(id)?.kind === 'via')) return true
      return false
    },
    forgetUse: () => used.clear(),
    report: (active) =>
      sorted().map(({ id, kind }) => {
        const roundTripMs = liveness.roundTripMs(id)
        return { id, kind, isActive: id === active?.id, ...(roundTripMs !== undefined && { roundTripMs }) }
      }),
    close() {
      for (const carrier of carriers.values()) carrier.close()
      carriers.clear()
      order = undefined
    },
  }
}
