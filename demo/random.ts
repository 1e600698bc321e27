/** Random picks for names and rooms; works on plain-http pages of a local network too. */

/** A whole number, 0 to `below` - 1. */
export function randomBelow(below: number): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1))
  return word % below
}

export function pick<Item>(items: readonly [Item, ...Item[]]): Item {
  return items[randomBelow(items.length)] ?? items[0]
}

/** 32 letters and digits that nobody mistakes for one another: 5 random bits each. */
const READABLE = 'abcdefghijkmnpqrstuvwxyz23456789'

export function randomLetters(length: number): string {
  return Array.from({ length }, () => READABLE[randomBelow(READABLE.length)]).join('')
}
