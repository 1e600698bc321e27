/**
 * One channel as users hold it: its states, its verbs and its Yjs document. What happens between members is the
 * membership's; this file only guards the door: what is still allowed, and who is told.
 */
import type { Awareness } from 'y-protocols/awareness'
import { Doc } from 'yjs'
import { createEmitter, type Unsubscribe } from './base/emitter.ts'
import { PresenceError } from './base/errors.ts'
import type { RandomBytes } from './base/random.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { type ChannelState, checkListener, RealtimeChannelEvent, RealtimeChannelState } from './events.ts'
import type { ChannelReport } from './inspect.ts'
import { createMembership, type Membership, type MembershipNeeds } from './membership.ts'
import { checkMessageEvent, type RealtimeMessage } from './messages.ts'
import type { Presence } from './presence.ts'
import type { Transport, TransportNeeds } from './wire/transport.ts'

const STATE_CHANGED = RealtimeChannelEvent.REALTIME_CHANNEL_STATE_CHANGED

export interface ChannelOptions {
  /** The document of the channel, and with it the client id; a fresh one by default. Give it to one channel at a time. */
  doc?: Doc
  /** Whether the document travels too. Off by default: then no byte from the network reaches Yjs. */
  sync?: boolean
}

/** What a Realtime gives its channels. */
export interface ChannelNeeds extends Omit<MembershipNeeds, 'createTransport'> {
  readonly name: string
  readonly options: ChannelOptions
  /** `doc`: the document that is to travel. */
  createTransport(needs: TransportNeeds, doc: Doc | undefined): Transport
  readonly random: RandomBytes
  onDisconnected(): void
}

/** A live or ended membership of one channel. Made by `realtime.connect(name)`. */
// biome-ignore lint/suspicious/noExplicitAny: reason: the documented API lets data be anything where no type is given
export class Channel<T = any> {
  readonly name: string
  /** The channel's Yjs document; `awareness.clientID` is its `clientID`. */
  readonly doc: Doc
  readonly participant: Presence<T>
  readonly #membership: Membership<T>
  readonly #delivery: Delivery
  readonly #states = createEmitter<ChannelState>()
  readonly #onDisconnected: () => void
  #state: ChannelState = RealtimeChannelState.CONNECTING
  #ending: Promise<void> | undefined

  /** @internal Use `realtime.connect(name)`. */
  constructor(needs: ChannelNeeds) {
    const { doc, sync = false } = needs.options
    this.name = needs.name
    this.doc = doc ?? createDoc(needs.random)
    this.#onDisconnected = needs.onDisconnected
    this.#delivery = createDelivery(needs.clock)
    this.#delivery.push(() => this.#states.emit(STATE_CHANGED, RealtimeChannelState.CONNECTED))
    this.#membership = createMembership<T>(
      {
        ...needs,
        createTransport: (transportNeeds) => needs.createTransport(transportNeeds, sync ? this.doc : undefined),
      },
      {
        doc: this.doc,
        delivery: this.#delivery,
        // A document that was in this channel before comes back with its client id: its counts must be newer ones. Time
        // outruns them by 16 a millisecond: the 1,000 messages that go out at once (M6), in 63 ms. Under 2^48 until the year 2500.
        firstCount: doc === undefined ? 0 : Math.floor(needs.time.steadyNow() * 16),
      },
    )
    this.participant = this.#membership.presence
  }

  get state(): ChannelState {
    return this.#state
  }

  /** A real y-protocols Awareness: give it to any Yjs editor binding. Its fields beside ours are the bindings' own. */
  get awareness(): Awareness {
    return this.#membership.awareness
  }

  /**
   * Sends `data` to the members present now, oneself included, in the order of the calls; no history is kept.
   * @throws PresenceError `unknown-event` for a name that is no string of 1 to 64 characters or is the channel's own event,
   * `not-json`, `too-large` (the payload, or what waits: 10,000 messages or 8 MiB), `disconnected`.
   */
  publish<D>(event: string, data: D): void {
    if (event === STATE_CHANGED) {
      throw new PresenceError('unknown-event', `The channel's own event ${STATE_CHANGED} cannot be published.`)
    }
    checkMessageEvent(event)
    this.#checkOpen('publish')
    this.#membership.messages.publish(event, data)
  }

  /**
   * Calls `listener` for each change of the channel's state, or for each message of that event; never synchronously.
   * @throws PresenceError `unknown-event`, `invalid-option` (the listener) or `disconnected`.
   */
  subscribe(event: RealtimeChannelEvent, listener: (state: ChannelState) => unknown): Unsubscribe
  subscribe<D>(event: string, listener: (message: RealtimeMessage<D>) => unknown): Unsubscribe
  subscribe(event: string, listener: (payload: never) => unknown): Unsubscribe {
    checkMessageEvent(event)
    checkListener(listener)
    this.#checkOpen('subscribe')
    if (event === STATE_CHANGED) return this.#states.on(event, listener as (state: ChannelState) => unknown)
    return this.#membership.messages.on(event, listener as (message: RealtimeMessage) => unknown)
  }

  /** Drops every subscription of the event, or those of one listener; after the end too. @throws PresenceError `unknown-event`. */
  unsubscribe(event: string, listener?: (payload: never) => unknown): void {
    checkMessageEvent(event)
    if (event === STATE_CHANGED) this.#states.off(event, listener as ((state: ChannelState) => unknown) | undefined)
    else this.#membership.messages.off(event, listener as ((message: RealtimeMessage) => unknown) | undefined)
  }

  /**
   * Leaves: others are told, listeners here hear `DISCONNECTED` and then nothing more. Resolves when the goodbye is on the
   * wire. Calling it again returns the same promise.
   */
  disconnect(): Promise<void> {
    if (this.#ending === undefined) {
      // A listener of a binding may call this again while it runs.
      let resolve = (): void => undefined
      this.#ending = new Promise((done) => {
        resolve = done
      })
      void this.#end().then(resolve)
    }
    return this.#ending
  }

  /** How each member is reached, how the servers are, and what was refused: a plain object for people and tools. */
  inspect(): ChannelReport {
    return this.#membership.inspect()
  }

  /** @internal The join is done: from here on listeners hear. */
  open(): void {
    if (this.#state !== RealtimeChannelState.CONNECTING) return
    this.#state = RealtimeChannelState.CONNECTED
    this.#delivery.open()
  }

  async #end(): Promise<void> {
    this.#state = RealtimeChannelState.DISCONNECTED
    this.#delivery.close()
    // A listener of a binding that connects again meanwhile gets a live channel.
    this.#onDisconnected()
    const ended = this.#membership.end()
    queueMicrotask(() => {
      this.#states.emit(STATE_CHANGED, RealtimeChannelState.DISCONNECTED)
      this.#states.clear()
    })
    await ended
  }

  #checkOpen(verb: string): void {
    if (this.#state !== RealtimeChannelState.DISCONNECTED) return
    throw new PresenceError('disconnected', `Cannot ${verb}: channel "${this.name}" is disconnected.`, {
      hint: 'Call realtime.connect(name) for a live channel.',
    })
  }
}

/** With a client id of 32 bits, as Yjs draws it, from our own source of chance. */
function createDoc(random: RandomBytes): Doc {
  const doc = new Doc()
  doc.clientID = new DataView(random(4).slice().buffer).getUint32(0)
  return doc
}
