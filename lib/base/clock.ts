/** Time as an argument: what a room needs of the system's clock. Timers here never keep a Node process alive. */

/** Stops a timer. Calling it again does nothing. */
export type CancelTimer = () => void

export interface Clock {
  /** Unix time in ms, as the system tells it; it may jump. */
  now(): number
  /** Calls `fire` once after `delayMs`, never synchronously. */
  setTimer(fire: () => void, delayMs: number): CancelTimer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(fire, delayMs) {
    const timer: unknown = setTimeout(fire, delayMs)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref()
    return () => clearTimeout(timer as number)
  },
}

/** A clock that never goes back, whatever the system's does: for timestamps that others compare. */
export function createMonotonicNow(clock: Clock): () => number {
  let last = 0
  return () => {
    last = Math.max(last, Math.floor(clock.now()))
    return last
  }
}
