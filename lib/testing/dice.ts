/** Chance from a seed: the same seed throws the same dice in the same order, on every machine. */

export interface Dice {
  /** From 0 up to, and without, 1. */
  fraction(): number
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number
  /** From `least` up to, and without, `most`. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  bytes(length: number): Uint8Array
  /** Dice of their own: how often they are thrown moves nobody else's. */
  fork(): Dice
}

/** sfc32, a small fast generator of 128 bits of state that passes PractRand. No cryptography. */
export function createDice(seed: number): Dice {
  let [a, b, c, count] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x2545f491, 1]

  const word = (): number => {
    const mixed = (((a + b) | 0) + count) | 0
    count = (count + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + mixed) | 0
    return mixed >>> 0
  }
  // Seeds that differ by little give nothing alike after so many rounds.
  for (let round = 0; round < 15; round++) word()

  const fraction = (): number => word() / 2 ** 32
  const below = (limit: number): number => Math.floor(fraction() * limit)
  return {
    fraction,
    below,
    between: (least, most) => least + fraction() * (most - least),
    chance: (probability) => fraction() < probability,
    pick<Item>(items: readonly Item[]): Item {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[below(items.length)] as Item
    },
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let index = 0; index < length; index++) bytes[index] = word() & 255
      return bytes
    },
    fork: () => createDice(word() * 2 ** 20 + (word() >>> 12)),
  }
}
