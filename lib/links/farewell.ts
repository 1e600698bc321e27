/**
 * Our goodbye: by the way that all before it went, and a little later by every other one; or within one call, where the page
 * ends with it. Knows neither entries nor members.
 */
import type { Clock } from '../base/clock.ts'
import { GOODBYE_FRAME } from '../wire/link-frame.ts'
import type { Goodbye } from './goodbye.ts'
import type { Link } from './link.ts'

/** How often carriers are looked at that still have to send. */
const FLUSH_CHECK_MS = 50
/** The longest that is waited for goodbyes to leave. */
const FLUSH_MS = 300
/** A goodbye by another way than the words before it waits so long: what it must not overtake is there by then. */
const OTHER_WAYS_MS = 150
/** Data channels report an empty buffer before the last message has left the machine. */
const LINGER_MS = 50

type Ways = Parameters<Goodbye['say']>[0]

export interface FarewellNeeds {
  readonly clock: Clock
  links(): readonly Link[]
  /** Says the last word once for several, and returns the links that this does not serve. */
  castAlone(frame: Uint8Array, links: readonly Link[]): readonly Link[]
  /** Everybody was told: whoever comes now is none of ours. */
  onSaid(): void
}

export interface Farewell {
  isHurried(): boolean
  /** Resolves when the goodbyes have left, or after `FLUSH_MS`; as soon as it is hurried. */
  say(): Promise<void>
  /** Something has come: what a timer is late for is done now, since those of a hidden tab come once a minute. */
  tend(): void
  /** Nothing is waited for any more. */
  hurry(): void
  /** Says within this call what has not been said. */
  finish(): void
}

export function createFarewell({ clock, links, castAlone, onSaid }: FarewellNeeds): Farewell {
  const said = new Set<Ways>()
  let isHurried = false
  let wake = (): void => undefined
  let dueMs = 0

  const settled = () => Promise.all(links().map((link) => link.settled()))
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      dueMs = clock.moment().steadyMs + ms
      const cancel = clock.setTimer(resolve, ms)
      wake = () => {
        cancel()
        resolve()
      }
    })

  function sayBy(by: Ways, to: readonly Link[] = links()): void {
    if (said.has(by)) return
    said.add(by)
    for (const link of to) link.sayGoodbye(by)
  }

  /** Says it once for several, and to the others by the way that all before it went; tells who has other ways. */
  async function sayByBest(): Promise<Link[]> {
    const all = links()
    const castable = all.filter((link) => link.isReachable() && link.last() === link.best())
    const rest = castAlone(GOODBYE_FRAME, castable)
    await settled()
    sayBy(
      'best',
      all.filter((link) => rest.includes(link) || !castable.includes(link)),
    )
    for (const link of all) link.fallSilent()
    onSaid()
    return all.filter((link) => link.carriers().length > 1)
  }

  async function flush(): Promise<void> {
    // What was posted to a tab has left: it only tells later what it has read.
    const carriers = links().flatMap((link) => link.carriers().filter(({ kind }) => kind !== 'tab'))
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
      // [L12] Whoever opens a goodbye opens nothing older after it: what was said before it goes first, and by the same way.
      await settled()
      sayBy('neighbours')
      if (!isHurried) await settled()
      const others = isHurried ? undefined : await sayByBest()
      if (!isHurried && others !== undefined && others.length > 0) await pause(OTHER_WAYS_MS)
      sayBy('others', others)
      if (!isHurried) await flush()
    },
    tend() {
      if (clock.moment().steadyMs >= dueMs) wake()
    },
    hurry() {
      isHurried = true
      wake()
    },
    finish() {
      for (const by of ['neighbours', 'best', 'others'] as const) sayBy(by)
    },
  }
}
