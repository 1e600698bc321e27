/** Waits until a value that is being changed has come to rest. */

export interface Settling {
  /** The value changed: `act` runs once it has rested. */
  touch(): void
  /** It is final: `act` runs now, unless nothing changed since it last ran. */
  flush(): void
}

export function createSettling(act: () => void, restMs: number): Settling {
  let timer: number | undefined
  const flush = (): void => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    act()
  }
  return {
    flush,
    touch() {
      clearTimeout(timer)
      timer = window.setTimeout(flush, restMs)
    },
  }
}
