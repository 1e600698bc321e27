/** Tabs that do not read what others post for them. */
import { expect, it, onTestFinished } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { type BroadcastChannelClass, createTabMeeting } from '../../lib/links/tab-meeting.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

/** Two tabs of one browser whose posts wait until they are handed on. */
function twoTabs() {
  const posts: [from: object, data: unknown][] = []
  const channels = new Set<{ onmessage: ((event: { data: unknown }) => void) | null }>()
  class TabChannel {
    onmessage: ((event: { data: unknown }) => void) | null = null
    constructor() {
      channels.add(this)
    }
    postMessage(data: unknown) {
      posts.push([this, data])
    }
    close() {
      channels.delete(this)
    }
  }
  const flush = () => {
    for (let post = posts.shift(); post !== undefined; post = posts.shift())
      for (const channel of channels) if (channel !== post[0]) channel.onmessage?.({ data: post[1] })
  }
  const open = (letter: string) => {
    const carriers: Carrier[] = []
    const meeting = createTabMeeting(
      {
        clock: createVirtualClock(),
        own: letter.repeat(22) as ConnectionId,
        topic: new Uint8Array(32),
        onCarrier: (_peer, carrier) => carriers.push(carrier),
        onBytes: () => undefined,
        onEnd: () => undefined,
      },
      TabChannel as unknown as BroadcastChannelClass,
    )
    onTestFinished(async () => meeting?.leave())
    return carriers
  }
  const [carriers] = [open('a'), open('b')]
  flush()
  const [carrier] = carriers
  if (carrier === undefined) throw new Error('two tabs met')
  return { carrier, posts, flush }
}

it('[L53] for a tab that does not read 1 MiB waits, and a quarter of 64 KiB at most is not known to be read', () => {
  const { carrier, posts, flush } = twoTabs()
  const chunk = new Uint8Array(20_000)
  for (let n = 0; n < 100; n++) carrier.send(chunk)
  expect([posts.length, carrier.backlogBytes(), carrier.hasLost?.()]).toEqual([52, 1_040_000, false])
  flush()
  expect([carrier.backlogBytes(), carrier.hasLost?.(), carrier.hasLost?.()]).toEqual([0, true, false])
  for (let n = 0; n < 1_000; n++) {
    carrier.send(new Uint8Array(1_000))
    flush()
    expect(carrier.backlogBytes()).toBeLessThan(16_384)
  }
})
