/**
 * One membership of one channel from its join to its end: introduces the awareness, the roster, the presence, the
 * messages and the way to travel to each other. The channel around it has the verbs and the states; here is the wiring.
 */
import type { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'
import { createAwarenessBridge } from './awareness/awareness-bridge.ts'
import type { Clock, OwnTime } from './base/clock.ts'
import type { ClientId, ConnectionId, ParticipantId } from './base/ids.ts'
import type { JsonObject } from './base/json.ts'
import { createPacer, type Pacer } from './base/pacer.ts'
import type { Page } from './base/page.ts'
import type { Delivery } from './delivery.ts'
import { type ChannelReport, reportChannel } from './inspect.ts'
import { createMessages, type Messages } from './messages.ts'
import { Presence } from './presence.ts'
import type { RosterEvent } from './roster/roster.ts'
import { createRosterKeeper } from './roster/roster-keeper.ts'
import type { AwarenessEntry } from './wire/awareness-update.ts'
import { maxEntryBytes } from './wire/limits.ts'
import type { PresenceField } from './wire/presence-field.ts'
import { createRejectCounter } from './wire/result.ts'
import type { Transport, TransportNeeds } from './wire/transport.ts'

/** What a Realtime gives each membership. */
export interface MembershipNeeds {
  readonly connectionId: ConnectionId
  readonly participant: { readonly id: ParticipantId; readonly name: string }
  readonly maxDataBytes: number
  /** Shortest time between two sends of our entry, in ms. */
  readonly updateIntervalMs: number
  readonly clock: Clock
  readonly page: Page | undefined
  /** Of this connection. */
  readonly time: OwnTime
  createTransport(needs: TransportNeeds): Transport
  log(line: string): void
}

export interface Membership<T> {
  readonly presence: Presence<T>
  readonly awareness: Awareness
  readonly messages: Messages
  inspect(): ChannelReport
  /** Sends what is still to be sent, says goodbye, and leaves nothing. Resolves when the goodbye is on the wire. */
  end(): Promise<void>
}

/** `firstCount`: what our entry's clock and our messages' numbers continue from. */
export function createMembership<T>(
  needs: MembershipNeeds,
  parts: { readonly doc: Doc; readonly delivery: Delivery; readonly firstCount: number },
): Membership<T> {
  const { clock, connectionId, log, maxDataBytes, page, participant, time } = needs
  const { delivery, doc, firstCount } = parts
  const rejects = createRejectCounter()
  let awarenessClock = firstCount
  let transport: Transport | undefined
  let pacer: Pacer | undefined

  const { now } = time
  // Two memberships of one connection never begin at one time: others tell them apart by it.
  const joinedAt = time.next()
  const field: PresenceField = Object.freeze({
    connectionId,
    ...participant,
    data: Object.freeze({}),
    timestamp: joinedAt,
    joinedAt,
    seq: 0,
    sent: 0,
  })
  const bridge = createAwarenessBridge({ doc, presence: field, onOwnChange: () => pacer?.request() })
  const clientId = bridge.awareness.clientID as ClientId
  const presence = new Presence<T>({ field, maxDataBytes, delivery, clock, now, onOwnUpdate: bridge.setPresence })

  const onEvents = (events: readonly RosterEvent[]) => {
    for (const { kind, participant: record } of events) {
      log(`${record.connectionId} ${kind}`)
      if (kind === 'leave') transport?.gaveUp?.(record.connectionId as ConnectionId)
    }
    presence.deliver(events)
  }
  const onEntries = (entries: readonly AwarenessEntry[]) => {
    bridge.write(entries)
    for (const { clientId: writer, state } of entries) {
      const member = roster.find(writer)
      // One membership may end and the next begin under the same client id: what was not heard of the one before is not asked for.
      if (state === null || member === undefined) messages.forget(writer)
      else messages.expect(writer, member.sent)
    }
  }
  /** Messages that are out: one that waits still is missed by nobody. */
  let sentCount = firstCount
  const roster = createRosterKeeper({
    clock,
    rules: { ownConnectionId: connectionId, maxDataBytes },
    rejects,
    onEntries,
    onEvents,
  })
  const messages = createMessages({
    clock,
    clientId,
    firstSeq: firstCount,
    maxDataBytes,
    delivery,
    rejects,
    now,
    self: { connectionId, participantId: participant.id },
    findSender: (sender) => roster.find(sender)?.participant,
    isReachable: (sender) => (roster.find(sender)?.paths.size ?? 0) > 0,
    send(message, to) {
      const isSent = transport?.send(message, to) ?? true
      if (!isSent || to !== undefined) return isSent
      sentCount = Math.max(sentCount, message.seq)
      // Whoever meets us from now on knows by it which message is due.
      transport?.hold(ownState())
      return true
    },
  })
  const ownState = (): JsonObject => bridge.ownState(sentCount)

  const startTransport = () => {
    transport = needs.createTransport({
      clock,
      clientId,
      nextClock: () => ++awarenessClock,
      maxEntryBytes: maxEntryBytes(maxDataBytes),
      rejects,
      shown: roster.members,
      onEvidence(evidence) {
        if (evidence.kind !== 'entry') log(`${evidence.path.id} ${evidence.kind}`)
        roster.take(evidence)
      },
      onMessage: (_path, message, isEarly = false) => messages.receive(message, isEarly),
      onStatus() {
        log(`servers ${JSON.stringify(transport?.inspect().servers ?? [])}`)
      },
    })
    transport.publish(ownState())
  }
  pacer = createPacer(clock, needs.updateIntervalMs, () => transport?.publish(ownState()))
  startTransport()

  const removePageEnd = page?.onEnd((how) => {
    pacer.flush()
    void transport?.stop({ isImmediate: how === 'hidden-for-good' })
    // It may come back, and hears nothing until then.
    roster.loseAllPaths()
  })
  const removePageReturn = page?.onReturn(() => {
    void transport?.stop({ isImmediate: true })
    roster.loseAllPaths()
    startTransport()
  })

  let hasEnded = false
  return {
    presence,
    awareness: bridge.awareness,
    messages,
    inspect: () =>
      reportChannel({
        self: hasEnded ? undefined : connectionId,
        members: roster.members(),
        transport: transport?.inspect(),
        rejects: rejects.totals(),
      }),
    async end() {
      hasEnded = true
      removePageReturn?.()
      pacer.flush()
      roster.stop()
      messages.close()
      presence.close()
      const stopped = transport?.stop()
      bridge.destroy()
      await stopped
      // Until here the page may end, and then the goodbye has no more time.
      removePageEnd?.()
    },
  }
}
