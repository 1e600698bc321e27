/** The command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../signaling-server/limits.ts'
import { OPTION_ROWS } from '../../signaling-server/options.ts'
import { until } from '../kit/until.ts'
import { connect, startServer } from './kit.ts'

const MAIN = fileURLToPath(new URL('../../signaling-server/main.ts', import.meta.url))

interface Command {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** The exit code, once its output is complete. */
  readonly exit: Promise<number | null>
}

function copresence(...args: string[]): Command {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const exit = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { child, stdout: () => stdout, stderr: () => stderr, exit }
}

const address = async (command: Command): Promise<string> => {
  await until('the line', () => command.stdout().includes('\n'), {
    timeoutMs: 15_000,
    seen: () => [command.stdout(), command.stderr()],
  })
  return /ws:\/\/[^\s;,]+/.exec(command.stdout())?.[0] ?? ''
}

it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])(
  '[S80] serve prints one line with its address, and ends cleanly at %s',
  async (signal) => {
    const command = copresence('serve', '--port', '0')
    const url = await address(command)
    expect(command.stdout()).toBe(`copresence listens on ${url}\n`)
    const alice = await connect(`${url}/yjs/room`)
    command.child.kill(signal)
    expect(await command.exit).toBe(0)
    await until('the end of the socket', () => alice.ended)
    expect(alice.ended).toEqual({ code: 1001 })
    expect([command.stdout().split('\n').length, command.stderr()]).toEqual([2, ''])
  },
  20_000,
)

it('[S80] on every address of the machine, it tells where others of the network find it', async () => {
  const command = copresence('serve', '--port', '0', '--host', '0.0.0.0')
  const url = await address(command)
  const own = Object.values(networkInterfaces()).flatMap((all = []) => all.filter(({ family }) => family === 'IPv4'))
  const outside = own.filter(({ internal }) => !internal).map((one) => url.replace('127.0.0.1', one.address))
  const forOthers = outside.length === 0 ? '' : `; for others of the network: ${outside.join(' ')}`
  expect(command.stdout()).toBe(`copresence listens on ${url}${forOthers}\n`)
  command.child.kill('SIGTERM')
  expect(await command.exit).toBe(0)
}, 20_000)

it('[S80] flags reach the server, the folder of the demo too', async () => {
  const demo = fileURLToPath(new URL('.', import.meta.url))
  const args = [
    '--host',
    '::1',
    '--max-sockets',
    '1',
    '--origins',
    'https://a.example, https://b.example',
    '--demo',
    demo,
  ]
  const command = copresence('serve', '--port=0', ...args)
  const url = await address(command)
  expect(url).toMatch(/^ws:\/\/\[::1\]:\d+$/)
  expect(command.stdout()).toMatch(/, demo at http:\/\/\[::1\]:\d+\/\n$/)
  const page = url.replace('ws:', 'http:').replace(',', '')
  expect((await fetch(`${page}/kit.ts`)).status).toBe(200)
  await expect(connect(url.replace(',', ''), { origin: 'https://c.example' })).rejects.toThrow('403')
  await connect(url.replace(',', ''), { origin: 'https://b.example' })
  await expect(connect(url.replace(',', ''))).rejects.toThrow('503')
}, 20_000)

it('[S81] --help lists every flag with its default, and exits 0', async () => {
  const command = copresence('serve', '--help')
  expect(await command.exit).toBe(0)
  for (const row of OPTION_ROWS) expect(command.stdout()).toContain(`${row.meaning} (default ${row.default})`)
  expect(command.stdout()).toMatch(/--port <number>/)
  expect(command.stdout()).toMatch(/--max-payload-bytes <bytes> .*\(default 524288\)/)
  expect(command.stdout().match(/^ {2}--/gm)).toHaveLength(Object.keys(LIMITS).length + 5 + 1)
}, 20_000)

it.each<[string, string[], RegExp]>([
  ['an unknown flag', ['serve', '--prot', '1'], /--prot/],
  ['a value that is no number', ['serve', '--port', '4e3'], /port is "4e3"/],
  ['an empty value', ['serve', '--max-sockets='], /maxSockets is ""/],
  ['a value out of range', ['serve', '--port', '70000'], /port is 70000/],
  ['a bad origin', ['serve', '--origins', 'example.org'], /origins has "example.org"/],
  ['a bad host', ['serve', '--hosts', 'a.b, c.d/'], /hosts has "c.d\/"/],
  ['a missing value', ['serve', '--port'], /--port/],
  ['no command', [], /a command is missing/],
  ['another command', ['sevre'], /no command "sevre"/],
])(
  '[S82] wrong use is told on stderr, with exit 2: %s',
  async (_what, args, message) => {
    const command = copresence(...args)
    expect(await command.exit).toBe(2)
    expect(command.stderr()).toMatch(message)
    expect(command.stderr()).not.toMatch(/^\s+at /m)
    expect(command.stdout()).toBe('')
  },
  20_000,
)

it('[S83] a port in use is told on stderr, with exit 1', async () => {
  const { port } = await startServer()
  const command = copresence('serve', '--port', String(port))
  expect(await command.exit).toBe(1)
  expect(command.stderr()).toMatch(/^copresence: cannot listen: .*EADDRINUSE.*\nChoose another --port .*\n$/)
  expect(command.stdout()).toBe('')
}, 20_000)
