/**
 * A room's signaling messages on their way to y-webrtc: opened, checked, asked about, then delivered one after the other.
 * Without a password that happens at once; with one it waits for WebCrypto, in the order of arrival.
 */
import type { RejectCounter, Result } from '../wire/result.ts'
import { openSealed, readSignalingData, type SignalingData } from './signaling-message.ts'
import type { StockRoom } from './stock.ts'
import type { WebrtcGuard } from './webrtc-guard.ts'

/** Sealed messages waiting to be opened: joining a full room brings a few dozen. */
const MAX_WAITING = 256

export interface SignalingIntake {
  /** Takes a message as it came; `deliver` hands what is left of it to y-webrtc. Never throws, never rejects. */
  receive(data: unknown, deliver: (checked: unknown) => void): void
  stop(): void
}

export function createSignalingIntake(needs: {
  readonly rejects: RejectCounter
  /** Both exist once the key is derived. */
  room(): StockRoom | undefined
  guard(): WebrtcGuard | undefined
}): SignalingIntake {
  const { rejects } = needs
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  let isStopped = false

  function pass(read: Result<SignalingData>, room: StockRoom, deliver: (checked: unknown) => void) {
    const guard = needs.guard()
    if (isStopped || guard === undefined) return
    if (!read.ok) return rejects.count(read.reason)
    if (!guard.admits(read.value)) return
    const { key } = room
    // y-webrtc would decrypt once more and act later, when what was checked may be true no longer: it is shown the opened
    // message instead, for the length of this synchronous call in which it sends nothing.
    room.key = null
    try {
      deliver(read.value)
    } catch {
      // E.g. an implementation of WebRTC that throws over a description: the sender's fault.
      rejects.count('signaling-refused')
    } finally {
      room.key = key
    }
    guard.delivered(read.value)
  }

  return {
    receive(data, deliver) {
      const room = needs.room()
      if (room === undefined || isStopped) return
      const { key } = room
      if (key === null) return pass(readSignalingData(data), room, deliver)
      if (waiting >= MAX_WAITING) return rejects.count('signaling-refused')
      waiting++
      const opened = openSealed(data, key)
      last = last
        .then(() => opened)
        .then((read) => {
          waiting--
          pass(read, room, deliver)
        })
    },
    stop() {
      isStopped = true
    },
  }
}
