/** Public keys that are nobody's: whoever checks signatures refuses them first. Knows bytes, not curves. */

/**
 * Keys of small order, the sign bit left out: some signature by nobody fits each of them, and platforms differ in whether
 * they let it pass. The ordinates 0, 1, both of order 8, p - 1, and p and p + 1, which are 0 and 1 once more.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

export function isOfSmallOrder(publicKey: Uint8Array): boolean {
  const digits = Array.from(publicKey, (byte, index) => (index === publicKey.length - 1 ? byte & 0x7f : byte))
  return SMALL_ORDER.has(digits.map((byte) => byte.toString(16).padStart(2, '0')).join(''))
}
