/**
 * What lies between machines: delays, losses and cuts, each way for itself. Pipes keep their order and lose nothing while
 * both ends live, as TCP and data channels do: a loss costs time, a cut stops a pipe until it heals.
 */
import type { CancelTimer } from '../base/clock.ts'
import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'

/** Something with a network address: a member's computer, or a server's. */
export interface Machine {
  readonly id: number
  readonly name: string
  /** What its own line adds to each way, in ms. */
  slowMs: number
  /** Machines of different groups do not reach each other. */
  group: number
}

/** What a loss is decided on. */
export interface Packet {
  /** A member's `browser`, or its `participant.id` where it has none, or `'member'`; or a server's address. */
  readonly from: string
  readonly to: string
  /** `relay`: between a member and a server. */
  readonly carrier: 'relay' | 'direct'
  readonly byteLength: number
}

export interface Pipe {
  /** Hands bytes over, or a task that is to happen at the far end after all that was handed over before. */
  send(item: Uint8Array | (() => void)): void
  /** Bytes that no buffer of the system has taken yet. */
  backlogBytes(): number
  readonly isStalled: boolean
  /** Nothing more is delivered. */
  drop(): void
}

export interface PipeEnds {
  readonly from: Machine
  readonly to: Machine
  readonly carrier: Packet['carrier']
  /** Whether its ends keep it from delivering, whatever the network does. */
  isHeld?(): boolean
  deliver(bytes: Uint8Array): void
}

export interface Wires {
  createMachine(name: string): Machine
  /** Whether anything gets from one machine to the other. */
  isOpen(from: Machine, to: Machine): boolean
  /** One way of one packet, in ms. */
  delayMs(from: Machine, to: Machine): number
  pipe(ends: PipeEnds): Pipe
  cut(from: Machine, to: Machine): void
  mend(from: Machine, to: Machine): void
  /** Everything is open again. */
  heal(): void
  setLoss(isLost: (packet: Packet) => boolean): void
  /** Messages that the machine has sent. */
  sentCount(machine: Machine): number
  /** Cuts or groups have changed. */
  changed(): void
  onChange(listener: () => void): void
}

export interface WiresNeeds {
  readonly scheduler: Scheduler
  readonly dice: Dice
  /** One way between two machines: from, to in ms. */
  readonly delayMs: readonly [least: number, most: number]
}

/** What a system's send buffer takes before the writer notices. */
const SEND_BUFFER_BYTES = 65_536
/** A lost packet is sent again after this, then after twice as long, up to the longest. */
const RESEND_MS = 200
const LONGEST_RESEND_MS = 1_600
/** A pipe that was stopped goes on so long after the cut has healed: its sender tries now and then. */
const RESUME_MS = 250

export function createWires({ scheduler, dice, delayMs: [least, most] }: WiresNeeds): Wires {
  const cuts = new Set<number>()
  const machines: Machine[] = []
  const listeners = new Set<() => void>()
  const sent = new Map<Machine, number>()
  let isLost: (packet: Packet) => boolean = () => false

  const keyOf = (from: Machine, to: Machine): number => from.id * 65_536 + to.id
  const isOpen = (from: Machine, to: Machine): boolean =>
    from === to || (from.group === to.group && !cuts.has(keyOf(from, to)))
  const changed = () => {
    for (const listener of [...listeners]) listener()
  }
  const delayMs = (from: Machine, to: Machine): number =>
    from === to ? dice.between(0.1, 0.5) : dice.between(least, most) + from.slowMs + to.slowMs

  return {
    createMachine(name) {
      const machine = { id: machines.length, name, slowMs: 0, group: 0 }
      machines.push(machine)
      return machine
    },
    isOpen,
    delayMs,
    pipe: (ends) =>
      createPipe(ends, {
        scheduler,
        dice,
        isOpen: () => isOpen(ends.from, ends.to) && ends.isHeld?.() !== true,
        delayMs: () => delayMs(ends.from, ends.to),
        onSend: () => void sent.set(ends.from, (sent.get(ends.from) ?? 0) + 1),
        isLost: (byteLength) => isLost({ from: ends.from.name, to: ends.to.name, carrier: ends.carrier, byteLength }),
        onChange(listener) {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
      }),
    cut(from, to) {
      cuts.add(keyOf(from, to))
      changed()
    },
    mend(from, to) {
      cuts.delete(keyOf(from, to))
      changed()
    },
    heal() {
      cuts.clear()
      for (const machine of machines) machine.group = 0
      changed()
    },
    setLoss(next) {
      isLost = next
    },
    sentCount: (machine) => sent.get(machine) ?? 0,
    changed,
    onChange: (listener) => void listeners.add(listener),
  }
}

interface PipeNeeds {
  readonly scheduler: Scheduler
  readonly dice: Dice
  isOpen(): boolean
  delayMs(): number
  onSend(): void
  isLost(byteLength: number): boolean
  onChange(listener: () => void): () => void
}

function createPipe({ deliver }: PipeEnds, needs: PipeNeeds): Pipe {
  const { scheduler, dice } = needs
  const queue: { readonly item: Uint8Array | (() => void); arrivesMs: number; resendMs: number }[] = []
  let bytes = 0
  let lastArrivalMs = 0
  let cancel: CancelTimer | undefined
  let stopWaiting: (() => void) | undefined
  let isDropped = false

  const schedule = (ms: number) => {
    cancel = scheduler.after(ms, arrive)
  }
  const next = () => {
    const head = queue[0]
    cancel = undefined
    if (head !== undefined) schedule(head.arrivesMs - scheduler.nowMs())
  }
  const stall = () => {
    cancel = undefined
    stopWaiting = needs.onChange(() => {
      if (!needs.isOpen()) return
      stopWaiting?.()
      stopWaiting = undefined
      schedule(dice.between(0, RESUME_MS) + needs.delayMs())
    })
  }
  const arrive = () => {
    const head = queue[0]
    if (head === undefined || isDropped) return
    if (!needs.isOpen()) return stall()
    if (needs.isLost(sizeOf(head.item))) {
      // Each packet is sent again on its own: one that waits behind another has been meanwhile.
      head.arrivesMs += head.resendMs
      head.resendMs = Math.min(2 * head.resendMs, LONGEST_RESEND_MS)
      return next()
    }
    queue.shift()
    bytes -= sizeOf(head.item)
    next()
    if (typeof head.item === 'function') head.item()
    else deliver(head.item)
  }

  return {
    send(item) {
      if (isDropped) return
      if (typeof item !== 'function') needs.onSend()
      lastArrivalMs = Math.max(lastArrivalMs, scheduler.nowMs() + needs.delayMs())
      queue.push({
        item: typeof item === 'function' ? item : item.slice(),
        arrivesMs: lastArrivalMs,
        resendMs: RESEND_MS,
      })
      bytes += sizeOf(item)
      if (queue.length === 1 && cancel === undefined && stopWaiting === undefined) next()
    },
    backlogBytes: () => Math.max(0, bytes - SEND_BUFFER_BYTES),
    get isStalled() {
      return stopWaiting !== undefined
    },
    drop() {
      isDropped = true
      queue.length = 0
      bytes = 0
      cancel?.()
      stopWaiting?.()
    },
  }
}

const sizeOf = (item: Uint8Array | (() => void)): number => (typeof item === 'function' ? 0 : item.byteLength)
