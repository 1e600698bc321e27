/**
 * A transport whose code is loaded when it is first needed. Until then nobody is reached: what we say is kept, and messages
 * need not be, since nobody is present to hear them.
 */
import type { CancelTimer, Clock } from './base/clock.ts'
import type { JsonObject } from './base/json.ts'
import { LOAD_AGAIN_MS } from './base/load.ts'
import type { Transport } from './wire/transport.ts'

export function createLateTransport(needs: {
  readonly clock: Clock
  /** Tried again for as long as it rejects. */
  load(): Promise<() => Transport>
  /** The servers that will be used. */
  readonly servers: readonly string[]
}): Transport {
  let transport: Transport | undefined
  let own: JsonObject | undefined
  let isStopped = false
  let cancelRetry: CancelTimer | undefined

  const start = (create: () => Transport) => {
    if (isStopped) return
    transport = create()
    if (own !== undefined) transport.publish(own)
  }
  const load = () => {
    if (isStopped) return
    needs.load().then(start, () => {
      if (!isStopped) cancelRetry = needs.clock.setTimer(load, LOAD_AGAIN_MS)
    })
  }
  load()

  return {
    publish(state) {
      own = state
      transport?.publish(state)
    },
    hold(state) {
      if (own !== undefined) own = state
      transport?.hold(state)
    },
    send: (message, to) => transport?.send(message, to) ?? true,
    async stop(options) {
      isStopped = true
      cancelRetry?.()
      await transport?.stop(options)
    },
    inspect: () =>
      transport?.inspect() ?? {
        paths: [],
        servers: needs.servers.map((url) => ({ url, state: isStopped ? 'closed' : 'connecting' })),
      },
  }
}
