/** Members in processes of their own, in the worlds that the table "how soon, how sure" is about. */
import type { Keep } from '../kit/keep-running.ts'
import { type MemberProcess, type ServerProcess, startMember, startServer } from '../kit/processes.ts'
import { until } from '../kit/until.ts'

export interface Way {
  readonly transport: 'links' | 'yjs'
  readonly hasWebRtc: boolean
}

export const WORLDS = [
  { transport: 'yjs', ways: 'by the relay alone', hasWebRtc: false },
  { transport: 'yjs', ways: 'by WebRTC and the relay', hasWebRtc: true },
  { transport: 'links', ways: 'by the relay alone', hasWebRtc: false },
  { transport: 'links', ways: 'by WebRTC and the relay', hasWebRtc: true },
] as const

const MEET_MS = 15_000

export const join = async (keep: Keep, id: string, server: ServerProcess, { transport, hasWebRtc }: Way) =>
  keep(await startMember(id, { room: 'faults', servers: [server.url], hasWebRtc, options: { transport } }))

/** Alice and Bob, who have met by every way of their world, and their server. */
export async function startPair(
  keep: Keep,
  way: Way,
  port = 0,
): Promise<{ server: ServerProcess; alice: MemberProcess; bob: MemberProcess }> {
  const server = keep(await startServer(port))
  const [alice, bob] = [await join(keep, 'alice', server, way), await join(keep, 'bob', server, way)]
  await untilMet([alice, bob], way)
  return { server, alice, bob }
}

/** Waits until each has the other by every way that this world has. */
export async function untilMet(members: MemberProcess[], { hasWebRtc }: Way): Promise<void> {
  const wanted = hasWebRtc ? (['direct', 'relay'] as const) : (['relay'] as const)
  await until(
    'all to meet by every way',
    async () => {
      const reports = await Promise.all(members.map((member) => member.inspect()))
      return reports.every(
        ({ members: [, ...others] }) =>
          others.length === members.length - 1 &&
          others.every(({ paths }) => wanted.every((kind) => paths.includes(kind))),
      )
    },
    { timeoutMs: MEET_MS, seen: () => Promise.all(members.map((member) => member.inspect())) },
  )
}

export async function untilTold(
  observer: MemberProcess,
  event: string,
  who: string,
  timeoutMs: number,
  count = 1,
): Promise<void> {
  await until(
    `${observer.id} to hear ${event} of ${who}`,
    () => observer.toldOf(who).filter((told) => told === event).length >= count,
    { timeoutMs, seen: () => observer.events },
  )
}
