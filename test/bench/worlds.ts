/** The rooms that are measured side by side: a stack, the server it meets by, and members that join one by one. */
import { MAX_DIRECT } from '../../lib/links/data-channels.ts'
import { createSignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { type BenchMember, startMembers } from './members.ts'
import { isMesh, type Stack } from './stacks.ts'
import { startStockRelay } from './stock-relay.ts'

/** In the order of the tables. The last is y-websocket through our server instead of one like its own. */
export const WORLDS = {
  ours: { stack: 'ours', title: 'copresence, WebRTC + relay' },
  oursRelay: { stack: 'ours-relay', title: 'copresence, relay alone' },
  oursYjs: { stack: 'ours-yjs', title: 'copresence over Yjs providers, WebRTC + relay' },
  oursYjsRelay: { stack: 'ours-yjs-relay', title: 'copresence over Yjs providers, relay alone' },
  yWebrtc: { stack: 'y-webrtc', title: 'y-webrtc, stock' },
  yWebsocket: { stack: 'y-websocket', title: 'y-websocket, stock' },
  yWebsocketHere: { stack: 'y-websocket', title: 'y-websocket, our server' },
} as const satisfies Record<string, { stack: Stack; title: string }>

export type WorldName = keyof typeof WORLDS

export interface World {
  readonly name: WorldName
  readonly title: string
  /** Those who have joined, in the order of joining. */
  readonly members: readonly BenchMember[]
  /** One more joins; resolves, once all see all by every way of the stack, with the Unix ms at which it began. */
  joinNext(limitMs?: number): Promise<number>
  /** Joins one by one until there are so many. */
  grow(size: number): Promise<void>
  close(): Promise<void>
}

const MEET_MS = 60_000

/** Starts the processes of `size` members; nobody has joined yet. */
export async function createWorld(name: WorldName, size: number): Promise<World> {
  const { stack, title } = WORLDS[name]
  const server = await startServer(name)
  const waiting = await startMembers(Array.from({ length: size }, (_, index) => `member-${index + 1}`))
  const members: BenchMember[] = []
  const world: World = {
    name,
    title,
    members,
    async joinNext(limitMs = MEET_MS) {
      const next = waiting.shift()
      if (next === undefined) throw new Error(`${title} has no more than ${size} members.`)
      members.push(next)
      const startedAt = await next.join({ stack, room: 'bench', server: server.url })
      await untilComplete(members, stack, limitMs)
      return startedAt
    },
    async grow(target) {
      while (members.length < target) await world.joinNext()
    },
    async close() {
      await Promise.all([...members, ...waiting].map((member) => member.kill()))
      await server.close()
    },
  }
  return world
}

async function startServer(name: WorldName): Promise<{ url: string; close(): void | Promise<void> }> {
  if (name === 'yWebsocket') return startStockRelay()
  const server = createSignalingServer({ port: 0 })
  await server.ready
  const url = name === 'yWebsocketHere' ? `${server.url}/yjs` : server.url
  return { url, close: () => server.close() }
}

/** Waits until everybody sees everybody, and has a data channel to everybody where the stack makes them. */
async function untilComplete(members: readonly BenchMember[], stack: Stack, timeoutMs: number): Promise<void> {
  const isMet = () => members.every((member, place) => hasMet(member, members.length, stack, place))
  await until(`${members.length} members of ${stack} to meet`, isMet, {
    timeoutMs,
    seen: () => members.map(({ id, view }) => ({ id, ...view() })),
  })
}

/** Whether the member that joined at that place of a room of `size` has met everybody by every way of its stack. */
export function hasMet(member: BenchMember, size: number, stack: Stack, place = 0): boolean {
  const { seen, direct, isServed } = member.view()
  return isServed && seen === size && direct >= (isMesh(stack) ? expectedDirect(size, stack, place) : 0)
}

/**
 * Links stop at `MAX_DIRECT` data channels each: the first members of a large room have those to each other, and whoever
 * joins later is served by the relay, whatever it has among its like.
 */
function expectedDirect(size: number, stack: Stack, place: number): number {
  if (stack !== 'ours' || size <= MAX_DIRECT + 1) return size - 1
  return place <= MAX_DIRECT ? MAX_DIRECT : 0
}
