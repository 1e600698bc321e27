/** Pairs of members, each in a room of its own, on one server process that can be killed and started again. */
import { spawn } from 'node:child_process'
import { endProcess, findFreePort } from '../kit/processes.ts'
import { until } from '../kit/until.ts'
import { type BenchMember, startMembers } from './members.ts'
import { buildPrograms } from './program.ts'
import type { Stack } from './stacks.ts'
import { hasMet } from './worlds.ts'

const MEET_MS = 60_000
const START_MS = 20_000

export interface FaultWorld {
  readonly name: string
  readonly stack: Stack
  /** Whether the server is dead when the fault comes. */
  readonly isServerless: boolean
  readonly observers: readonly BenchMember[]
  /** Those who are in the rooms with the observers now. */
  readonly partners: readonly BenchMember[]
  /** New partners join, one to each observer; resolves when every pair has met by every way. */
  meet(): Promise<void>
  killServer(): Promise<void>
  /** Starts it on the same port; resolves with the Unix ms at which it listens. */
  startServer(): Promise<number>
  close(): Promise<void>
}

export interface FaultWorldOptions {
  readonly name: string
  readonly stack: Stack
  readonly isServerless?: boolean
  readonly pairs: number
  /** How often `meet` may be called. */
  readonly meetings: number
}

export async function createFaultWorld(options: FaultWorldOptions): Promise<FaultWorld> {
  const { name, stack, isServerless = false, pairs, meetings } = options
  const port = await findFreePort()
  const server = stack === 'y-websocket' ? `ws://127.0.0.1:${port}/stock` : `ws://127.0.0.1:${port}`
  const start = () => startServer(stack === 'y-websocket' ? 'stock' : 'ours', port)
  let running: { kill(): Promise<void> } | undefined = await start()
  const names = (role: string, count: number) => Array.from({ length: count }, (_, index) => `${role}-${index + 1}`)
  const observers = await startMembers(names('observer', pairs))
  const waiting = await startMembers(names('partner', pairs * meetings))
  const everybody = [...observers, ...waiting]
  let partners: BenchMember[] = []
  const joinRoom = (member: BenchMember, pair: number) => member.join({ stack, room: `pair-${pair}`, server })
  await Promise.all(observers.map(joinRoom))

  return {
    name,
    stack,
    isServerless,
    observers,
    get partners() {
      return partners
    },
    async meet() {
      partners = waiting.splice(0, pairs)
      await Promise.all(
        partners.map(async (partner, pair) => {
          await joinRoom(partner, pair)
          const observer = observers[pair]
          if (observer !== undefined) await untilMet(observer, partner, stack)
        }),
      )
    },
    async killServer() {
      await running?.kill()
      running = undefined
    },
    async startServer() {
      running ??= await start()
      return Date.now()
    },
    async close() {
      await Promise.all([...everybody.map((member) => member.kill()), running?.kill()])
    },
  }
}

/** By the partner's view: an observer may still have an earlier partner in its own, which is what is measured. */
async function untilMet(observer: BenchMember, partner: BenchMember, stack: Stack): Promise<void> {
  const isMet = () =>
    hasMet(partner, 2, stack) &&
    observer.view().isServed &&
    observer.told.some(({ event, who }) => event === 'joined' && who === partner.id)
  await until(`${observer.id} and ${partner.id} of ${stack} to meet`, isMet, {
    timeoutMs: MEET_MS,
    seen: () => [observer.view(), partner.view()],
  })
}

async function startServer(kind: 'ours' | 'stock', port: number): Promise<{ kill(): Promise<void> }> {
  const { server } = await buildPrograms()
  const child = spawn(process.execPath, [server, kind, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await until('the server to listen', () => output.includes('ws://'), { timeoutMs: START_MS, seen: () => output })
  return { kill: () => endProcess(child) }
}
