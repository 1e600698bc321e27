/** The list from its item of that number on, counted round and round, with those before it behind the last one. */
export function rotated<Item>(list: readonly Item[], number: number): Item[] {
  const first = number % (list.length || 1)
  return [...list.slice(first), ...list.slice(0, first)]
}
