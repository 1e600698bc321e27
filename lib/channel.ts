/**
 * One channel: a Yjs document, its awareness, a way to travel and the presence of everybody in it. This file introduces
 * those rooms to each other and owns the life cycle; what it decides itself is only the order.
 */
import type { Awareness } from 'y-protocols/awareness'
import { Doc } from 'yjs'
import { type AwarenessBridge, createAwarenessBridge } from './awareness/awareness-bridge.ts'
import type { Clock } from './base/clock.ts'
import { createEmitter, type Unsubscribe } from './base/emitter.ts'
import { PresenceError } from './base/errors.ts'
import type { ClientId, ConnectionId, ParticipantId } from './base/ids.ts'
import type { JsonObject } from './base/json.ts'
import { createPacer, type Pacer } from './base/pacer.ts'
import type { Page } from './base/page.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { type ChannelState, checkListener, RealtimeChannelEvent, RealtimeChannelState } from './events.ts'
import { type ChannelReport, reportChannel } from './inspect.ts'
import { checkMessageEvent, createMessages, type Messages, type RealtimeMessage } from './messages.ts'
import { Presence } from './presence.ts'
import type { RosterEvent } from './roster/roster.ts'
import { createRosterKeeper, type RosterKeeper } from './roster/roster-keeper.ts'
import type { AwarenessEntry } from './wire/awareness-update.ts'
import { maxEntryBytes } from './wire/limits.ts'
import type { PresenceField } from './wire/presence-field.ts'
import { createRejectCounter } from './wire/result.ts'
import type { Evidence, Transport, TransportNeeds } from './wire/transport.ts'

const STATE_CHANGED = RealtimeChannelEvent.REALTIME_CHANNEL_STATE_CHANGED

export interface ChannelOptions {
  /** The document of the channel, and with it the client id; a fresh one by default. Give it to one channel at a time. */
  doc?: Doc
  /** Whether the document travels too. Off by default: then no byte from the network reaches Yjs. */
  sync?: boolean
}

/** What a Realtime gives its channels. */
export interface ChannelNeeds {
  readonly name: string
  readonly connectionId: ConnectionId
  readonly participant: { readonly id: ParticipantId; readonly name: string }
  readonly options: ChannelOptions
  readonly maxDataBytes: number
  /** Shortest time between two sends of our entry, in ms. */
  readonly updateIntervalMs: number
  readonly clock: Clock
  readonly page: Page | undefined
  /** Unix ms, never decreasing for this connection. */
  now(): number
  createTransport(needs: TransportNeeds, doc: Doc | undefined): Transport
  log(line: string): void
  onDisconnected(): void
}

/** A live or ended membership of one channel. Made by `realtime.connect(name)`. */
// biome-ignore lint/suspicious/noExplicitAny: reason: the documented API lets data be anything where no type is given
export class Channel<T = any> {
  readonly name: string
  readonly participant: Presence<T>
  /** The channel's Yjs document; `awareness.clientID` is its `clientID`. */
  readonly doc: Doc
  readonly #needs: ChannelNeeds
  readonly #states = createEmitter<ChannelState>()
  readonly #rejects = createRejectCounter()
  readonly #delivery: Delivery
  readonly #bridge: AwarenessBridge
  readonly #roster: RosterKeeper
  readonly #messages: Messages
  readonly #pacer: Pacer
  readonly #stopListening: Unsubscribe[] = []
  #awarenessClock: number
  #state: ChannelState = RealtimeChannelState.CONNECTING
  #transport: Transport | undefined
  #ending: Promise<void> | undefined

  /** @internal Use `realtime.connect(name)`. */
  constructor(needs: ChannelNeeds) {
    const { clock, connectionId, maxDataBytes, options, participant } = needs
    this.#needs = needs
    this.name = needs.name
    this.doc = options.doc ?? new Doc()
    // A document that was in this channel before comes back with its client id: its clock must be a newer one. 16 ms
    // is the shortest default interval between two sends, so time outruns the count.
    this.#awarenessClock = options.doc === undefined ? 0 : Math.floor(needs.now() / 16)
    this.#delivery = createDelivery(clock)
    this.#delivery.push(() => this.#states.emit(STATE_CHANGED, RealtimeChannelState.CONNECTED))
    const joinedAt = needs.now()
    const field: PresenceField = Object.freeze({
      connectionId,
      ...participant,
      data: Object.freeze({}),
      timestamp: joinedAt,
      joinedAt,
      seq: 0,
      sent: 0,
    })
    this.participant = new Presence<T>({
      field,
      maxDataBytes,
      delivery: this.#delivery,
      now: needs.now,
      onOwnUpdate: (next) => this.#bridge.setPresence(next),
    })
    this.#pacer = createPacer(clock, needs.updateIntervalMs, () => this.#transport?.publish(this.#ownState()))
    this.#bridge = createAwarenessBridge({ doc: this.doc, presence: field, onOwnChange: () => this.#pacer?.request() })
    this.#roster = createRosterKeeper({
      clock,
      rules: { ownConnectionId: connectionId, maxDataBytes },
      rejects: this.#rejects,
      onEntries: (entries) => this.#writeOthers(entries),
      onEvents: (events) => this.#tell(events),
    })
    this.#messages = createMessages({
      clock,
      clientId: this.#clientId,
      maxDataBytes,
      delivery: this.#delivery,
      rejects: this.#rejects,
      now: needs.now,
      self: () => ({ connectionId, id: participant.id }),
      findSender: (clientId) => this.#roster.members().find((member) => member.clientId === clientId)?.participant,
      send: (message) => this.#transport?.send(message),
    })
    this.#startTransport()
    this.#followPage(needs.page)
  }

  get state(): ChannelState {
    return this.#state
  }

  /** A real y-protocols Awareness: give it to any Yjs editor binding. Its fields beside ours are the bindings' own. */
  get awareness(): Awareness {
    return this.#bridge.awareness
  }

  /**
   * Sends `data` to the members present now, oneself included, in the order of the calls; no history is kept.
   * @throws PresenceError `unknown-event` for a name that is no string of 1 to 64 characters or is the channel's own event,
   * `not-json`, `too-large`, `disconnected`.
   */
  publish<D>(event: string, data: D): void {
    if (event === STATE_CHANGED) {
      throw new PresenceError('unknown-event', `The channel's own event ${STATE_CHANGED} cannot be published.`)
    }
    checkMessageEvent(event)
    this.#checkOpen('publish')
    this.#messages.publish(event, data)
    // Whoever meets us from now on knows by it which message is due.
    this.#transport?.hold(this.#ownState())
  }

  /** Calls `listener` for each change of the channel's state, or for each message of that event; never synchronously. */
  subscribe(event: RealtimeChannelEvent, listener: (state: ChannelState) => unknown): Unsubscribe
  subscribe<D>(event: string, listener: (message: RealtimeMessage<D>) => unknown): Unsubscribe
  subscribe(event: string, listener: (payload: never) => unknown): Unsubscribe {
    checkMessageEvent(event)
    checkListener(listener)
    this.#checkOpen('subscribe')
    if (event === STATE_CHANGED) return this.#states.on(event, listener as (state: ChannelState) => unknown)
    return this.#messages.on(event, listener as (message: RealtimeMessage) => unknown)
  }

  /** Drops every subscription of the event, or those of one listener. Allowed after the end too. */
  unsubscribe(event: string, listener?: (payload: never) => unknown): void {
    checkMessageEvent(event)
    if (event === STATE_CHANGED) this.#states.off(event, listener as ((state: ChannelState) => unknown) | undefined)
    else this.#messages.off(event, listener as ((message: RealtimeMessage) => unknown) | undefined)
  }

  /**
   * Leaves: others are told, listeners here hear `DISCONNECTED` and then nothing more. Resolves when the goodbye is on the
   * wire. Calling it again returns the same promise.
   */
  disconnect(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  /** How each member is reached, how the servers are, and what was refused: a plain object for people and tools. */
  inspect(): ChannelReport {
    return reportChannel({
      self: this.#state === RealtimeChannelState.DISCONNECTED ? undefined : this.#needs.connectionId,
      members: this.#roster.members(),
      transport: this.#transport?.inspect(),
      rejects: this.#rejects.totals(),
    })
  }

  /** @internal The join is done: from here on listeners hear. */
  open(): void {
    if (this.#state !== RealtimeChannelState.CONNECTING) return
    this.#state = RealtimeChannelState.CONNECTED
    this.#delivery.open()
  }

  get #clientId(): ClientId {
    return this.awareness.clientID as ClientId
  }

  #ownState(): JsonObject {
    return this.#bridge.ownState(this.#messages.sentCount())
  }

  #startTransport(): void {
    const { clock, maxDataBytes, options, log } = this.#needs
    this.#transport = this.#needs.createTransport(
      {
        clock,
        clientId: this.#clientId,
        nextClock: () => ++this.#awarenessClock,
        maxEntryBytes: maxEntryBytes(maxDataBytes),
        rejects: this.#rejects,
        onEvidence: (evidence) => this.#take(evidence),
        onMessage: (_path, message) => this.#messages.receive(message),
        onStatus: () => log(`${this.name}: servers ${JSON.stringify(this.#transport?.inspect().servers ?? [])}`),
      },
      options.sync === true ? this.doc : undefined,
    )
    this.#transport.publish(this.#ownState())
  }

  #followPage(page: Page | undefined): void {
    if (page === undefined) return
    this.#stopListening.push(
      page.onEnd((how) => {
        this.#pacer.flush()
        void this.#transport?.stop({ isImmediate: how === 'hidden-for-good' })
      }),
      page.onReturn(() => {
        void this.#transport?.stop({ isImmediate: true })
        this.#roster.loseAllPaths()
        this.#startTransport()
      }),
    )
  }

  #take(evidence: Evidence): void {
    if (evidence.kind !== 'entry') this.#needs.log(`${this.name}: ${evidence.path.id} ${evidence.kind}`)
    this.#roster.take(evidence)
  }

  #writeOthers(entries: readonly AwarenessEntry[]): void {
    this.#bridge.write(entries)
    for (const { clientId, state } of entries) if (state === null) this.#messages.forget(clientId)
  }

  #tell(events: readonly RosterEvent[]): void {
    for (const { kind, participant } of events) {
      this.#needs.log(`${this.name}: ${participant.connectionId} ${kind}`)
      const joined = kind === 'joined' && this.#roster.members().find((member) => member.participant === participant)
      if (joined) this.#messages.expect(joined.clientId, joined.sent + 1)
    }
    this.participant.deliver(events)
  }

  async #end(): Promise<void> {
    this.#state = RealtimeChannelState.DISCONNECTED
    for (const stop of this.#stopListening) stop()
    this.#pacer.flush()
    this.#delivery.close()
    this.#roster.stop()
    this.#messages.close()
    this.participant.close()
    const stopped = this.#transport?.stop()
    this.#bridge.destroy()
    queueMicrotask(() => {
      this.#states.emit(STATE_CHANGED, RealtimeChannelState.DISCONNECTED)
      this.#states.clear()
    })
    this.#needs.onDisconnected()
    await stopped
  }

  #checkOpen(verb: string): void {
    if (this.#state !== RealtimeChannelState.DISCONNECTED) return
    throw new PresenceError('disconnected', `Cannot ${verb}: channel "${this.name}" is disconnected.`, {
      hint: 'Call realtime.connect(name) for a live channel.',
    })
  }
}
