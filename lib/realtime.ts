/** One connection of one participant: identity, options, and the channels it is in. */
import { type Clock, createOwnTime, type OwnTime, systemClock } from './base/clock.ts'
import { createEmitter, type Unsubscribe } from './base/emitter.ts'
import { PresenceError } from './base/errors.ts'
import type { ConnectionId } from './base/ids.ts'
import { type Page, systemPage } from './base/page.ts'
import { type RandomBytes, systemRandom } from './base/random.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { checkEvent, checkListener, RealtimeComponentEvent, RealtimeComponentState } from './events.ts'
import { createSystemCrypto } from './identity/system-crypto.ts'
import { createLinksTravel } from './links-travel.ts'
import {
  type Auth,
  checkChannelName,
  checkChannelOptions,
  type RealtimeOptions,
  readSettings,
  type Settings,
} from './options.ts'
import type { Travel, TravelNeeds } from './travel.ts'
import { createYjsTravel } from './yjs-travel.ts'

const STATE_CHANGED = RealtimeComponentEvent.REALTIME_STATE_CHANGED

/** What a Realtime needs of the world. Tests and simulators pass their own. */
export interface Effects {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly page: Page | undefined
  createTravel(needs: Omit<TravelNeeds, 'ways'>): Travel
}

const systemEffects = (): Effects => ({
  clock: systemClock,
  random: systemRandom,
  page: systemPage(systemClock),
  createTravel(needs) {
    const ways = { tabs: true, relay: true }
    if (needs.settings.transport === 'yjs') return createYjsTravel({ ...needs, ways })
    return createLinksTravel({ ...needs, ways, crypto: createSystemCrypto() })
  },
})

interface Membership {
  readonly channel: Channel
  readonly isSynced: boolean
  readonly joined: Promise<Channel>
}

export class Realtime {
  /** 22 URL-safe characters: one per instance, shared by its channels. */
  readonly connectionId: string
  readonly #settings: Settings
  readonly #effects: Effects
  readonly #travel: Travel
  readonly #time: OwnTime
  readonly #states = createEmitter<RealtimeComponentState>()
  readonly #memberships = new Map<string, Membership>()
  #destroying: Promise<void> | undefined

  /**
   * `new Realtime(options?)`, or with the hosted product's auth argument first.
   * @throws PresenceError `invalid-option`, `invalid-id`, `invalid-name`; the message shows the bad value.
   */
  constructor(options?: RealtimeOptions)
  constructor(auth: Auth, options?: RealtimeOptions)
  constructor(first?: Auth | RealtimeOptions, second?: RealtimeOptions, effects: Effects = systemEffects()) {
    const { auth, options } = readArguments(first, second)
    this.#settings = readSettings(auth, options, effects.random)
    this.#effects = effects
    this.#time = createOwnTime(effects.clock)
    this.#travel = effects.createTravel({ ...effects, settings: this.#settings })
    this.connectionId = this.#travel.connectionId
    effects.clock.defer(() => this.#states.emit(STATE_CHANGED, RealtimeComponentState.STARTED))
  }

  /**
   * Joins a channel. Joining is local: the promise resolves without any server or peer, and the same name gives the same
   * live channel. The channel's `CONNECTED` and our own `presence.joined-room` come after it resolved.
   * @throws PresenceError at once: `invalid-name`, or `invalid-option` for options that are none, or others than the live
   * channel has.
   * @returns a promise that rejects with `destroyed` after `destroy`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: reason: the documented API lets data be anything where no type is given
  connect<T = any>(name: string, options: ChannelOptions = {}): Promise<Channel<T>> {
    checkChannelName(name)
    checkChannelOptions(options)
    if (this.#destroying !== undefined) {
      return Promise.reject(destroyedError(name))
    }
    const live = this.#memberships.get(name)
    if (live !== undefined && options.doc !== undefined && options.doc !== live.channel.doc) {
      throw new PresenceError('invalid-option', `Channel "${name}" is connected with another doc.`, {
        hint: 'Disconnect it first.',
      })
    }
    if (live !== undefined && options.sync !== undefined && options.sync !== live.isSynced) {
      throw new PresenceError('invalid-option', `Channel "${name}" is connected with sync: ${live.isSynced}.`, {
        hint: 'Disconnect it first.',
      })
    }
    const membership = live ?? this.#join(name, options)
    return membership.joined as Promise<Channel<T>>
  }

  /**
   * Hears `STARTED` and `STOPPED`, each once and in a task of its own; no replay, so `STARTED` is for who subscribes in the
   * task of the constructor. @throws PresenceError `unknown-event` or `invalid-option` (the listener).
   */
  subscribe(event: RealtimeComponentEvent, listener: (state: RealtimeComponentState) => unknown): Unsubscribe {
    checkEvent(event, [STATE_CHANGED])
    checkListener(listener)
    return this.#states.on(event, listener)
  }

  /** @throws PresenceError `unknown-event`. */
  unsubscribe(event: RealtimeComponentEvent, listener?: (state: RealtimeComponentState) => unknown): void {
    checkEvent(event, [STATE_CHANGED])
    this.#states.off(event, listener)
  }

  /**
   * Leaves every channel; `STOPPED` follows the `DISCONNECTED` of each. Resolves when the goodbyes are on the wire, before or
   * after those are told. Idempotent.
   */
  destroy(): Promise<void> {
    if (this.#destroying === undefined) {
      // A listener of a binding may call this again while it runs.
      let resolve = (): void => undefined
      this.#destroying = new Promise((done) => {
        resolve = done
      })
      void this.#end().then(resolve)
    }
    return this.#destroying
  }

  async #end(): Promise<void> {
    const channels = [...this.#memberships.values()].map(({ channel }) => channel)
    const goodbyes = channels.map((channel) => channel.disconnect())
    this.#effects.clock.defer(() => this.#states.emit(STATE_CHANGED, RealtimeComponentState.STOPPED))
    await Promise.all(goodbyes)
    await this.#travel.stop()
  }

  #join(name: string, options: ChannelOptions): Membership {
    const { clock, page, random } = this.#effects
    const { participant, maxDataBytes, updateIntervalMs, isDebug } = this.#settings
    const channel: Channel = new Channel({
      name,
      connectionId: this.connectionId as ConnectionId,
      participant,
      options,
      maxDataBytes,
      updateIntervalMs,
      clock,
      page,
      random,
      time: this.#time,
      createTransport: (needs, doc) => this.#travel.createTransport(name, needs, doc),
      log: (line) => {
        if (isDebug) console.debug(`copresence ${name}: ${line}`)
      },
      onDisconnected: () => {
        if (this.#memberships.get(name)?.channel === channel) this.#memberships.delete(name)
      },
    })
    const joined = Promise.resolve().then(() => {
      if (this.#destroying !== undefined) throw destroyedError(name)
      channel.open()
      return channel
    })
    const membership = { channel, joined, isSynced: options.sync === true }
    this.#memberships.set(name, membership)
    return membership
  }
}

/** A Realtime with other effects than the system's: for tests and simulators. Not exported from the package. */
export const createRealtime = (options: RealtimeOptions, effects: Partial<Effects>): Realtime =>
  Reflect.construct(Realtime, ['', options, { ...systemEffects(), ...effects }])

/** Which of the two forms of the constructor this is. */
function readArguments(
  first: unknown,
  second: RealtimeOptions | undefined,
): { auth: Auth | undefined; options: RealtimeOptions } {
  const isAuth = typeof first === 'string' || (typeof first === 'object' && first !== null && 'clientId' in first)
  if (isAuth) return { auth: first as Auth, options: second ?? {} }
  if (second === undefined) return { auth: undefined, options: (first === undefined ? {} : first) as RealtimeOptions }
  if (first === undefined) return { auth: undefined, options: second }
  throw new PresenceError(
    'invalid-option',
    'The first of two arguments must be the auth: a string, or { clientId, secret }.',
    {
      hint: 'Give the options alone, or after the auth.',
    },
  )
}

const destroyedError = (name: string): PresenceError =>
  new PresenceError('destroyed', `Cannot connect to "${name}": this Realtime is destroyed.`, {
    hint: 'Make a new Realtime.',
  })
