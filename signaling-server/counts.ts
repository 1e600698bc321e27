/** How often what happened. Every refusal of the server has a name here, and none goes uncounted. */

export type CountedEvent =
  // What was let through.
  | 'received'
  | 'forwarded'
  // Refused before there was a socket.
  | 'refused-origin'
  | 'refused-path'
  | 'refused-request'
  | 'refused-sockets'
  | 'refused-ip'
  | 'refused-room-full'
  // Messages that were dropped; their socket goes on.
  | 'dropped-unknown'
  | 'dropped-not-subscribed'
  | 'dropped-topics'
  | 'dropped-topic-full'
  | 'dropped-echo'
  | 'dropped-second-binder'
  | 'dropped-not-owner'
  | 'dropped-forged-ended'
  | 'dropped-bad-state'
  | 'dropped-repeated-answer'
  | 'dropped-question'
  | 'dropped-not-member'
  | 'dropped-no-receiver'
  | 'dropped-repeated-join'
  // Sockets that were ended by the server.
  | 'closed-malformed'
  | 'closed-wrong-type'
  | 'closed-too-large'
  | 'closed-protocol'
  | 'closed-name'
  | 'closed-topics'
  | 'closed-flood'
  | 'closed-backlog'
  | 'closed-hello'
  | 'closed-unproved'
  | 'closed-proof'
  | 'closed-wrong-host'
  | 'closed-silent'
  | 'closed-replaced'
  | 'closed-internal'

export interface Counts {
  count(event: CountedEvent): void
  /** A plain object of the events seen so far. */
  totals(): Partial<Record<CountedEvent, number>>
}

export function createCounts(): Counts {
  const totals = new Map<CountedEvent, number>()
  return {
    count: (event) => void totals.set(event, (totals.get(event) ?? 0) + 1),
    totals: () => Object.fromEntries(totals),
  }
}
