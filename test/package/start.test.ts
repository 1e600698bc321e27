/** `npm start`, as its own process: one port for the page, the signaling and the health of the server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { until } from '../kit/until.ts'
import { root } from '../setup.mjs'

let started: ChildProcess | undefined
afterEach(() => {
  started?.kill('SIGKILL')
})

async function start(): Promise<{ child: ChildProcess; address: string; output: () => string }> {
  const env = { ...process.env, PORT: '0' }
  const child = spawn(process.execPath, ['demo/start.mjs'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  started = child
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const address = await until('the address', () => /http:\/\/[\d.]+:\d+\//.exec(output)?.[0], {
    timeoutMs: 30_000,
    seen: () => output,
  })
  return { child, address, output: () => output }
}

it('[H14] the page, the health and the signaling are served on one port', async () => {
  const { address } = await start()
  const page = await fetch(address)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('<!doctype html>')
  expect((await fetch(`${address}health`)).status).toBe(200)
  const socket = new WebSocket(address.replace(/^http/, 'ws'))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'ping' }))
  const [message] = await once(socket, 'message')
  expect(JSON.parse(String(message))).toEqual({ type: 'pong' })
  socket.terminate()
})

it('[H14] it prints one line and ends cleanly when asked to', async () => {
  const { child, output } = await start()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(output().trim().split('\n')).toHaveLength(1)
})
