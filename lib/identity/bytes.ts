/** Byte arithmetic that identity does again and again. Knows nothing of what the bytes mean. */

export { concatBytes } from '@noble/hashes/utils.js'

/** Compares without telling by its time where the first difference is. */
export function isEqualBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 0)
  return difference === 0
}
