/**
 * The clients that one shared wire brings us: a relay or the tabs. There a frame may speak of anybody, so a path is made
 * per client; what a client may say is its own entry and messages under its own id.
 */
import type { ClientId } from '../base/ids.ts'
import { type AwarenessEntry, decodeAwarenessUpdate } from '../wire/awareness-update.ts'
import type { MessageFrame } from '../wire/frame.ts'
import { hasPresenceField } from '../wire/presence-field.ts'
import type { Evidence, Path } from '../wire/transport.ts'
import type { CarrierContext } from './carrier.ts'
import { MAX_PATHS, RENEW_MS } from './timing.ts'

interface ClientPath {
  readonly path: Path
  isOurs: boolean
  heardAtMs: number
}

export interface ClientPaths {
  /** An awareness update came: every entry in it is evidence, ours excepted. */
  acceptUpdate(update: Uint8Array): void
  acceptMessage(message: MessageFrame): void
  has(clientId: ClientId): boolean
  /** Whether anybody here understands frames of kind `message`. */
  hasOurs(): boolean
  /** Ends one client's path, if there is one. */
  end(clientId: ClientId, kind: 'closed' | 'lost', silentMs?: number): void
  /** Ends every path because our own way to all of them ended. */
  loseAll(): void
  /** Clients that were not heard since `steadyMs`. */
  silentSince(steadyMs: number): ClientId[]
  /** When the client was heard last, on the steady clock; undefined without a path. */
  heardAtMs(clientId: ClientId): number | undefined
  all(): Path[]
}

/** Messages of clients whose entry is still on its way here: they came to us by another path, and this one is only late. */
const MAX_EARLY_MESSAGES = 256
const MAX_EARLY_CHARACTERS = 262_144
const EARLY_TTL_MS = 2_000

interface EarlyMessage {
  readonly message: MessageFrame
  readonly atMs: number
}

export function createClientPaths(context: CarrierContext, makePath: (clientId: ClientId) => Path): ClientPaths {
  const { clock, rejects } = context
  const paths = new Map<ClientId, ClientPath>()
  let early: EarlyMessage[] = []
  const steadyMs = () => clock.moment().steadyMs

  function open(clientId: ClientId): ClientPath | undefined {
    const known = paths.get(clientId)
    if (known !== undefined) return known
    if (paths.size >= MAX_PATHS && !dropStalest()) return undefined
    const opened = { path: makePath(clientId), isOurs: false, heardAtMs: steadyMs() }
    paths.set(clientId, opened)
    return opened
  }

  /** Makes room where somebody missed two renewals; whoever is heard regularly is never pushed out. */
  function dropStalest(): boolean {
    const stalest = [...paths.values()].reduce((a, b) => (b.heardAtMs < a.heardAtMs ? b : a))
    if (steadyMs() - stalest.heardAtMs < 2 * RENEW_MS) return false
    end(stalest.path.clientId, 'closed')
    return true
  }

  function end(clientId: ClientId, kind: 'closed' | 'lost', silentMs = 0): void {
    const ended = paths.get(clientId)
    if (ended === undefined || !paths.delete(clientId)) return
    context.onEvidence({ kind, path: ended.path, ...(silentMs > 0 && { silentMs }) })
  }

  function acceptEntry(entry: AwarenessEntry) {
    const { clientId, clock: entryClock, state } = entry
    if (clientId === context.clientId) {
      rejects.count('own-entry')
      if (state === null) context.onOwnGoodbye()
    } else if (state === null) {
      early = early.filter(({ message }) => message.clientId !== clientId)
      const left = paths.get(clientId)
      if (left !== undefined && paths.delete(clientId)) {
        context.onEvidence({ kind: 'goodbye', path: left.path, clock: entryClock })
      }
    } else {
      const reached = open(clientId)
      if (reached === undefined) return rejects.count('room-full')
      reached.isOurs = hasPresenceField(state)
      reached.heardAtMs = steadyMs()
      context.onEvidence({ kind: 'entry', path: reached.path, entry } satisfies Evidence)
      deliverEarly(reached.path)
    }
  }

  function holdEarly(message: MessageFrame): void {
    const nowMs = steadyMs()
    early = early.filter(({ atMs }) => nowMs - atMs < EARLY_TTL_MS)
    const characters = early.reduce((sum, { message: held }) => sum + held.body.length, message.body.length)
    if (early.length < MAX_EARLY_MESSAGES && characters <= MAX_EARLY_CHARACTERS) early.push({ message, atMs: nowMs })
  }

  function deliverEarly(path: Path): void {
    if (early.length === 0) return
    const nowMs = steadyMs()
    const due = early.filter(({ message, atMs }) => message.clientId === path.clientId && nowMs - atMs < EARLY_TTL_MS)
    early = early.filter(({ message }) => message.clientId !== path.clientId)
    for (const { message } of due) context.onMessage(path, message, true)
  }

  return {
    acceptUpdate(update) {
      const decoded = decodeAwarenessUpdate(update, context.maxEntryBytes)
      if (!decoded.ok) return rejects.count(decoded.reason)
      for (const entry of decoded.value) acceptEntry(entry)
    },
    acceptMessage(message) {
      const from = paths.get(message.clientId)
      if (from === undefined) {
        holdEarly(message)
        return rejects.count('not-owner')
      }
      from.heardAtMs = steadyMs()
      context.onMessage(from.path, message)
    },
    has: (clientId) => paths.has(clientId),
    hasOurs: () => [...paths.values()].some(({ isOurs }) => isOurs),
    end,
    loseAll() {
      for (const clientId of [...paths.keys()]) end(clientId, 'lost')
    },
    silentSince: (since) =>
      [...paths.values()].filter((known) => known.heardAtMs <= since).map(({ path }) => path.clientId),
    heardAtMs: (clientId) => paths.get(clientId)?.heardAtMs,
    all: () => [...paths.values()].map(({ path }) => path),
  }
}
