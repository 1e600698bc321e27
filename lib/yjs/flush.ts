/** The wait at the end: until the goodbye has left the machine, and not a moment longer. */
import type { Clock } from '../base/clock.ts'
import type { Carrier } from './carrier.ts'
import { FLUSH_CHECK_MS, FLUSH_MS, LINGER_MS } from './timing.ts'

export interface Flush {
  /** Resolves when nothing waits in any carrier, after `FLUSH_MS`, or when it is cut short. */
  wait(carriers: readonly Carrier[]): Promise<void>
  cutShort(): void
  isCutShort(): boolean
}

export function createFlush(clock: Clock): Flush {
  let isCutShort = false
  let wake = (): void => undefined
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.setTimer(resolve, ms)
      wake = () => {
        cancel()
        resolve()
      }
    })

  return {
    async wait(carriers) {
      // An open data channel has somebody at its end, even where that is not known to be a client yet.
      const lingerMs = carriers.some((carrier) => carrier.lingers()) ? LINGER_MS : 0
      const giveUpAtMs = clock.moment().steadyMs + FLUSH_MS - lingerMs
      while (!isCutShort && carriers.some((carrier) => carrier.backlogBytes() > 0)) {
        if (clock.moment().steadyMs >= giveUpAtMs) break
        await pause(FLUSH_CHECK_MS)
      }
      if (lingerMs > 0 && !isCutShort) await pause(lingerMs)
    },
    cutShort() {
      isCutShort = true
      wake()
    },
    isCutShort: () => isCutShort,
  }
}
