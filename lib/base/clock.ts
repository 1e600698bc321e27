/** Time as an argument: what a room needs of the system's clocks. Timers here never keep a Node process alive. */

/** Stops a timer. Calling it again does nothing. */
export type CancelTimer = () => void

/** One instant on both clocks. */
export interface Moment {
  /** Unix ms, as the system tells it; it may jump. For what others read. */
  readonly unixMs: number
  /** ms since some fixed instant; never jumps. For what is waited for; only differences mean anything. */
  readonly steadyMs: number
}

export interface Clock {
  moment(): Moment
  /** Calls `fire` once after `delayMs`, never synchronously. */
  setTimer(fire: () => void, delayMs: number): CancelTimer
  /** Calls `task` soon, in a task of its own: after every microtask of this one. */
  defer(task: () => void): void
}

export const systemClock: Clock = {
  moment: () => ({ unixMs: Date.now(), steadyMs: performance.now() }),
  setTimer(fire, delayMs) {
    const timer: unknown = setTimeout(fire, delayMs)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref()
    return () => clearTimeout(timer as number)
  },
  defer: (task) => void setTimeout(task, 0),
}

/** A clock that never goes back, whatever the system's does: for timestamps that others compare. */
export function createMonotonicNow(clock: Clock): () => number {
  let last = 0
  return () => {
    last = Math.max(last, Math.floor(clock.moment().unixMs))
    return last
  }
}
