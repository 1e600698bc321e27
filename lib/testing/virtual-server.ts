/**
 * A signaling/relay server of a test network: where sockets arrive, and how they end. What a server says to them is its
 * logic's; a stopped server has forgotten everything when it starts again.
 */
import type { ConnectionId } from '../base/ids.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import type { Scheduler } from './scheduler.ts'
import type { Machine, Pipe, Wires } from './wires.ts'

/** One socket as the server has it. */
export interface ServerSocket {
  send(bytes: Uint8Array): void
  /** As `send`, for what somebody else said. */
  forward(bytes: Uint8Array): void
  /** Ends it; its handler is told at once. */
  close(code: number): void
}

export interface SocketHandler {
  onMessage(bytes: Uint8Array): void
  /** The client's system answered a ping, `quietMs` after anything was last sent; the next is so much later. */
  onAnswer(quietMs: number, nextMs: number): void
  /** Once. `silentMs`: it was cut off after so long without a sign of life; else 0. */
  onEnd(silentMs: number): void
}

/** What one life of a server does with its sockets. */
export interface ServerLogic {
  accept(socket: ServerSocket): SocketHandler
  /** Whether that connection is on a topic by a socket of its own. */
  isJoined(connectionId: ConnectionId): boolean
  /** The server ends: nobody is told that a socket ended. */
  silence(): void
}

/** What the client's side of one socket does at the server. */
export interface ServerLine {
  receive(bytes: Uint8Array): void
  /** The client's side has ended. */
  end(silentMs: number): void
}

export interface VirtualServer {
  readonly url: string
  readonly machine: Machine
  readonly isUp: boolean
  accept(client: { readonly host: Host; readonly down: Pipe; onEnd(code: number): void }): ServerLine
  stop(): void
  start(): void
  isJoined(connectionId: ConnectionId): boolean
  /** Ends the sockets of one host as a network does that loses them; whether there were any. */
  reset(host: Host): boolean
  /** Of what it forwards so much comes twice, and so much late, from 0 to 1: a server that keeps no order. */
  setDisorder(rate: number): void
  /** When a socket of that host last ended, other than by silence or with the server; in ms, -Infinity for never. */
  lastEndMs(host: Host): number
}

export interface VirtualServerNeeds {
  readonly url: string
  readonly machine: Machine
  readonly scheduler: Scheduler
  readonly dice: Dice
  readonly wires: Wires
  createLogic(): ServerLogic
}

/** A socket without a sign of life for so long is cut off, as the real server does it by default. */
const SILENCE_MS = 12_250
/** The real server pings every 1.35 s and looks four times as often. */
const PING_MS = 1_350
const LOOK_MS = 340
/** The longest that a server without order keeps something back, in ms. */
const LATE_MS = 400
const GOING_AWAY = 1001
const ABNORMAL = 1006

interface Line extends ServerLine {
  readonly host: Host
  /** Whether signs of life still come; where not, when the last one came. */
  look(): void
  forward(bytes: Uint8Array): void
  close(code: number): void
}

export function createVirtualServer(needs: VirtualServerNeeds): VirtualServer {
  const { dice, machine, scheduler, wires } = needs
  const lines = new Set<Line>()
  const endedMs = new WeakMap<Host, number>()
  let disorder = 0
  let logic: ServerLogic | undefined = needs.createLogic()

  const createLine = (host: Host, down: Pipe, onEnd: (code: number) => void): Line => {
    let hasEnded = false
    let lastHeardMs = scheduler.nowMs()
    let lastSentMs = scheduler.nowMs()
    let cancelSilence: (() => void) | undefined
    const isHeard = () => host.isAnswering && wires.isOpen(host.machine, machine) && wires.isOpen(machine, host.machine)
    const send = (bytes: Uint8Array) => {
      if (hasEnded) return
      lastSentMs = scheduler.nowMs()
      down.send(bytes)
    }
    const ping = () => {
      cancelPing = scheduler.after(PING_MS, ping)
      if (!isHeard()) return
      lastHeardMs = scheduler.nowMs()
      handler?.onAnswer(lastHeardMs - lastSentMs, PING_MS)
    }
    let cancelPing = scheduler.after(dice.below(LOOK_MS), ping)
    const finish = (silentMs: number) => {
      if (hasEnded) return
      hasEnded = true
      cancelSilence?.()
      cancelPing()
      lines.delete(line)
      if (silentMs === 0 && logic !== undefined) endedMs.set(host, scheduler.nowMs())
      handler?.onEnd(silentMs)
    }
    const line: Line = {
      host,
      receive(bytes) {
        if (hasEnded) return
        lastHeardMs = scheduler.nowMs()
        handler?.onMessage(bytes)
      },
      end: finish,
      forward: send,
      close(code) {
        if (hasEnded) return
        onEnd(code)
        finish(0)
      },
      look() {
        if (isHeard()) {
          cancelSilence?.()
          cancelSilence = undefined
        } else if (cancelSilence === undefined) {
          const sinceMs = lastHeardMs
          const waitMs = sinceMs + SILENCE_MS + dice.below(LOOK_MS) - scheduler.nowMs()
          cancelSilence = scheduler.after(waitMs, () => {
            // Its end is told as soon as the way is open again.
            onEnd(ABNORMAL)
            finish(Math.round(scheduler.nowMs() - sinceMs))
          })
        }
      },
    }
    lines.add(line)
    const handler = logic?.accept({
      send,
      forward(bytes) {
        if (disorder > 0 && dice.chance(disorder)) scheduler.after(dice.between(0, LATE_MS), () => line.forward(bytes))
        if (disorder === 0 || !dice.chance(disorder)) line.forward(bytes)
        else scheduler.after(dice.between(0, LATE_MS), () => line.forward(bytes))
      },
      close: line.close,
    })
    return line
  }

  wires.onChange(() => {
    for (const line of [...lines]) line.look()
  })
  return {
    url: needs.url,
    machine,
    get isUp() {
      return logic !== undefined
    },
    accept({ host, down, onEnd }) {
      return createLine(host, down, onEnd)
    },
    stop() {
      logic?.silence()
      logic = undefined
      for (const line of [...lines]) line.close(GOING_AWAY)
    },
    start() {
      logic ??= needs.createLogic()
    },
    isJoined: (connectionId) => logic?.isJoined(connectionId) ?? false,
    reset(host) {
      const its = [...lines].filter((line) => line.host === host)
      for (const line of its) line.close(ABNORMAL)
      return its.length > 0
    },
    setDisorder(rate) {
      disorder = rate
    },
    lastEndMs: (host) => endedMs.get(host) ?? Number.NEGATIVE_INFINITY,
  }
}
