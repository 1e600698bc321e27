/**
 * When listeners hear: one queue per channel. Nothing is delivered from inside a call of the user's; what comes before
 * the channel is announced waits for that, so a listener added right after `await connect()` misses nothing.
 */

import type { Clock } from './base/clock.ts'

export interface Delivery {
  /** Queues one delivery; they run in the order in which they were queued, a microtask later at the earliest. */
  push(deliver: () => void): void
  /** Whether listeners are being called just now. */
  isDelivering(): boolean
  /** Opens the queue, in a task of its own. */
  open(): void
  /** Drops what is still queued; nothing is delivered afterwards. */
  close(): void
}

export function createDelivery(clock: Clock): Delivery {
  const queue: (() => void)[] = []
  let state: 'waiting' | 'open' | 'closed' = 'waiting'
  let isScheduled = false
  let isDelivering = false

  const flush = () => {
    isScheduled = false
    isDelivering = true
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next()
    isDelivering = false
  }
  const schedule = () => {
    if (isScheduled || state !== 'open') return
    isScheduled = true
    queueMicrotask(flush)
  }

  return {
    push(deliver) {
      if (state === 'closed') return
      queue.push(deliver)
      schedule()
    },
    isDelivering: () => isDelivering,
    open() {
      clock.defer(() => {
        if (state === 'closed') return
        state = 'open'
        schedule()
      })
    },
    close() {
      state = 'closed'
      queue.length = 0
    },
  }
}
