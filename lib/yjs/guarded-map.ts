/** Watches what stock code puts into one of its maps. */

/** Calls `onAdded` for every key that is new in the map, right after it was set. */
export function guardedMap<Key, Value>(map: Map<Key, Value>, onAdded: (key: Key, value: Value) => void): void {
  const set = map.set.bind(map)
  map.set = (key, value) => {
    const isNew = !map.has(key)
    set(key, value)
    if (isNew) onAdded(key, value)
    return map
  }
}
