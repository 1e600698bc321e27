/** Real processes: members and servers that a test starts, kills, stops and continues. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ChannelReport, Participant, RealtimeOptions } from '../../lib/index.ts'
import type { MemberEvent, MemberRequest } from './member-program.ts'
import { until } from './until.ts'

const TSX = ['--import', 'tsx']
/** A process that starts on a busy machine takes seconds; one that hangs is to be named before its test is given up. */
const ANSWER_MS = 30_000
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export interface MemberProcess {
  readonly id: string
  readonly connectionId: string
  readonly child: ChildProcess
  /** Everything it told, in order. */
  readonly events: MemberEvent[]
  update(data: object): Promise<void>
  getAll(): Promise<Participant[]>
  inspect(): Promise<ChannelReport>
  disconnect(): Promise<void>
  /** Updates `{ n }`, counting on, so often; 0 ends it. Resolves with the last `n`. */
  talk(everyMs: number): Promise<number>
  /** Closes the data channel to that one; fails where there is none. */
  closeDataChannel(to: MemberProcess): Promise<void>
  dataChannels(): Promise<{ readonly own: string; readonly far: string }[]>
  /** Names of the events about one participant, in order. */
  toldOf(id: string): string[]
  end(): Promise<void>
}

type Ask = MemberRequest extends infer Request ? (Request extends MemberRequest ? Omit<Request, 'call'> : never) : never

export interface MemberProcessOptions {
  readonly room: string
  readonly servers: string[]
  readonly hasWebRtc?: boolean
  readonly options?: RealtimeOptions
}

/** Starts a process and joins; resolves when it has joined. */
export async function startMember(
  id: string,
  { room, servers, hasWebRtc = false, options = {} }: MemberProcessOptions,
): Promise<MemberProcess> {
  const child = fork(here('./member-program.ts'), { execArgv: TSX, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const events: MemberEvent[] = []
  const waiting = new Map<number, (answer: { value?: unknown; error?: string }) => void>()
  let call = 0
  child.on('message', (message: MemberEvent | { call: number; value?: unknown; error?: string }) => {
    if ('event' in message) events.push(message)
    else waiting.get(message.call)?.(message)
  })
  const refuseAll = (error: string) => {
    for (const answer of waiting.values()) answer({ error })
  }
  // Unlike `exit`, this comes after its last message.
  child.on('close', (code, signal) => refuseAll(`its process ended, ${signal ?? `code ${code}`}`))
  child.on('error', (error) => refuseAll(String(error)))
  const ask = (request: Ask) =>
    new Promise<unknown>((resolve, reject) => {
      const asked = ++call
      // reason: a limit for what never comes; nothing waits for it
      const noAnswer = setTimeout(() => {
        waiting.get(asked)?.({ error: `no answer in ${ANSWER_MS} ms, and the process is there` })
      }, ANSWER_MS)
      waiting.set(asked, ({ value, error }) => {
        waiting.delete(asked)
        clearTimeout(noAnswer)
        if (error === undefined) resolve(value)
        else reject(new Error(`${id} was to ${request.do}: ${error}`))
      })
      child.send({ call: asked, ...request }, (error) => {
        if (error !== null) waiting.get(asked)?.({ error: String(error) })
      })
    })
  const joined = ask({ do: 'join', room, hasWebRtc, options: { participant: { id, name: id }, servers, ...options } })
  // Nobody else knows of a process that never joined.
  const connectionId = (await joined.catch(async (error) => {
    await endProcess(child)
    throw error
  })) as string
  const dataChannels = async () => (await ask({ do: 'dataChannels' })) as { own: string; far: string }[]
  return {
    id,
    connectionId,
    child,
    events,
    update: async (data) => void (await ask({ do: 'update', data })),
    getAll: async () => (await ask({ do: 'getAll' })) as Participant[],
    inspect: async () => (await ask({ do: 'inspect' })) as ChannelReport,
    disconnect: async () => void (await ask({ do: 'disconnect' })),
    talk: async (everyMs) => (await ask({ do: 'talk', everyMs })) as number,
    dataChannels,
    async closeDataChannel(to) {
      const theirs = await to.dataChannels()
      const ours = (await dataChannels()).find(({ own }) => theirs.some(({ far }) => far === own))
      if (ours === undefined) throw new Error(`${id} has no data channel to ${to.id}`)
      await ask({ do: 'closeDataChannel', name: ours.own })
    },
    toldOf: (who) => events.filter((told) => told.id === who).map(({ event }) => event.replace('presence.', '')),
    end: () => endProcess(child),
  }
}

export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  kill(): Promise<void>
}

/** Starts the real command on a port; resolves when it said that it listens. */
export async function startServer(port = 0): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [...TSX, here('../../signaling-server/main.ts'), 'serve', '--port', String(port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const address = await until('the server to print its address', () => /(wss?|https?):\/\/[^\s]+:(\d+)/.exec(output), {
    timeoutMs: 20_000,
    seen: () => output,
  })
  const listening = Number(address[2])
  return { url: `ws://127.0.0.1:${listening}`, port: listening, child, kill: () => endProcess(child) }
}

/** Kills it without a word. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
