/** A clock that only moves when told. */
import type { Clock } from '../../lib/base/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly fire: () => void
}

export interface VirtualClock extends Clock {
  /** Moves both clocks and fires what is due, in order, giving microtasks their turn after each. */
  advance(ms: number): Promise<void>
  /** Both clocks move, timers do not fire until the next `advance`: a machine that sleeps. */
  sleep(ms: number): void
  /** The system's time jumps; what is waited for does not. */
  step(ms: number): void
  /** Timers that are set. */
  timerCount(): number
}

export function createVirtualClock(startUnixMs = 1_700_000_000_000): VirtualClock {
  let unixMs = startUnixMs
  let steadyMs = 0
  const timers = new Set<Timer>()

  const setTimer = (fire: () => void, delayMs: number) => {
    const timer = { dueMs: steadyMs + delayMs, fire }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  const moveTo = (targetMs: number) => {
    if (targetMs <= steadyMs) return
    unixMs += targetMs - steadyMs
    steadyMs = targetMs
  }
  const nextDue = (untilMs: number) =>
    [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]

  return {
    moment: () => ({ unixMs, steadyMs }),
    setTimer,
    defer: (task) => void setTimer(task, 0),
    async advance(ms) {
      const untilMs = steadyMs + ms
      await settleMicrotasks()
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer)
        moveTo(timer.dueMs)
        timer.fire()
        await settleMicrotasks()
      }
      moveTo(untilMs)
    },
    sleep: (ms) => moveTo(steadyMs + ms),
    step(ms) {
      unixMs += ms
    },
    timerCount: () => timers.size,
  }
}

/** Lets what was queued as microtasks run, and what those queue. */
export async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
