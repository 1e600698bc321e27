/** What tabs of one browser share: a BroadcastChannel by name, in order and without loss, whatever the network does. */
import type { BroadcastChannelClass } from '../links/tab-meeting.ts'
import type { Host } from './host.ts'
import type { Scheduler } from './scheduler.ts'

/** The longest that a post takes to another tab, in ms. */
const POST_MS = 1

/** All tabs of one browser. */
export interface Browser {
  readonly channels: Set<TabChannel>
}

interface TabChannel {
  readonly name: string
  readonly host: Host
  onmessage: ((event: { data: unknown }) => void) | null
}

/** The `BroadcastChannel` of one host. `openCount`: channels of its that are not closed. */
export function createTabs(
  browser: Browser,
  host: Host,
  scheduler: Scheduler,
): { BroadcastChannelClass: BroadcastChannelClass; openCount(): number } {
  class VirtualBroadcastChannel implements TabChannel {
    readonly name: string
    readonly host = host
    onmessage: ((event: { data: unknown }) => void) | null = null

    constructor(name: string) {
      this.name = name
      browser.channels.add(this)
    }

    postMessage(data: unknown): void {
      // What was on its way inside a process ends with it.
      if (host.state === 'dead') return
      if (!browser.channels.has(this)) throw new Error('the channel is closed')
      const receivers = [...browser.channels].filter((other) => other !== this && other.name === this.name)
      for (const receiver of receivers) {
        const copy: unknown = structuredClone(data)
        scheduler.after(POST_MS, () =>
          receiver.host.run(() => {
            if (browser.channels.has(receiver)) receiver.onmessage?.({ data: copy })
          }),
        )
      }
    }

    close(): void {
      browser.channels.delete(this)
    }
  }

  host.onChange(() => {
    if (host.state !== 'dead') return
    for (const channel of browser.channels) if (channel.host === host) browser.channels.delete(channel)
  })
  return {
    BroadcastChannelClass: VirtualBroadcastChannel as unknown as BroadcastChannelClass,
    openCount: () => [...browser.channels].filter((channel) => channel.host === host).length,
  }
}

export const createBrowser = (): Browser => ({ channels: new Set() })
