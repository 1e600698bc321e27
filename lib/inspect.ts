/** What `channel.inspect()` shows: plain data for people and tools, no promise that code should build on. */
import type { ConnectionId } from './base/ids.ts'
import type { Member } from './roster/member.ts'
import type { RejectReason } from './wire/result.ts'
import type { LinkReport, PathKind, SecretState, ServerReport, TransportReport } from './wire/transport.ts'

export interface MemberReport {
  readonly connectionId: string
  /** The kinds of open ways to it, the nearest first: none for ourselves, none in a hold. */
  readonly paths: readonly PathKind[]
  /** Absent for ourselves, and for everybody where the transport is the one over stock providers. */
  readonly link?: LinkReport
}

/** One shape for every transport, and plain JSON: what a transport does not know is absent. */
export interface ChannelReport {
  /** Everybody, ourselves first. */
  readonly members: readonly MemberReport[]
  readonly servers: readonly ServerReport[]
  /** How often something from members was refused, by reason. */
  readonly rejects: Readonly<Partial<Record<RejectReason, number>>>
  /** Whether anybody was met who holds our secret. Absent over stock providers, and until a secret's key is made. */
  readonly secret?: SecretState
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
    const link = parts.transport?.links?.get(clientId)
    return { connectionId, paths: KINDS.filter((kind) => open.has(kind)), ...(link !== undefined && { link }) }
  })
  return {
    members: [...(parts.self === undefined ? [] : [{ connectionId: parts.self, paths: [] }]), ...others],
    servers: parts.transport?.servers ?? [],
    rejects: parts.rejects,
    ...(parts.transport?.secret !== undefined && { secret: parts.transport.secret }),
  }
}
