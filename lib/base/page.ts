/** The page that may go away and come back. Outside a browser there is none, and nothing here is ever called. */
import type { CancelTimer, Clock } from './clock.ts'
import type { Unsubscribe } from './emitter.ts'

/** `unloading`: it may be about to end, there is time to send. `hidden-for-good`: it ends or is frozen now. */
export type PageEnd = 'unloading' | 'hidden-for-good'

export interface Page {
  onEnd(listener: (how: PageEnd) => void): Unsubscribe
  /** The page is back: from the back/forward cache, or because it was not left after all. */
  onReturn(listener: () => void): Unsubscribe
  /** Whether nobody can see it: then it may be frozen. Told at once, and whenever that may have changed. */
  onHidden(listener: (isHidden: boolean) => void): Unsubscribe
}

/** A page that was asked to unload and still runs after this was not left: a download, a mail link, or "stay". */
const STAYED_AFTER_MS = 1_000

/** The page of this global scope, if it is one. */
export function systemPage(clock: Clock): Page | undefined {
  if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return undefined
  return {
    onEnd(listener) {
      const removePageHide = listen('pagehide', () => listener('hidden-for-good'))
      const removeBeforeUnload = listen('beforeunload', () => listener('unloading'))
      return () => {
        removePageHide()
        removeBeforeUnload()
      }
    },
    onHidden(listener) {
      const tell = () => listener(document.hidden)
      tell()
      const events = ['visibilitychange', 'freeze', 'resume']
      for (const type of events) document.addEventListener(type, tell)
      return () => {
        for (const type of events) document.removeEventListener(type, tell)
      }
    },
    onReturn(listener) {
      let cancelTimer: CancelTimer | undefined
      const removePageShow = listen('pageshow', (event) => {
        if ((event as PageTransitionEvent).persisted) listener()
      })
      const removePageHide = listen('pagehide', () => cancelTimer?.())
      const removeBeforeUnload = listen('beforeunload', () => {
        cancelTimer?.()
        cancelTimer = clock.setTimer(listener, STAYED_AFTER_MS)
      })
      return () => {
        cancelTimer?.()
        removePageShow()
        removePageHide()
        removeBeforeUnload()
      }
    },
  }
}

function listen(type: string, listener: (event: Event) => void): Unsubscribe {
  window.addEventListener(type, listener)
  return () => window.removeEventListener(type, listener)
}
