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
    // A number in a browser, an object in Node.
    ;(timer as { unref?(): void }).unref?.()
    return () => clearTimeout(timer as number)
  },
  defer: (task) => void setTimeout(task, 0),
}

/** The times of one connection, whatever the system's clock does: for what others compare. */
export interface OwnTime {
  /** Unix ms in whole numbers, never decreasing. */
  now(): number
  /** As `now`, and later than all that was told before. */
  next(): number
  /** Unix ms of the beginning, and what has passed since: no step of the system's clock moves it. */
  steadyNow(): number
}

export function createOwnTime(clock: Clock): OwnTime {
  const born = clock.moment()
  let last = 0
  const tell = (least: number): number => {
    last = Math.max(least, Math.floor(clock.moment().unixMs))
    return last
  }
  return {
    now: () => tell(last),
    next: () => tell(last + 1),
    steadyNow: () => born.unixMs + clock.moment().steadyMs - born.steadyMs,
  }
}
