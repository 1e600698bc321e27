/** What keeps a Node process alive, and what does not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { findFreePort, type ServerProcess, startServer } from '../kit/processes.ts'
import { until } from '../kit/until.ts'

const INDEX = new URL('../../lib/index.ts', import.meta.url).href

let server: ServerProcess | undefined
afterEach(async () => {
  await server?.kill()
  server = undefined
})

/** Runs a program that prints `ready` when its life is up to what it left behind. */
async function runProgram(body: string) {
  const program = `import { Realtime } from ${JSON.stringify(INDEX)}\n${body}\nconsole.log('ready')`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  await until('the program to be ready', () => output.includes('ready'), { timeoutMs: 20_000, seen: () => output })
  return {
    output: () => output,
    async exitsWithin(ms: number): Promise<boolean> {
      if (child.exitCode !== null) return true
      const timer = new AbortController()
      const late = new Promise<boolean>((resolve) => {
        const timeout = setTimeout(() => resolve(false), ms)
        timer.signal.addEventListener('abort', () => clearTimeout(timeout))
      })
      const exited = await Promise.race([once(child, 'exit').then(() => true), late])
      timer.abort()
      if (!exited) child.kill('SIGKILL')
      return exited
    },
  }
}

describe('a Node process', { timeout: 60_000 }, () => {
  it('[R10] is kept alive by a channel with a server', async () => {
    server = await startServer()
    const program = await runProgram(`await new Realtime({ servers: ['${server.url}'] }).connect('room')`)
    expect(await program.exitsWithin(4_000)).toBe(false)
  })

  it('[R10] is kept alive by a channel whose server cannot be reached', async () => {
    const program = await runProgram(
      `await new Realtime({ servers: ['ws://127.0.0.1:${await findFreePort()}'] }).connect('room')`,
    )
    expect(await program.exitsWithin(6_000)).toBe(false)
  })

  it('[R10] is not kept alive by a channel without servers, nor by a Realtime without channels', async () => {
    const program = await runProgram(`
      await new Realtime({ servers: [] }).connect('room')
      new Realtime({ servers: ['ws://127.0.0.1:9'] })`)
    expect(await program.exitsWithin(2_000)).toBe(true)
  })

  it('[R10] ends after destroy, with a server that lives and with one that cannot be reached', async () => {
    server = await startServer()
    for (const url of [server.url, `ws://127.0.0.1:${await findFreePort()}`]) {
      const program = await runProgram(`
        const realtime = new Realtime({ servers: ['${url}'] })
        const channel = await realtime.connect('room')
        channel.participant.update({ a: 1 })
        await new Promise((resume) => setTimeout(resume, 1_000))
        await realtime.destroy()`)
      expect(await program.exitsWithin(2_000)).toBe(true)
    }
  })

  it('[R10] ends after destroy with WebRTC too', async () => {
    server = await startServer()
    const program = await runProgram(`
      const wrtc = (await import(${JSON.stringify(import.meta.resolve('@roamhq/wrtc'))})).default
      const realtime = new Realtime({ servers: ['${server.url}'], webrtc: wrtc })
      await realtime.connect('room')
      await new Promise((resume) => setTimeout(resume, 1_500))
      await realtime.destroy()`)
    expect(await program.exitsWithin(3_000)).toBe(true)
    expect(program.output().trim()).toBe('ready')
  })

  it('[C8] destroy resolves where only tabs are met and nothing else keeps the process', async () => {
    const program = await runProgram(`
      const both = ['alice', 'bob'].map((id) => new Realtime({ participant: { id }, servers: [] }))
      const [alice, bob] = await Promise.all(both.map((realtime) => realtime.connect('room')))
      const joined = new Promise((resolve) => alice.participant.subscribe('presence.joined-room', ({ id }) => id === 'bob' && resolve()))
      // reason: keeps the process until they have met, for 10 s at most; nothing waits for it
      const alive = setTimeout(() => {}, 10_000)
      await joined
      bob.participant.update({ a: 1 })
      clearTimeout(alive)
      await both[0].destroy()
      await both[1].destroy()
      console.log('both are gone')`)
    expect(await program.exitsWithin(5_000)).toBe(true)
    expect(program.output()).toContain('both are gone')
  })

  it('[R9] two instances in one process meet without any server', async () => {
    const program = await runProgram(`
      const [alice, bob] = await Promise.all(['alice', 'bob'].map((id) => new Realtime({ participant: { id }, servers: [] }).connect('room')))
      const joined = new Promise((resolve) => alice.participant.subscribe('presence.joined-room', ({ id }) => id === 'bob' && resolve(id)))
      const alive = setTimeout(() => {}, 10_000)
      console.log('met ' + (await joined))
      clearTimeout(alive)`)
    expect(program.output()).toContain('met bob')
    expect(await program.exitsWithin(2_000)).toBe(true)
  })
})
