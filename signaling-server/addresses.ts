/** How many sockets each address has; of IPv6 the 64 bits of a network, of which one machine has all addresses. */
import { isIPv6 } from 'node:net'

export interface AddressCounter {
  hasPlace(address: string | undefined): boolean
  /** Counts a socket; returns what takes it back. */
  take(address: string | undefined): () => void
}

/** `maxPerAddress` 0: no limit, and nothing is counted. */
export function createAddressCounter(maxPerAddress: number): AddressCounter {
  const totals = new Map<string, number>()
  return {
    hasPlace: (address = '') => maxPerAddress === 0 || (totals.get(holderOf(address)) ?? 0) < maxPerAddress,
    take(given = '') {
      if (maxPerAddress === 0) return () => undefined
      const address = holderOf(given)
      totals.set(address, (totals.get(address) ?? 0) + 1)
      return () => {
        const left = (totals.get(address) ?? 1) - 1
        if (left === 0) totals.delete(address)
        else totals.set(address, left)
      }
    },
  }
}

/** The IPv4 address of a socket that came to an IPv6 listener, as `::ffff:192.0.2.1`. */
const MAPPED = /^::ffff:(?=\d+\.)/i

/** Whoever has that address: of IPv6 its first 64 bits, written out. */
export function holderOf(address: string): string {
  const unmapped = address.replace(MAPPED, '')
  if (!isIPv6(unmapped)) return unmapped
  const [head = '', tail] = unmapped.replace(/%.*/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  const first = [...groups, ...Array<string>(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4)
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
