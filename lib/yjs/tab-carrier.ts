/**
 * Other tabs of this browser, and other instances of this process, over one BroadcastChannel. Knows nothing of servers.
 * A tab is asked rather than timed: hidden tabs have slow timers, but they answer.
 */
import type { CancelTimer } from '../base/clock.ts'
import type { ClientId } from '../base/ids.ts'
import { encodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { decodeFrame, encodeAwarenessFrame, QUERY_FRAME } from '../wire/frame.ts'
import type { Path, PathId } from '../wire/transport.ts'
import type { Carrier, CarrierContext } from './carrier.ts'
import { createClientPaths } from './client-paths.ts'
import { PROBE_MS, TAB_ANSWER_MS, TAB_SILENT_MS } from './timing.ts'

/** Undefined where the environment has no BroadcastChannel or forbids it. */
export function createTabCarrier(context: CarrierContext, room: string): Carrier | undefined {
  const channel = openChannel(`copresence:${room}`)
  if (channel === undefined) return undefined
  const { clock, rejects } = context
  const paths = createClientPaths(context, tabPath)
  const probes = new Map<ClientId, CancelTimer>()
  let cancelWatch = clock.setTimer(watch, TAB_ANSWER_MS)

  const post = (frame: Uint8Array): void => channel.postMessage(frame)

  function sayOwnEntry(): void {
    const entry = context.refreshedEntry()
    if (entry !== undefined) post(encodeAwarenessFrame(encodeAwarenessUpdate(entry)))
  }

  function receive(data: unknown) {
    const frame = data instanceof Uint8Array ? decodeFrame(data) : undefined
    context.onTraffic()
    if (frame === undefined || !frame.ok) return rejects.count(frame === undefined ? 'malformed' : frame.reason)
    switch (frame.value.kind) {
      case 'awareness':
        return paths.acceptUpdate(frame.value.update)
      case 'message':
        return paths.acceptMessage(frame.value)
      case 'query':
        return sayOwnEntry()
      default:
        return rejects.count('unknown-frame')
    }
  }

  /** One query asks every tab, whatever the number of them that is in doubt. */
  function ask(clientIds: readonly ClientId[], answerMs: number): void {
    const unasked = clientIds.filter((clientId) => paths.has(clientId) && !probes.has(clientId))
    if (unasked.length === 0) return
    const askedAtMs = clock.moment().steadyMs
    for (const clientId of unasked) {
      probes.set(
        clientId,
        clock.setTimer(() => {
          probes.delete(clientId)
          if ((paths.heardAtMs(clientId) ?? 0) <= askedAtMs) paths.end(clientId, 'closed')
        }, answerMs),
      )
    }
    post(QUERY_FRAME)
  }

  function watch(): void {
    ask(paths.silentSince(clock.moment().steadyMs - TAB_SILENT_MS), TAB_ANSWER_MS)
    cancelWatch = clock.setTimer(watch, TAB_ANSWER_MS)
  }

  channel.onmessage = ({ data }) => receive(data)
  sayOwnEntry()
  post(QUERY_FRAME)

  return {
    publish: (entry) => post(encodeAwarenessFrame(encodeAwarenessUpdate(entry))),
    send(frame) {
      if (paths.hasOurs()) post(frame)
    },
    probe: (clientId) => ask([clientId], PROBE_MS),
    paths: paths.all,
    backlogBytes: () => 0,
    lingers: () => false,
    async close() {
      cancelWatch()
      for (const cancel of probes.values()) cancel()
      channel.onmessage = null
      channel.close()
    },
  }
}

const tabPath = (clientId: ClientId): Path => ({ id: `tab:${clientId}` as PathId, kind: 'tab', clientId })

function openChannel(name: string): BroadcastChannel | undefined {
  if (typeof globalThis.BroadcastChannel !== 'function') return undefined
  try {
    const channel = new BroadcastChannel(name)
    // In Node a channel would keep the process alive; without servers we must not.
    if ('unref' in channel && typeof channel.unref === 'function') channel.unref()
    return channel
  } catch {
    // Opaque origins (sandboxed frames) forbid it: no tabs to meet there.
    return undefined
  }
}
