/** Counts what goes and comes by one link, by kind. Costs nothing per frame but an addition; who asks gets plain data. */
import type { Count, TrafficByKind, TrafficKind } from '../wire/transport.ts'

export interface TrafficCounter {
  /** `byteCount`: of the frame itself, before it is sealed. */
  count(kind: TrafficKind, byteCount: number): void
  totals(): TrafficByKind
}

export function createTrafficCounter(): TrafficCounter {
  const counts = new Map<TrafficKind, { messages: number; bytes: number }>()
  return {
    count(kind, byteCount) {
      let known = counts.get(kind)
      if (known === undefined) {
        known = { messages: 0, bytes: 0 }
        counts.set(kind, known)
      }
      known.messages += 1
      known.bytes += byteCount
    },
    totals: () => Object.fromEntries([...counts].map(([kind, count]): [TrafficKind, Count] => [kind, { ...count }])),
  }
}
