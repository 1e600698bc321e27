/**
 * Meets other tabs of this browser, and other instances of this process, over one BroadcastChannel per topic. Introduces
 * them as carriers; who they are is proven in the link, so a tab is trusted no more than a server.
 *
 *   post = [from, "here"] | [from, "gone"] | [from, to, bytes] | [from, to, count]      count: bytes that were read since the last
 */
import { toBase64Url } from '../base/base64-url.ts'
import type { ConnectionId } from '../base/ids.ts'
import { createLosses, MAX_BACKLOG_BYTES } from './carrier.ts'
import { createMeetAgain } from './meet-again.ts'
import type { Meeting, MeetingNeeds } from './relay-meeting.ts'

const CARRIER_ID = 'tab'
/** Tabs of one topic that are met at most: a full channel. */
const MAX_TABS = 128
/** A tab says what it has read each time it is so much: a quarter of what may wait before entries do. */
const READ_BYTES = 16_384
/**
 * Nobody tells the end of a tab that crashed: it is tried again for 3 min. One that was frozen for longer speaks when it
 * thaws, since what was posted to it is still there.
 */
const MOST_TRIES = 7

export type BroadcastChannelClass = new (name: string) => BroadcastChannel

/** Undefined where the environment has no BroadcastChannel or forbids it. */
export function createTabMeeting(
  needs: MeetingNeeds,
  ChannelClass: BroadcastChannelClass | undefined = globalThis.BroadcastChannel,
): Meeting | undefined {
  const channel = openChannel(`copresence:${toBase64Url(needs.topic)}`, ChannelClass)
  if (channel === undefined) return undefined
  const { own } = needs
  /** Bytes that each has not read yet, as far as it said, and those of its that we have read and not told. */
  const met = new Map<ConnectionId, { unread: number; read: number }>()
  const again = createMeetAgain(needs.clock, meet, { mostTries: MOST_TRIES })

  function meet(peer: ConnectionId): void {
    if (met.has(peer) || met.size >= MAX_TABS) return
    const count = { unread: 0, read: 0 }
    const losses = createLosses(() => count.unread)
    met.set(peer, count)
    channel?.postMessage([own, 'here'])
    needs.onCarrier(peer, {
      id: CARRIER_ID,
      kind: 'tab',
      isPrivate: false,
      send(bytes) {
        if (count.unread + bytes.length > MAX_BACKLOG_BYTES) return losses.lose()
        count.unread += bytes.length
        channel?.postMessage([own, peer, bytes])
      },
      ...losses,
      close() {
        if (met.delete(peer)) again.forgotten(peer)
      },
    })
  }

  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!Array.isArray(data) || typeof data[0] !== 'string') return
    const [from, what, bytes] = data as [ConnectionId, unknown, unknown]
    if (from === own) {
      // A former membership of ours has ended only now: those who heard it shall know that we are here again.
      if (what === 'gone') channel.postMessage([own, 'here'])
      return
    }
    const count = met.get(from)
    if (what === 'here') {
      // It has met us anew, and counts from the beginning.
      if (count !== undefined) count.unread = 0
      return meet(from)
    }
    if (what === 'gone') {
      again.ended(from)
      if (met.delete(from)) needs.onEnd(from, CARRIER_ID, 'closed')
    } else if (what === own && bytes instanceof Uint8Array) {
      meet(from)
      const now = met.get(from)
      if (now !== undefined) now.read += bytes.length
      if (now !== undefined && now.read >= READ_BYTES) {
        channel.postMessage([own, from, now.read])
        now.read = 0
      }
      needs.onBytes(from, CARRIER_ID, bytes)
    } else if (what === own && typeof bytes === 'number' && bytes >= 0 && count !== undefined)
      // [T3] Anybody of this browser may post in anybody's name: nothing makes it more than it is.
      count.unread = Math.max(0, count.unread - bytes)
  }
  channel.postMessage([own, 'here'])

  return {
    async leave() {
      channel.onmessage = null
      met.clear()
      again.clear()
      channel.postMessage([own, 'gone'])
      channel.close()
    },
  }
}

function openChannel(name: string, ChannelClass: BroadcastChannelClass | undefined): BroadcastChannel | undefined {
  if (typeof ChannelClass !== 'function') return undefined
  try {
    const channel = new ChannelClass(name)
    // In Node a channel would keep the process alive; without servers we must not.
    if ('unref' in channel && typeof channel.unref === 'function') channel.unref()
    return channel
  } catch {
    // Opaque origins (sandboxed frames) forbid it: no tabs to meet there.
    return undefined
  }
}
