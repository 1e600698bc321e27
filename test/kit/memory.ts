/** What of the library's memory a test can count: entries of its collections, and the heap behind a collection of garbage. */
import v8 from 'node:v8'
import vm from 'node:vm'

/** Bytes of the heap that are in use once nothing can be freed. */
export const collect = (): number => {
  v8.setFlagsFromString('--expose-gc')
  const gc = vm.runInNewContext('gc') as () => void
  gc()
  return process.memoryUsage().heapUsed
}

/** Entries of all Maps and Sets of the library that are still held, by the line that made them. */
export function watchCollections(): { count(): number; restore(): void } {
  const { Map: PlainMap, Set: PlainSet } = globalThis
  let made: WeakRef<{ readonly size: number }>[] = []
  const remember = (collection: { readonly size: number }): void => {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 3
    const by = new Error().stack?.split('\n').at(-1) ?? ''
    Error.stackTraceLimit = stackTraceLimit
    if (by.includes('/lib/') && !by.includes('/lib/testing/')) made.push(new WeakRef(collection))
  }
  globalThis.Map = class<Key, Value> extends PlainMap<Key, Value> {
    constructor(entries?: Iterable<readonly [Key, Value]> | null) {
      super(entries)
      remember(this)
    }
  } as MapConstructor
  globalThis.Set = class<Value> extends PlainSet<Value> {
    constructor(values?: Iterable<Value> | null) {
      super(values)
      remember(this)
    }
  } as SetConstructor
  return {
    count() {
      made = made.filter((collection) => collection.deref() !== undefined)
      return made.reduce((sum, collection) => sum + (collection.deref()?.size ?? 0), 0)
    },
    restore() {
      Object.assign(globalThis, { Map: PlainMap, Set: PlainSet })
    },
  }
}

/** By how much the most of the later ones exceeds the first. */
export const growth = ([first = 0, ...later]: readonly number[]): number => Math.max(...later) - first
