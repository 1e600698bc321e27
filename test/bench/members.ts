/** Member processes as a benchmark sees them: one process per member, as people are one browser each. */
import { type ChildProcess, fork } from 'node:child_process'
import { endProcess } from '../kit/processes.ts'
import { until } from '../kit/until.ts'
import { type Counts, combine, emptyCounts } from './counts.ts'
import type { MemberMessage, MemberRequest, View } from './member-program.ts'
import { buildPrograms } from './program.ts'
import type { JoinRequest, Told } from './stacks.ts'

export interface BenchMember {
  readonly id: string
  readonly child: ChildProcess
  /** Everything that it was told of others, in order; `at` is Unix ms. */
  readonly told: (Told & { readonly at: number })[]
  /** How its view of the room changed, in order. */
  readonly views: View[]
  view(): View
  /** Resolves with the Unix ms at which the join began. */
  join(request: Omit<JoinRequest, 'id'>): Promise<number>
  /** Resolves with the Unix ms of the update. */
  update(data: object): Promise<number>
  /** Resolves with the Unix ms at which the leave began. */
  leave(): Promise<number>
  counts(): Promise<Counts>
  lookFor(tag: string): Promise<void>
  kill(): Promise<void>
}

type Ask = MemberRequest extends infer Request ? (Request extends MemberRequest ? Omit<Request, 'call'> : never) : never

/** Two cores: more at once only take longer each. */
const STARTS_AT_ONCE = 3
const READY_MS = 60_000
const NO_VIEW: View = { seen: 0, direct: 0, isServed: false, at: 0 }

/** Starts processes that have not joined yet. */
export async function startMembers(ids: readonly string[]): Promise<BenchMember[]> {
  const { member: file } = await buildPrograms()
  const members: BenchMember[] = []
  for (let at = 0; at < ids.length; at += STARTS_AT_ONCE) {
    members.push(...(await Promise.all(ids.slice(at, at + STARTS_AT_ONCE).map((id) => startMember(file, id)))))
  }
  return members
}

async function startMember(file: string, id: string): Promise<BenchMember> {
  const child = fork(file, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const told: BenchMember['told'] = []
  const views: View[] = []
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let isReady = false
  let calls = 0
  child.on('message', (message: MemberMessage) => {
    if ('told' in message) told.push(message.told)
    else if ('view' in message) views.push(message.view)
    else if ('ready' in message) isReady = true
    else {
      const caller = waiting.get(message.call)
      waiting.delete(message.call)
      if (message.error === undefined) caller?.resolve(message.value)
      else caller?.reject(new Error(`${id}: ${message.error}`))
    }
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${id} ended with ${code ?? signal}`))
  })
  const ask = (request: Ask) =>
    new Promise<unknown>((resolve, reject) => {
      calls += 1
      waiting.set(calls, { resolve, reject })
      child.send({ call: calls, ...request })
    })
  await until(`${id} to start`, () => isReady, { timeoutMs: READY_MS })
  return {
    id,
    child,
    told,
    views,
    view: () => views.at(-1) ?? NO_VIEW,
    join: async (request) => (await ask({ do: 'join', id, ...request })) as number,
    update: async (data) => (await ask({ do: 'update', data })) as number,
    leave: async () => (await ask({ do: 'leave' })) as number,
    counts: async () => (await ask({ do: 'counts' })) as Counts,
    lookFor: async (tag) => void (await ask({ do: 'lookFor', tag })),
    kill: () => endProcess(child),
  }
}

/** What all of them sent and received so far. */
export async function sumCounts(members: readonly BenchMember[]): Promise<Counts> {
  const each = await Promise.all(members.map((member) => member.counts()))
  return each.reduce((sum, counts) => combine(sum, counts, 1), emptyCounts())
}
