/**
 * The one time of a test network: everything that will happen, in order, and nothing happens by itself. Each happening is
 * a task: all of its microtasks run before the next one begins.
 */
import type { CancelTimer } from '../base/clock.ts'

export interface Scheduler {
  /** ms since the network began. */
  nowMs(): number
  /** Calls `fire` after `delayMs`; what is due at the same time goes in the order of the calls. */
  after(delayMs: number, fire: () => void): CancelTimer
  /** Moves the time on and lets happen what is due. One call at a time. */
  advance(ms: number): Promise<void>
  /** What is still to happen. */
  pendingCount(): number
}

interface Happening {
  readonly dueMs: number
  readonly turn: number
  readonly fire: () => void
  isCancelled: boolean
}

export function createScheduler(): Scheduler {
  const heap: Happening[] = []
  const endTask = createTaskEnd()
  let nowMs = 0
  let turns = 0
  let pending = 0
  let isRunning = false

  return {
    nowMs: () => nowMs,
    after(delayMs, fire) {
      const happening = { dueMs: nowMs + Math.max(0, delayMs), turn: turns++, fire, isCancelled: false }
      push(heap, happening)
      pending += 1
      return () => {
        if (!happening.isCancelled) pending -= 1
        happening.isCancelled = true
      }
    },
    async advance(ms) {
      if (isRunning) throw new Error('advance is still running: await it before the next one')
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`advance takes ms from 0, this is ${ms}`)
      isRunning = true
      const untilMs = nowMs + ms
      try {
        await endTask()
        for (let next = heap[0]; next !== undefined && next.dueMs <= untilMs; next = heap[0]) {
          shift(heap)
          if (next.isCancelled) continue
          next.isCancelled = true
          pending -= 1
          nowMs = Math.max(nowMs, next.dueMs)
          next.fire()
          await endTask()
        }
        nowMs = untilMs
      } finally {
        isRunning = false
      }
    },
    pendingCount: () => pending,
  }
}

/** Resolves in a task of its own, so after every microtask of this one. Fake timers of a test do not touch it. */
function createTaskEnd(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel()
  let resume = (): void => undefined
  port2.onmessage = () => {
    hold(port2, false)
    resume()
  }
  hold(port2, false)
  return () =>
    new Promise((resolve) => {
      resume = resolve
      hold(port2, true)
      port1.postMessage(0)
    })
}

/** In Node a port that waits keeps the process; between two calls it must not. */
function hold(port: MessagePort, isHeld: boolean): void {
  const name = isHeld ? 'ref' : 'unref'
  const call: unknown = Reflect.get(port, name)
  if (typeof call === 'function') call.call(port)
}

const isBefore = (one: Happening, other: Happening): boolean =>
  one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.turn < other.turn)

function push(heap: Happening[], added: Happening): void {
  let index = heap.length
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]
    if (parent === undefined || !isBefore(added, parent)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = added
}

function shift(heap: Happening[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let childIndex = 2 * index + 1
    let child = heap[childIndex]
    if (child === undefined) break
    const right = heap[childIndex + 1]
    if (right !== undefined && isBefore(right, child)) {
      child = right
      childIndex += 1
    }
    if (!isBefore(child, last)) break
    heap[index] = child
    index = childIndex
  }
  heap[index] = last
}
