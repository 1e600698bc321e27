/** Listeners by event name. Every listener runs, even if one throws; nothing here decides when. */
import { reportListenerError } from './errors.ts'

/** Removes what a `subscribe` added. Calling it again does nothing. */
export type Unsubscribe = () => void

interface Subscription<Payload> {
  readonly listener: (payload: Payload) => unknown
  readonly onRemoved: (() => void) | undefined
}

export interface Emitter<Payload> {
  /** The same listener added twice is called twice. `onRemoved` is called once, however the subscription ends. */
  on(event: string, listener: (payload: Payload) => unknown, onRemoved?: () => void): Unsubscribe
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

  function remove(event: string, subscription: Subscription<Payload>): void {
    const ofEvent = subscriptions.get(event)
    if (!ofEvent?.delete(subscription)) return
    if (ofEvent.size === 0) subscriptions.delete(event)
    subscription.onRemoved?.()
  }
  const of = (event: string) => [...(subscriptions.get(event) ?? [])]

  return {
    on(event, listener, onRemoved) {
      const subscription = { listener, onRemoved }
      subscriptions.set(event, (subscriptions.get(event) ?? new Set()).add(subscription))
      return () => remove(event, subscription)
    },
    off(event, listener) {
      for (const subscription of of(event)) {
        if (listener === undefined || subscription.listener === listener) remove(event, subscription)
      }
    },
    emit(event, payload) {
      for (const subscription of of(event)) {
        if (subscriptions.get(event)?.has(subscription)) callSafely(subscription.listener, payload)
      }
    },
    clear() {
      for (const event of [...subscriptions.keys()]) for (const subscription of of(event)) remove(event, subscription)
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

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (Object(value) as Partial<PromiseLike<unknown>>).then === 'function'
