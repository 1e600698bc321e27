/**
 * What can go wrong between members and servers, each with its undoing. Overlapping faults add up: a way is open again
 * when the last of those that cut it is over. Knows machines and hosts, not what runs on them.
 */
import type { Host, TimerPace } from '../../lib/testing/host.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'

/** How much of what a disordered server carries comes twice, and how much comes late. */
const DISORDER_RATE = 0.2

export type Undo = () => void

export interface Faults {
  /** Nothing passes from any of the first to any of the second. */
  cut(from: readonly Machine[], to: readonly Machine[]): Undo
  cutBoth(one: readonly Machine[], other: readonly Machine[]): Undo
  freeze(host: Host, isSleeping: boolean): Undo
  /** As `freeze`, by its browser: its system goes on. */
  suspend(host: Host): Undo
  setPace(host: Host, pace: TimerPace): Undo
  slow(machine: Machine, ms: number): Undo
  lose(rate: number): Undo
  crash(server: VirtualServer): Undo
  /** What the server carries comes twice, and late: behind what was sent after it. */
  disorder(server: VirtualServer): Undo
}

export function createFaults(world: World): Faults {
  const { wires } = world
  const dice = world.dice.fork()
  const cuts = new Map<string, number>()
  const crashes = new Map<VirtualServer, number>()
  const disorders = new Map<VirtualServer, number>()
  const freezes = new Map<Host, number>()
  let rates: number[] = []

  const count = <Key>(counts: Map<Key, number>, key: Key, change: number): number => {
    const next = (counts.get(key) ?? 0) + change
    counts.set(key, next)
    return next
  }
  const once = (undo: Undo): Undo => {
    let isDone = false
    return () => {
      if (!isDone) undo()
      isDone = true
    }
  }
  const cut = (from: readonly Machine[], to: readonly Machine[]): Undo => {
    const pairs = from.flatMap((one) => to.filter((other) => other !== one).map((other) => [one, other] as const))
    for (const [one, other] of pairs) if (count(cuts, `${one.id}>${other.id}`, 1) === 1) wires.cut(one, other)
    return once(() => {
      for (const [one, other] of pairs) if (count(cuts, `${one.id}>${other.id}`, -1) === 0) wires.mend(one, other)
    })
  }
  const freeze = (host: Host, begin: () => void): Undo => {
    if (count(freezes, host, 1) === 1) begin()
    return once(() => {
      if (count(freezes, host, -1) === 0) host.resume()
    })
  }
  const loss = () => {
    const rate = Math.max(0, ...rates)
    wires.setLoss(() => rate > 0 && dice.chance(rate))
  }

  return {
    cut,
    cutBoth(one, other) {
      const [there, back] = [cut(one, other), cut(other, one)]
      return () => {
        there()
        back()
      }
    },
    freeze: (host, isSleeping) => freeze(host, () => host.pause(isSleeping)),
    suspend: (host) => freeze(host, host.freeze),
    setPace(host, pace) {
      host.setPace(pace)
      return once(() => host.setPace('normal'))
    },
    slow(machine, ms) {
      const before = machine.slowMs
      machine.slowMs = Math.max(before, ms)
      return once(() => {
        machine.slowMs = 0
      })
    },
    lose(rate) {
      rates.push(rate)
      loss()
      return once(() => {
        rates = rates.filter((other) => other !== rate)
        loss()
      })
    },
    crash(server) {
      if (count(crashes, server, 1) === 1) server.stop()
      return once(() => {
        if (count(crashes, server, -1) === 0) server.start()
      })
    },
    disorder(server) {
      if (count(disorders, server, 1) === 1) server.setDisorder(DISORDER_RATE)
      return once(() => {
        if (count(disorders, server, -1) === 0) server.setDisorder(0)
      })
    },
  }
}
