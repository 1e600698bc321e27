/** What the page says of its way to the server. Pure: the servers' states and the time in, one state out. */
import type { Inspection } from './reach.ts'

export type ConnectionState = 'connecting' | 'online' | 'offline'

export interface Connection {
  readonly state: ConnectionState
  /** Whether a server was ever reached: then losing it is told at once. */
  readonly wasOnline: boolean
  readonly startedAt: number
  readonly expectsServer: boolean
}

/** How long a first attempt may take, in ms, before the page says that the server is away. */
export const PATIENCE_MS = 3_000

export const startConnection = (now: number, expectsServer: boolean): Connection => ({
  state: expectsServer ? 'connecting' : 'offline',
  wasOnline: false,
  startedAt: now,
  expectsServer,
})

export function nextConnection(before: Connection, { servers }: Inspection, now: number): Connection {
  if (servers.some((server) => server.state === 'open')) return { ...before, state: 'online', wasOnline: true }
  const isPatient = before.expectsServer && !before.wasOnline && now - before.startedAt < PATIENCE_MS
  return { ...before, state: isPatient ? 'connecting' : 'offline' }
}

export interface ConnectionOptions {
  readonly hasWebrtc: boolean
  readonly hasServers: boolean
}

export function sayConnection(state: ConnectionState, { hasWebrtc, hasServers }: ConnectionOptions): string {
  if (!hasServers) return 'No server: tabs of this browser only'
  if (state === 'connecting') return 'Connecting to the server…'
  if (state === 'offline') return 'Server away, trying again'
  return hasWebrtc ? 'Connected' : 'Connected, relay only'
}

/** What it means for whoever is here, where it means anything. */
export function sayConsequence(state: ConnectionState, { hasServers }: ConnectionOptions, othersCount: number): string {
  if (state !== 'offline' || !hasServers) return ''
  return othersCount === 0
    ? 'The server is away. This page goes on, and looks for it until it is back.'
    : 'The server is away. This page goes on with whom it reaches directly, and catches up when the server is back.'
}
