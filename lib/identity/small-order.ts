/** Public keys that are nobody's: whoever checks signatures refuses them first. Knows one curve and no signature. */
import { Point } from '@noble/ed25519'

/**
 * Keys of small order, also where they are written with p or p + 1 for 0 or 1: some signature by nobody fits each of them, and
 * platforms differ in whether they let it pass.
 */
export function isOfSmallOrder(publicKey: Uint8Array): boolean {
  try {
    return Point.fromBytes(publicKey, true).isSmallOrder()
  } catch {
    // No point: no signature fits it.
    return false
  }
}
