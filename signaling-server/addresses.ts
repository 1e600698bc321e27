/** How many sockets each address has. */

export interface AddressCounter {
  hasPlace(address: string | undefined): boolean
  /** Counts a socket; returns what takes it back. */
  take(address: string | undefined): () => void
}

/** `maxPerAddress` 0: no limit, and nothing is counted. */
export function createAddressCounter(maxPerAddress: number): AddressCounter {
  const totals = new Map<string, number>()
  return {
    hasPlace: (address = '') => maxPerAddress === 0 || (totals.get(address) ?? 0) < maxPerAddress,
    take(address = '') {
      if (maxPerAddress === 0) return () => undefined
      totals.set(address, (totals.get(address) ?? 0) + 1)
      return () => {
        const left = (totals.get(address) ?? 1) - 1
        if (left === 0) totals.delete(address)
        else totals.set(address, left)
      }
    },
  }
}
