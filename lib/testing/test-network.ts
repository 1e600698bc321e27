/**
 * A network for tests of an application: Realtimes that meet without sockets, on a time that stands still until it is told
 * to go on. Everything is drawn from one seed, so a test that failed once fails again.
 */
import type { RealtimeOptions } from '../options.ts'
import type { Realtime } from '../realtime.ts'
import type { Packet } from './wires.ts'
import { createWorld, type MemberOptions, type Resident } from './world.ts'

/** Where members go that are given no servers of their own. */
const SERVER_URL = 'wss://server.test'

export interface TestNetworkOptions {
  /** A whole number; the same seed gives the same run. Default 1. */
  seed?: number
  /** One way of one packet, from and to in ms. Default `[5, 40]`. */
  delayMs?: readonly [least: number, most: number]
}

/** A group of `partition`: members, and the servers by `'server'`. */
export type TestGroup = readonly (Realtime | 'server')[]

export interface TestNetwork {
  /**
   * A Realtime of this network. Its server is the network's own where `servers` is left out; `webrtc: false` and
   * `relay: false` take a way from it, tabs of one `browser` meet without any server.
   * @throws Error for `transport: 'yjs'`, whose providers know real sockets only.
   */
  createRealtime(options?: Omit<RealtimeOptions, 'webrtc'>, member?: MemberOptions): Realtime
  /**
   * Moves the time on by `ms` and lets happen what is due: messages, timers, events. @throws, as a rejection, RangeError for
   * no time from 0 on, and Error where an earlier call is still running.
   */
  advance(ms: number): Promise<void>
  /** Unix ms of the network. */
  now(): number
  /**
   * Two members: nothing passes directly between them, though a server may still serve them.
   * @throws Error for two tabs of one browser, which no network parts, and, as all that takes a Realtime here, for one that
   * is not of this network.
   */
  partition(one: Realtime, other: Realtime): void
  /**
   * Groups: nothing passes from one to another. A server that no group names is in the first one; a member that none names
   * stays where it was, which is the first one too before any `partition`. @throws as with two members.
   */
  partition(groups: readonly TestGroup[]): void
  /** Undoes every `partition` and `drop`. */
  heal(): void
  /**
   * Loses packets at that rate, from 0 to 1, or those for which it returns true. As TCP and data channels do, they are sent
   * again until they arrive: a loss costs time, no message and no order. Pings of servers and of ICE are not lost: for silence
   * there is `partition`. @throws RangeError for another rate.
   */
  drop(rate: number | ((packet: Packet) => boolean)): void
  /** Its process ends without a word; its system closes its sockets. What it waits for never comes: await nothing of it. */
  kill(realtime: Realtime): void
  /** Its process stands still: nothing runs in it until `resume`. What comes meanwhile waits. */
  pause(realtime: Realtime): void
  resume(realtime: Realtime): void
  /** The servers end and forget everything, until `startServer`. */
  stopServer(): void
  startServer(): void
}

/** @throws RangeError for a seed that is no whole number, or delays that are no range. */
export function createTestNetwork({ seed = 1, delayMs }: TestNetworkOptions = {}): TestNetwork {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed is a whole number; this is ${seed}`)
  if (delayMs !== undefined && !isRange(delayMs))
    throw new RangeError(`delayMs is [least, most] in ms, from 0; this is ${JSON.stringify(delayMs)}`)
  const world = createWorld({ seed, ...(delayMs === undefined ? {} : { delayMs }) })
  const { scheduler, wires } = world
  const lossDice = world.dice.fork()
  const residents = new Map<Realtime, Resident>()
  const main = world.server(SERVER_URL)

  const find = (realtime: Realtime): Resident => {
    const resident = residents.get(realtime)
    if (resident === undefined) throw new Error('this Realtime was not made by createRealtime of this network')
    return resident
  }
  const machineOf = (realtime: Realtime) => find(realtime).host.machine

  function cut(one: Realtime, other: Realtime): void {
    const [from, to] = [machineOf(one), machineOf(other)]
    if (from === to) throw oneMachineError(from.name)
    wires.cut(from, to)
    wires.cut(to, from)
  }

  function split(groups: readonly TestGroup[]): void {
    const isNamed = groups.some((group) => group.includes('server'))
    const machines = groups.map((group) => group.flatMap((member) => (member === 'server' ? [] : [machineOf(member)])))
    for (const [index, group] of machines.entries())
      for (const machine of group)
        if (machines.some((other, of) => of !== index && other.includes(machine))) throw oneMachineError(machine.name)
    for (const [index, group] of groups.entries()) {
      for (const machine of machines[index] ?? []) machine.group = index
      if (isNamed ? group.includes('server') : index === 0)
        for (const { machine } of world.servers()) machine.group = index
    }
    wires.changed()
  }

  return {
    createRealtime(options = {}, member = {}) {
      if (options.transport === 'yjs') throw new Error(`this network carries links; transport 'yjs' needs real sockets`)
      const resident = world.createResident({ servers: [main.url], ...options }, member)
      residents.set(resident.realtime, resident)
      return resident.realtime
    },
    advance: scheduler.advance,
    now: () => world.startUnixMs + scheduler.nowMs(),
    partition(first: Realtime | readonly TestGroup[], second?: Realtime) {
      if (Array.isArray(first)) split(first)
      else if (second !== undefined) cut(first as Realtime, second)
      else throw new TypeError('partition takes two Realtimes, or a list of groups')
    },
    heal() {
      wires.setLoss(() => false)
      wires.heal()
    },
    drop(loss) {
      if (typeof loss === 'function') return wires.setLoss(loss)
      if (!(loss >= 0 && loss <= 1)) throw new RangeError(`a rate is from 0 to 1; this is ${loss}`)
      wires.setLoss(() => lossDice.chance(loss))
    },
    kill: (realtime) => find(realtime).host.kill(),
    pause: (realtime) => find(realtime).host.pause(),
    resume: (realtime) => find(realtime).host.resume(),
    stopServer() {
      for (const server of world.servers()) server.stop()
    },
    startServer() {
      for (const server of world.servers()) server.start()
    },
  }
}

const oneMachineError = (name: string): Error =>
  new Error(`no network parts one machine from itself: both are of "${name}", tabs of one browser or named twice`)

const isRange = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 2 &&
  value[0] >= 0 &&
  value[0] <= value[1] &&
  value[1] < Number.POSITIVE_INFINITY
