/**
 * Our goodbye, by every way and behind all that was said before it; or within one call, where the page ends with it. Knows
 * neither entries nor members.
 */
import type { Clock } from '../base/clock.ts'
import { GOODBYE_FRAME } from '../wire/link-frame.ts'
import type { Carrier } from './carrier.ts'
import type { Link } from './link.ts'

/** How often carriers are looked at that still have to send. */
const FLUSH_CHECK_MS = 50
/** The longest that is waited for goodbyes to leave. */
const FLUSH_MS = 300
/** Data channels report an empty buffer before the last message has left the machine. */
const LINGER_MS = 50

export interface FarewellNeeds {
  readonly clock: Clock
  links(): readonly Link[]
  /** Says the last word once for several, and returns the links that this does not serve. */
  castAlone(frame: Uint8Array, links: readonly Link[]): readonly Link[]
}

export interface Farewell {
  isHurried(): boolean
  /** Resolves when the goodbyes have left, or after `FLUSH_MS`; as soon as it is hurried. */
  say(): Promise<void>
  /** Nothing is waited for any more. */
  hurry(): void
  /** Says within this call what has not been said. */
  finish(): void
}

export function createFarewell({ clock, links, castAlone }: FarewellNeeds): Farewell {
  const said = new Set<'neighbours' | 'others'>()
  let isHurried = false
  let wake = (): void => undefined

  const settled = () => Promise.all(links().map((link) => link.settled()))
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.setTimer(resolve, ms)
      wake = () => {
        cancel()
        resolve()
      }
    })

  function sayBy(by: 'neighbours' | 'others', except?: ReadonlyMap<Link, Carrier | undefined>): void {
    if (said.has(by)) return
    said.add(by)
    for (const link of links()) link.sayGoodbye(by, except?.get(link))
  }

  /** Says it once for several, and tells whom that reached by what. */
  async function cast(): Promise<Map<Link, Carrier | undefined>> {
    const reachable = links().filter((link) => link.isReachable())
    const rest = castAlone(GOODBYE_FRAME, reachable)
    const reached = reachable.filter((link) => !rest.includes(link)).map((link) => [link, link.best()] as const)
    await settled()
    return new Map(reached)
  }

  async function flush(): Promise<void> {
    const carriers = links().flatMap((link) => link.carriers())
    const giveUpAtMs = clock.moment().steadyMs + FLUSH_MS
    while (!isHurried && carriers.some((carrier) => carrier.backlogBytes() > 0)) {
      if (clock.moment().steadyMs >= giveUpAtMs) break
      await pause(FLUSH_CHECK_MS)
    }
    if (!isHurried && carriers.some(({ kind }) => kind === 'direct')) await pause(LINGER_MS)
  }

  return {
    isHurried: () => isHurried,
    async say() {
      // Whoever opens a goodbye opens nothing older after it: what was said before it goes first.
      await settled()
      sayBy('neighbours')
      if (!isHurried) await settled()
      const reached = isHurried ? undefined : await cast()
      sayBy('others', reached)
      if (!isHurried) await flush()
    },
    hurry() {
      isHurried = true
      wake()
    },
    finish() {
      sayBy('neighbours')
      sayBy('others')
    },
  }
}
