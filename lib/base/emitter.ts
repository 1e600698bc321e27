/** Listeners by event name. Every listener runs, even if one throws; nothing here decides when. */
import { reportListenerError } from './errors.ts'

/** Removes what a `subscribe` added. Calling it again does nothing. */
export type Unsubscribe = () => void

interface Subscription<Payload> {
  readonly listener: (payload: Payload) => unknown
}

export interface Emitter<Payload> {
  /** The same listener added twice is called twice. */
  on(event: string, listener: (payload: Payload) => unknown): Unsubscribe
  /** Without a listener: every subscription of the event; with one: every subscription of that listener. */
  off(event: string, listener?: (payload: Payload) => unknown): void
  /**
   * Calls the listeners of this moment, in the order they came; one that was removed meanwhile is not called. What a
   * listener throws or rejects with goes to `reportListenerError`.
   */
  emit(event: string, payload: Payload): void
  clear(): void
}

export function createEmitter<Payload>(): Emitter<Payload> {
  const subscriptions = new Map<string, Set<Subscription<Payload>>>()
  return {
    on(event, listener) {
      const subscription = { listener }
      const ofEvent = subscriptions.get(event) ?? new Set()
      subscriptions.set(event, ofEvent.add(subscription))
      return () => {
        ofEvent.delete(subscription)
      }
    },
    off(event, listener) {
      const ofEvent = subscriptions.get(event)
      for (const subscription of [...(ofEvent ?? [])]) {
        if (listener === undefined || subscription.listener === listener) ofEvent?.delete(subscription)
      }
    },
    emit(event, payload) {
      const ofEvent = subscriptions.get(event)
      for (const subscription of [...(ofEvent ?? [])])
        if (ofEvent?.has(subscription)) callSafely(subscription.listener, payload)
    },
    clear() {
      for (const ofEvent of subscriptions.values()) ofEvent.clear()
    },
  }
}

function callSafely<Payload>(listener: (payload: Payload) => unknown, payload: Payload): void {
  try {
    const returned = listener(payload)
    if (isThenable(returned)) Promise.resolve(returned).catch(reportListenerError)
  } catch (error) {
    reportListenerError(error)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
