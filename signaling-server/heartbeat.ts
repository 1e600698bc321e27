/** The two timers of a server: pings with the end of silent sockets, and the frames that keep stock clients. */
import type { GuardedSocket } from './guarded-socket.ts'
import type { Limits } from './limits.ts'

export interface Heartbeat {
  start(): void
  stop(): void
}

export interface HeartbeatNeeds {
  readonly limits: Limits
  /** A time in ms that only rises. */
  readonly now: () => number
  readonly sockets: ReadonlySet<GuardedSocket>
  readonly keepAlive: () => void
}

/** Beats between two pings: so much finer is the time at which a silent socket is cut off. */
const BEATS_PER_PING = 4

export function createHeartbeat({ limits, now, sockets, keepAlive }: HeartbeatNeeds): Heartbeat {
  let lastBeatMs = now()
  let timers: NodeJS.Timeout[] = []
  const beatMs = Math.max(1, Math.floor(limits.pingIntervalMs / BEATS_PER_PING))

  const beat = () => {
    const nowMs = now()
    // After a sleep of our own the others' signs of life are still unread: ask first, judge at the next beat.
    const isLate = nowMs - lastBeatMs > 2 * limits.pingIntervalMs
    lastBeatMs = nowMs
    for (const socket of [...sockets]) socket.beat(nowMs, isLate)
  }

  return {
    start() {
      lastBeatMs = now()
      timers = [setInterval(beat, beatMs), setInterval(keepAlive, limits.keepAliveIntervalMs)]
    },
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
