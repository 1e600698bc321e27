/**
 * One process or tab on a machine: its clocks, its timers, and whether it runs, is frozen or is dead. What the network
 * brings waits while it is frozen, and is lost on the dead. Knows nothing of what runs in it.
 */
import type { Clock } from '../base/clock.ts'
import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'
import type { Machine } from './wires.ts'

/** How fine timers are: as set, or once a second or a minute as in a hidden tab. */
export type TimerPace = 'normal' | 'second' | 'minute'
export type HostState = 'running' | 'paused' | 'dead'

const PACE_MS: Readonly<Record<TimerPace, number>> = { normal: 0, second: 1_000, minute: 60_000 }

export interface Host {
  readonly machine: Machine
  readonly clock: Clock
  readonly state: HostState
  /** Whether its system answers for it: while it runs, and while its browser has frozen it. */
  readonly isAnswering: boolean
  readonly pace: TimerPace
  /** Lets something reach the process: now, later when it is frozen, never when it is dead. */
  run(task: () => void): void
  /** `isSleeping`: the machine sleeps, and its steady clock with it. */
  pause(isSleeping?: boolean): void
  /** As `pause`, of a tab: what the browser does without it goes on. */
  freeze(): void
  resume(): void
  kill(): void
  setPace(pace: TimerPace): void
  /** The system's time jumps. */
  stepClock(ms: number): void
  /** Called when it pauses, resumes or dies, until what is returned is called. */
  onChange(listener: () => void): () => void
  /** Timers that are set. */
  timerCount(): number
}

export interface HostNeeds {
  readonly scheduler: Scheduler
  readonly dice: Dice
  readonly machine: Machine
  /** The system's time at the beginning, Unix ms. */
  readonly startUnixMs: number
}

export function createHost({ dice, machine, scheduler, startUnixMs }: HostNeeds): Host {
  const listeners = new Set<() => void>()
  const late: Record<'timers' | 'arrivals', (() => void)[]> = { timers: [], arrivals: [] }
  const paced = new Set<() => void>()
  /** A process's steady clock begins at some time of its own. */
  const bornMs = dice.below(1_000_000)
  let state: HostState = 'running'
  let isFrozen = false
  let pace: TimerPace = 'normal'
  let skewMs = 0
  let sleptMs = 0
  let sleepsSinceMs: number | undefined
  let timerCount = 0

  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const steadyMs = () => bornMs + (sleepsSinceMs ?? scheduler.nowMs()) - sleptMs
  const run = (task: () => void, kind: keyof typeof late = 'arrivals') => {
    if (state === 'running') task()
    else if (state === 'paused') late[kind].push(task)
  }
  const setTimer = (fire: () => void, delayMs: number, slowestMs: number) => {
    // As platforms do it: whole ms, and one at least.
    const dueMs = steadyMs() + Math.max(1, Math.trunc(delayMs))
    let isSet = true
    timerCount += 1
    const end = () => {
      if (isSet) timerCount -= 1
      isSet = false
      paced.delete(waitAnew)
    }
    const wait = () => {
      const paceMs = Math.min(PACE_MS[pace], slowestMs)
      const atMs = scheduler.nowMs() + dueMs - steadyMs()
      const pacedMs = paceMs === 0 ? atMs : Math.ceil(atMs / paceMs) * paceMs
      cancel = scheduler.after(pacedMs - scheduler.nowMs(), () => run(attempt, 'timers'))
    }
    const attempt = () => {
      if (!isSet) return
      // What the machine slept, its timers have slept too.
      if (steadyMs() < dueMs - 1) return wait()
      end()
      fire()
    }
    let cancel = (): void => undefined
    const waitAnew = () => {
      cancel()
      wait()
    }
    paced.add(waitAnew)
    wait()
    return () => {
      end()
      cancel()
    }
  }
  /** Late timers and what came meanwhile run in no order that anybody promised; each kind keeps its own. */
  const runLate = () => {
    const { timers, arrivals } = late
    late.timers = []
    late.arrivals = []
    while (timers.length + arrivals.length > 0) {
      const isTimer = arrivals.length === 0 || (timers.length > 0 && dice.chance(0.5))
      const task = (isTimer ? timers : arrivals).shift()
      if (task !== undefined) scheduler.after(0, () => run(task, isTimer ? 'timers' : 'arrivals'))
    }
  }

  return {
    machine,
    clock: {
      moment: () => ({
        unixMs: startUnixMs + scheduler.nowMs() + skewMs,
        steadyMs: steadyMs(),
      }),
      setTimer: (fire, delayMs) => setTimer(fire, delayMs, PACE_MS.minute),
      // A task of its own is never later than the once a second of a hidden tab.
      defer: (task) => void setTimer(task, 0, PACE_MS.second),
    },
    get state() {
      return state
    },
    get isAnswering() {
      return state === 'running' || (state === 'paused' && isFrozen)
    },
    get pace() {
      return pace
    },
    run: (task) => run(task),
    pause(isSleeping = false) {
      if (state !== 'running') return
      state = 'paused'
      if (isSleeping) sleepsSinceMs = scheduler.nowMs()
      tell()
    },
    freeze() {
      if (state !== 'running') return
      state = 'paused'
      isFrozen = true
      tell()
    },
    resume() {
      if (state !== 'paused') return
      state = 'running'
      isFrozen = false
      if (sleepsSinceMs !== undefined) sleptMs += scheduler.nowMs() - sleepsSinceMs
      sleepsSinceMs = undefined
      runLate()
      tell()
    },
    kill() {
      if (state === 'dead') return
      state = 'dead'
      late.timers = []
      late.arrivals = []
      paced.clear()
      timerCount = 0
      tell()
    },
    setPace(next) {
      if (pace === next) return
      pace = next
      // A tab that is looked at again catches up at once.
      for (const waitAnew of [...paced]) waitAnew()
    },
    stepClock(ms) {
      skewMs += ms
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    timerCount: () => timerCount,
  }
}
