/**
 * A whole network in one process: machines, browsers, servers and hosts on one virtual time, and Realtimes of the real
 * library that run on them. Knows every fault; the public face of it is test-network.ts.
 */
import type { Unsubscribe } from '../base/emitter.ts'
import type { PageEnd } from '../base/page.ts'
import type { Crypto } from '../identity/crypto.ts'
import { createLinksTravel } from '../links-travel.ts'
import type { RealtimeOptions } from '../options.ts'
import { createRealtime, type Realtime } from '../realtime.ts'
import { type BlindLogicNeeds, createBlindLogic } from './blind-logic.ts'
import { createDice, type Dice } from './dice.ts'
import { createHost, type Host } from './host.ts'
import { createPeerRegistry, type PeerRegistry, watchWays } from './peer-registry.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import { createTestCrypto } from './test-crypto.ts'
import { createPeerConnections } from './virtual-peer-connection.ts'
import { createVirtualServer, type ServerLogic, type VirtualServer } from './virtual-server.ts'
import { createSockets } from './virtual-socket.ts'
import { type Browser, createBrowser, createTabs } from './virtual-tabs.ts'
import { createWires, type Machine, type Wires } from './wires.ts'

export interface WorldNeeds {
  readonly seed: number
  /** One way of one packet, from and to in ms. */
  readonly delayMs?: readonly [least: number, most: number]
  /** The system's time at the beginning, Unix ms. */
  readonly startUnixMs?: number
  /** What servers say; the blind protocol where it is left out. */
  createLogic?(parts: BlindLogicNeeds, url: string): ServerLogic
  /** Lets a host's cryptography be another one than the world's, e.g. a slow one. */
  wrapCrypto?(crypto: Crypto, host: Host): Crypto
}

export interface MemberOptions {
  /** Members of one browser are tabs of it: they share its machine and its BroadcastChannels. */
  readonly browser?: string | undefined
  /** Whether it has WebRTC; default true. */
  readonly webrtc?: boolean | undefined
  /** Whether entries travel by servers; `false`: they only introduce. Default true. */
  readonly relay?: boolean | undefined
  /** How long its connections take to find their candidates, in ms: no time where it is left out. */
  readonly gatherMs?: number | undefined
}

/** One Realtime and what it runs on. */
export interface Resident {
  readonly realtime: Realtime
  readonly host: Host
  readonly hasWebRtc: boolean
  /** Sockets, peer connections and channels that it has not closed. */
  openCount(): number
  /** It is a page that nobody sees, or is seen again. */
  hide(isHidden?: boolean): void
  /** Its browser tells that there is a network again, or another one. */
  goOnline(): void
  /** Its page is left, or may be; and is back, since it was kept, or not left after all. */
  endPage(how: PageEnd): void
  returnToPage(): void
}

export interface World {
  readonly scheduler: Scheduler
  readonly wires: Wires
  readonly dice: Dice
  readonly crypto: Crypto
  readonly peers: PeerRegistry
  readonly startUnixMs: number
  createMachine(name: string): Machine
  createResident(options: RealtimeOptions, member?: MemberOptions): Resident
  /** The server of that address; it is there, and up, from its first use on. */
  server(url: string): VirtualServer
  servers(): VirtualServer[]
}

const START_UNIX_MS = 1_700_000_000_000
/** From the same town to another continent. */
const DELAY_MS = [5, 40] as const

function subscribe<T>(listeners: Set<T>, listener: T): Unsubscribe {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function createWorld(needs: WorldNeeds): World {
  const { seed, delayMs = DELAY_MS, startUnixMs = START_UNIX_MS } = needs
  const dice = createDice(seed)
  const scheduler = createScheduler()
  const wires = createWires({ scheduler, dice: dice.fork(), delayMs })
  const crypto = createTestCrypto(seed)
  const peers = createPeerRegistry()
  const servers = new Map<string, VirtualServer>()
  const browsers = new Map<string, { browser: Browser; machine: Machine }>()

  wires.onChange(() => watchWays(peers, wires))

  const findServer = (url: string): VirtualServer => {
    const known = servers.get(url)
    if (known !== undefined) return known
    const created = createVirtualServer({
      url,
      machine: wires.createMachine(url),
      scheduler,
      dice: dice.fork(),
      wires,
      createLogic: () => (needs.createLogic ?? createBlindLogic)({ crypto, scheduler }, url),
    })
    servers.set(url, created)
    return created
  }
  const findBrowser = (name: string | undefined, id = 'member') => {
    const known = name === undefined ? undefined : browsers.get(name)
    if (known !== undefined) return known
    const created = { browser: createBrowser(), machine: wires.createMachine(name ?? id) }
    if (name !== undefined) browsers.set(name, created)
    return created
  }

  return {
    scheduler,
    wires,
    dice,
    crypto,
    peers,
    startUnixMs,
    createMachine: wires.createMachine,
    createResident(options, { browser: name, webrtc = true, relay = true, gatherMs } = {}) {
      const { browser, machine } = findBrowser(name, options.participant?.id)
      const host = createHost({ scheduler, dice: dice.fork(), machine, startUnixMs })
      const sockets = createSockets({ host, wires, scheduler, findServer })
      const peerConnections = createPeerConnections({ host, wires, scheduler, registry: peers, gatherMs })
      const tabs = createTabs(browser, host, scheduler)
      host.onChange(wires.changed)
      const randomBytes = dice.fork().bytes
      let isHidden = false
      const onOnline = new Set<() => void>()
      const onHidden = new Set<(isHidden: boolean) => void>()
      const onPageEnd = new Set<(how: PageEnd) => void>()
      const onPageReturn = new Set<() => void>()
      const realtime = createRealtime(
        {
          ...options,
          webrtc: webrtc ? { RTCPeerConnection: peerConnections.PeerConnectionClass } : false,
        },
        {
          clock: host.clock,
          random: randomBytes,
          page: {
            onEnd: (listener) => subscribe(onPageEnd, listener),
            onReturn: (listener) => subscribe(onPageReturn, listener),
            onHidden(listener) {
              listener(isHidden)
              return subscribe(onHidden, listener)
            },
          },
          createTravel: (given) =>
            createLinksTravel({
              ...given,
              crypto: needs.wrapCrypto?.(crypto, host) ?? crypto,
              ways: { tabs: true, relay },
              BroadcastChannelClass: tabs.BroadcastChannelClass,
              platform: {
                loadWebSocket: async () => sockets.WebSocketClass,
                onOnline: (listener) => subscribe(onOnline, listener),
                holdProcess: () => () => undefined,
              },
            }),
        },
      )
      const openCount = () => sockets.openCount() + peerConnections.openCount() + tabs.openCount()
      const goOnline = () => {
        for (const listener of onOnline) listener()
      }
      const hide = (isNow = true) => {
        isHidden = isNow
        for (const listener of onHidden) listener(isHidden)
      }
      const endPage = (how: PageEnd) => {
        for (const listener of [...onPageEnd]) listener(how)
      }
      const returnToPage = () => {
        for (const listener of [...onPageReturn]) listener()
      }
      return { realtime, host, hasWebRtc: webrtc, openCount, hide, goOnline, endPage, returnToPage }
    },
    server: findServer,
    servers: () => [...servers.values()],
  }
}
