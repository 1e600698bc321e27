/** What `channel.inspect()` shows: plain data for people and tools, no promise that code should build on. */
import type { ConnectionId } from './base/ids.ts'
import type { Member } from './roster/member.ts'
import type { RejectReason } from './wire/result.ts'
import type { PathKind, ServerState, TransportReport } from './wire/transport.ts'

export interface ChannelReport {
  /** Everybody, ourselves first; `paths` are the open ways to a member, best first: none for ourselves, none in a hold. */
  readonly members: readonly { readonly connectionId: string; readonly paths: readonly PathKind[] }[]
  readonly servers: readonly { readonly url: string; readonly state: ServerState }[]
  /** How often something from the network was refused, by reason. */
  readonly rejects: Readonly<Partial<Record<RejectReason, number>>>
}

/** The order in which ways are named: the nearest first. */
const KINDS: readonly PathKind[] = ['tab', 'direct', 'relay', 'via']

export function reportChannel(parts: {
  readonly self: ConnectionId | undefined
  readonly members: readonly Member[]
  readonly transport: TransportReport | undefined
  readonly rejects: Partial<Record<RejectReason, number>>
}): ChannelReport {
  const others = parts.members.map(({ clientId, connectionId, paths }) => {
    const ways = parts.transport?.paths.filter((path) => path.clientId === clientId) ?? []
    const open = new Set(paths.size === 0 ? [] : ways.map(({ kind }) => kind))
    return { connectionId, paths: KINDS.filter((kind) => open.has(kind)) }
  })
  return {
    members: [...(parts.self === undefined ? [] : [{ connectionId: parts.self, paths: [] }]), ...others],
    servers: parts.transport?.servers ?? [],
    rejects: parts.rejects,
  }
}
