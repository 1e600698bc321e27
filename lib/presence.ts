/**
 * The facade of one channel: `update`, `subscribe`, `unsubscribe`, `getAll`. It shows what its events told, and keeps the
 * user's own record; who else is here it hears from the roster, through the channel.
 */
import type { Clock } from './base/clock.ts'
import { createEmitter, type Unsubscribe } from './base/emitter.ts'
import { PresenceError } from './base/errors.ts'
import type { JsonValue } from './base/json.ts'
import type { Delivery } from './delivery.ts'
import { checkEvent, checkListener, checkSignal, type PresenceEvent, PresenceEvents } from './events.ts'
import { checkMergeOptions, type MergeOptions, mergeData } from './merge-data.ts'
import { byJoinOrder, createParticipant, type Participant } from './roster/participant.ts'
import type { RosterEvent, RosterEventKind } from './roster/roster.ts'
import type { PresenceField } from './wire/presence-field.ts'

const KNOWN_EVENTS = Object.values(PresenceEvents)
const EVENT_OF: Record<RosterEventKind, PresenceEvent> = {
  joined: PresenceEvents.JOINED_ROOM,
  update: PresenceEvents.UPDATE,
  leave: PresenceEvents.LEAVE,
}

type Visible = Omit<RosterEvent, 'kind'>

/** What the channel gives its presence. */
export interface PresenceNeeds {
  /** Our entry as it is at the join. */
  readonly field: PresenceField
  readonly maxDataBytes: number
  readonly delivery: Delivery
  readonly clock: Clock
  /** Unix ms, never decreasing for this connection. */
  now(): number
  /** Our entry changed: it is to travel. */
  onOwnUpdate(field: PresenceField): void
}

/** Presence of one channel, `channel.participant`. */
// biome-ignore lint/suspicious/noExplicitAny: reason: the documented API lets data be anything where no type is given
export class Presence<T = any> {
  readonly #needs: PresenceNeeds
  readonly #emitter = createEmitter<Participant<T>>()
  readonly #others = new Map<string, Visible>()
  #field: PresenceField
  #isUpdateQueued = false
  #isClosed = false

  /** @internal Channels make these. */
  constructor(needs: PresenceNeeds) {
    this.#needs = needs
    this.#field = needs.field
    const participant = createParticipant(needs.field)
    needs.delivery.push(() => this.#emit('joined', participant))
  }

  /**
   * Merges `data` shallowly into our record: an own `undefined` deletes its key, a nested object is replaced whole;
   * `{ replace: true }`, or a payload that is no JSON object, replaces everything. Synchronous; `getAll()` shows it at once,
   * one `presence.update` of this tick follows, and the last value leaves after at most `updateIntervalMs`, and as soon as the
   * ways to others have room.
   * @throws PresenceError `invalid-option` (`replace`), `not-json`, `too-large` (16384 bytes of JSON once merged, 32 levels, 256
   * keys in one object, by default) or `disconnected`; the record is then unchanged.
   */
  update(data: Partial<T>, options: MergeOptions = {}): void {
    this.#checkOpen('update')
    const merged = mergeData(this.#field.data, data, checkMergeOptions(options), this.#needs.maxDataBytes)
    this.#field = Object.freeze({
      ...this.#field,
      data: merged,
      timestamp: this.#needs.now(),
      seq: this.#field.seq + 1,
    })
    this.#queueOwnUpdate()
    this.#needs.onOwnUpdate(this.#field)
  }

  /**
   * Calls `listener` for each event of that name from now on, never synchronously; no replay of earlier ones. The same
   * listener subscribed twice is called twice. Returns its unsubscriber; an aborted `signal` unsubscribes too.
   * @throws PresenceError `unknown-event`, `invalid-option` (the listener or the signal) or `disconnected`.
   */
  subscribe(
    event: PresenceEvent,
    listener: (participant: Participant<T>) => unknown,
    options: { signal?: AbortSignal } = {},
  ): Unsubscribe {
    checkEvent(event, KNOWN_EVENTS)
    checkListener(listener)
    this.#checkOpen('subscribe')
    const signal = checkSignal(options?.signal)
    if (signal?.aborted) return () => undefined
    const abort = () => unsubscribe()
    const unsubscribe = this.#emitter.on(event, listener, () => signal?.removeEventListener('abort', abort))
    signal?.addEventListener('abort', abort)
    return unsubscribe
  }

  /**
   * Drops every subscription of the event, or those of one listener. Allowed after the end too.
   * @throws PresenceError `unknown-event`.
   */
  unsubscribe(event: PresenceEvent, listener?: (participant: Participant<T>) => unknown): void {
    checkEvent(event, KNOWN_EVENTS)
    this.#emitter.off(event, listener)
  }

  /** Everybody present, ourselves included, by join time and then connectionId; `[]` after the end. */
  getAll(): Participant<T>[] {
    if (this.#isClosed) return []
    const self: Visible = { participant: createParticipant(this.#field), joinedAt: this.#field.joinedAt }
    return [self, ...this.#others.values()].sort(byJoinOrder).map(({ participant }) => participant as Participant<T>)
  }

  /** @internal Takes what the roster decided; each event is told in its turn, and shown from then on. */
  deliver(events: readonly RosterEvent[]): void {
    for (const { kind, participant, joinedAt } of events) {
      this.#needs.delivery.push(() => {
        if (kind === 'leave') this.#others.delete(participant.connectionId)
        else this.#others.set(participant.connectionId, { participant, joinedAt })
        this.#emit(kind, participant)
      })
    }
  }

  /** @internal Ends it: nothing is told or shown any more. */
  close(): void {
    this.#isClosed = true
    this.#others.clear()
    this.#emitter.clear()
  }

  #queueOwnUpdate(): void {
    if (this.#isUpdateQueued) return
    this.#isUpdateQueued = true
    const { clock, delivery } = this.#needs
    // The turn is taken at the end of this tick, so that the updates of one tick are one event. A listener that updates
    // waits for another task, or two of them could keep the page from ever doing anything else.
    const takeTurn = delivery.isDelivering() ? clock.defer : queueMicrotask
    takeTurn(() => {
      this.#isUpdateQueued = false
      const participant = createParticipant(this.#field)
      delivery.push(() => this.#emit('update', participant))
    })
  }

  #emit(kind: RosterEventKind, participant: Participant<JsonValue> | Participant): void {
    this.#emitter.emit(EVENT_OF[kind], participant as Participant<T>)
  }

  #checkOpen(verb: string): void {
    if (!this.#isClosed) return
    throw new PresenceError('disconnected', `Cannot ${verb}: this channel is disconnected.`, {
      hint: 'Call realtime.connect(name) for a live channel.',
    })
  }
}
