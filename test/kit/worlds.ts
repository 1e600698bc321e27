/** Real worlds for the contract: which ways are open, and a real server where one needs it. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import wrtc from '@roamhq/wrtc'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import type { Realtime, RealtimeOptions } from '../../lib/index.ts'
import { createLinksTravel } from '../../lib/links-travel.ts'
import { createRealtime } from '../../lib/realtime.ts'
import { createYjsTravel } from '../../lib/yjs-travel.ts'
import { createSignalingServer } from '../../signaling-server/index.ts'

export interface Ways {
  readonly hasRelay: boolean
  readonly hasWebRtc: boolean
  readonly hasTabs: boolean
  readonly transport: 'links' | 'yjs'
}

export interface World {
  readonly server: string | undefined
  createRealtime(options: RealtimeOptions): Realtime
  /** Ends the server; the promise's function starts another at the same address. */
  stopServer(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** A world in this process: members meet by the given ways and by nothing else. */
export async function createWorld({ hasRelay, hasWebRtc, hasTabs, transport }: Ways): Promise<World> {
  let server = hasRelay || hasWebRtc ? createSignalingServer({ port: 0 }) : undefined
  await server?.ready
  const url = server?.url
  let instances = 0
  return {
    server: url,
    createRealtime(options) {
      instances += 1
      const instance = instances
      return createRealtime(
        { servers: url === undefined ? [] : [url], webrtc: hasWebRtc ? wrtc : false, ...options },
        {
          page: undefined,
          createTravel(needs) {
            const ways = { tabs: hasTabs, relay: hasRelay }
            // As the package does, and with y-webrtc's module for each member its own.
            return transport === 'links'
              ? createLinksTravel({ ...needs, ways, crypto: createSystemCrypto() })
              : createYjsTravel({ ...needs, ways, loadYWebrtc: () => loadInstance(instance) })
          },
        },
      )
    },
    async stopServer() {
      await server?.close()
      return async () => {
        server = createSignalingServer({ port: Number(new URL(url ?? '').port) })
        await server.ready
      }
    },
    close: async () => server?.close(),
  }
}

/** y-webrtc allows one provider per room and module instance; members of one process each get an instance of their own. */
async function loadInstance(instance: number): Promise<typeof import('y-webrtc')> {
  const entry = createRequire(import.meta.url)
    .resolve('y-webrtc')
    .replace(/dist\/y-webrtc\.cjs$/, 'src/y-webrtc.js')
  return import(/* @vite-ignore */ `${pathToFileURL(entry).href}?instance=${instance}`)
}
