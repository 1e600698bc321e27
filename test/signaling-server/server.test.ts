/** The life of a server, its HTTP side, and whom it lets in. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { EMPTY_SYNC_STEP_1_FRAME } from '../../lib/wire/frame.ts'
import {
  createSignalingServer,
  type SignalingServer,
  type SignalingServerOptions,
} from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { awarenessFrame, connect, connectRaw, entry, keyOf, startServer, upgradeRequest, upgradeStatus } from './kit.ts'

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Unlike fetch, leaves the path as it is. */
const http = (server: SignalingServer, path: string, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, path, method, agent: false }, (response) => {
      let text = ''
      response.on('data', (data) => {
        text += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
      .on('error', reject)
      .end()
  })

it('[S1] ready resolves once it listens, and url names the address, with port 0 too', async () => {
  const server = await startServer({ port: 0 })
  expect(server.port).toBeGreaterThan(0)
  expect(server.url).toBe(`ws://127.0.0.1:${server.port}`)
  await connect(server.url)
  expect(createSignalingServer().url).toBe('ws://127.0.0.1:4444')
})

it('[S1] url is right for IPv6, and for every address names one that can be reached', async () => {
  const v6 = await startServer({ host: '::1' })
  expect(v6.url).toBe(`ws://[::1]:${v6.port}`)
  await connect(v6.url)
  const all = await startServer({ host: '0.0.0.0' })
  expect(all.url).toBe(`ws://127.0.0.1:${all.port}`)
  await connect(all.url)
  const all6 = await startServer({ host: '::' })
  await connect(all6.url)
})

it('[S2] ready rejects where the port is in use, and says nothing to those who do not wait for it', async () => {
  const unhandled: unknown[] = []
  const listener = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  const { port } = await startServer()
  const second = createSignalingServer({ port })
  await expect(second.ready).rejects.toThrow(/EADDRINUSE/)
  await second.close()
  createSignalingServer({ port })
  const third = createSignalingServer({ port })
  await third.close()
  expect(unhandled).toEqual([])
})

it('[S2] ready rejects where there is no folder to serve', async () => {
  await expect(createSignalingServer({ port: 0, demo: '/nonexistent/folder' }).ready).rejects.toThrow(/ENOENT/)
})

it('[S3] close closes every socket with 1001 and then is done, however often it is called', async () => {
  const server = await startServer()
  const alice = await connect(server.url)
  const bob = await connect(`${server.url}/yjs/room`)
  const closing = server.close()
  expect(server.close()).toBe(closing)
  await closing
  await until('both to end', () => alice.ended && bob.ended)
  expect([alice.ended, bob.ended]).toEqual([{ code: 1001 }, { code: 1001 }])
  expect(server.stats()).toMatchObject({ connections: 0, topics: 0, rooms: 0 })
  await expect(connect(server.url)).rejects.toThrow(/ECONNREFUSED/)
  await createSignalingServer({ port: 0 }).close()
})

it('[S3] a server that ends tells no room that its members ended', async () => {
  const server = await startServer()
  const alice = await connect(`${server.url}/yjs/room?copresence=${keyOf('alice')}`)
  const bob = await connect(`${server.url}/yjs/room?copresence=${keyOf('bob')}`)
  const carol = await connect(`${server.url}/yjs/room`)
  for (const [index, member] of [alice, bob, carol].entries()) {
    member.send(awarenessFrame(entry(index + 1, 1)))
    await member.isHandled()
  }
  await server.close()
  await until('all to end', () => alice.ended && bob.ended && carol.ended)
  expect([...alice.frames(), ...bob.frames(), ...carol.frames()].join()).not.toMatch(/ended|gone/)
})

it('[S3] those who do not answer are cut off after the close timeout', async () => {
  const server = await startServer({ closeTimeoutMs: 50 })
  const silent = await connectRaw(server)
  silent.tcp.write(upgradeRequest('/yjs/room'))
  const idle = await connectRaw(server)
  await until('the socket', () => server.stats().connections === 1)
  await server.close()
  await until('both to end', () => silent.isEnded() && idle.isEnded())
})

it('[S3] nothing is left of a server: no timer, no socket', async () => {
  const resources = () => process.getActiveResourcesInfo().sort()
  const before = resources()
  const server = createSignalingServer({ port: 0 })
  await server.ready
  const probes = await Promise.all(['/', '/yjs/room', '/yjs/room'].map((path) => connect(server.url + path)))
  for (const probe of probes.slice(1)) probe.send(EMPTY_SYNC_STEP_1_FRAME)
  await Promise.all(probes.map((probe) => probe.isHandled()))
  expect(resources().length).toBeGreaterThan(before.length + 7)
  await server.close()
  await until('all to end', () => probes.every((probe) => probe.ended))
  expect(resources()).toEqual(before)
})

it('[S4] two servers of one process know nothing of each other', async () => {
  const [one, two] = [await startServer(), await startServer()]
  const alice = await connect(`${one.url}/yjs/room`)
  const bob = await connect(`${two.url}/yjs/room`)
  alice.send(awarenessFrame(entry(1, 1)))
  await alice.isHandled()
  await bob.isHandled()
  expect(bob.frames()).toEqual([])
  expect(two.stats().counts).toEqual({})
})

it.each<[string, object]>([
  ['port is 65536', { port: 65_536 }],
  ['port is 1.5', { port: 1.5 }],
  ['host is ""', { host: '' }],
  ['origins has "example.org"', { origins: ['example.org'] }],
  ['origins has "https://a.b/"', { origins: ['https://a.b/'] }],
  ['maxSockets is 0', { maxSockets: 0 }],
  ['maxSockets is NaN', { maxSockets: Number.NaN }],
  ['maxSockets is "9"', { maxSockets: '9' }],
  ['pingIntervalMs is 2147483648, but must be a whole number of ms from 1 to 2147483647', { pingIntervalMs: 2 ** 31 }],
  ['silenceTimeoutMs is 10, but pingIntervalMs is 4000', { silenceTimeoutMs: 10 }],
  ['maxByteBurst is 10, but maxPayloadBytes is 262144', { maxByteBurst: 10 }],
  ['maxSocket is no option', { maxSocket: 1 }],
])('[S5] a bad option throws at once and says what it must be: %s', (text, options) => {
  const create = () => createSignalingServer(options as SignalingServerOptions)
  expect(create).toThrow(expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(text) }))
})

it('[S6] stats is a plain snapshot that does not change', async () => {
  const server = await startServer()
  const before = server.stats()
  const alice = await connect(server.url)
  alice.sendJson({ type: 'subscribe', topics: ['a', 'b'] })
  await connect(`${server.url}/yjs/room`)
  await alice.isHandled()
  expect(server.stats()).toEqual({ connections: 2, topics: 2, rooms: 1, counts: { received: 1 } })
  expect(before).toEqual({ connections: 0, topics: 0, rooms: 0, counts: {} })
})

it('[S7] health answers 200 with what is there', async () => {
  const server = await startServer()
  await connect(server.url)
  const answer = await http(server, '/health?x')
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
  expect(JSON.parse(answer.text)).toEqual({ status: 'ok', connections: 1, topics: 0, rooms: 0 })
})

async function demoServer(): Promise<SignalingServer> {
  const root = await mkdtemp(join(tmpdir(), 'copresence-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const demo = join(root, 'demo')
  await mkdir(join(demo, 'assets'), { recursive: true })
  await mkdir(join(demo, '.git'))
  await writeFile(join(root, 'secret.txt'), 'secret')
  await writeFile(join(demo, 'index.html'), '<!doctype html>')
  await writeFile(join(demo, 'assets', 'main-4f.js'), 'let a')
  await writeFile(join(demo, 'assets', 'a b.css'), 'a{}')
  await writeFile(join(demo, '.env'), 'secret')
  await writeFile(join(demo, '.git', 'config'), 'secret')
  await symlink(join(root, 'secret.txt'), join(demo, 'link.txt'))
  return startServer({ demo })
}

it('[S8] the files of the demo are served beside the sockets, under a policy that lets no foreign script run', async () => {
  const server = await demoServer()
  const page = await http(server, '/')
  expect(page).toMatchObject({ status: 200, text: '<!doctype html>' })
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringMatching(/^default-src 'self'; connect-src 'self' ws: wss:;/),
  })
  expect(page.headers['content-security-policy']).not.toMatch(/unsafe|\*/)
  const script = await http(server, '/assets/main-4f.js?v=1')
  expect(script).toMatchObject({ status: 200, text: 'let a' })
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
  expect((await http(server, '/assets/a%20b.css')).text).toBe('a{}')
  expect(await http(server, '/', 'HEAD')).toMatchObject({ status: 200, text: '', headers: { 'content-length': '15' } })
  await connect(server.url)
})

it('[S9] nothing but those files is served, and nothing but GET and HEAD is answered', async () => {
  const server = await demoServer()
  const paths = ['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/link.txt']
  const more = ['/.env', '/.git/config', '/assets', '/assets/', '/nothing', '//', '/%', '/%00', '/index.html/', '*']
  for (const path of [...paths, ...more]) {
    const answer = await http(server, path)
    expect(answer.text, path).not.toMatch('secret')
    expect(answer.status, path).toBe(404)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect(await http(server, '/', method), method).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  }
  expect((await http(await startServer(), '/')).status).toBe(404)
})

it('[S10] with a list of origins, a page of another one is answered 403', async () => {
  const server = await startServer({ origins: ['https://example.org', 'http://localhost:8080'] })
  for (const path of ['/', '/yjs/room']) {
    for (const origin of [
      'https://evil.example',
      'null',
      'https://example.org.evil.example',
      'http://example.org',
      '',
    ]) {
      expect(await upgradeStatus(server.url + path, { headers: { Origin: origin } }), origin).toBe(403)
    }
    for (const origin of ['https://example.org', 'http://localhost:8080']) {
      expect(await upgradeStatus(server.url + path, { headers: { Origin: origin } }), origin).toBe(101)
    }
    expect(await upgradeStatus(server.url + path)).toBe(101)
  }
  expect(server.stats().counts['refused-origin']).toBe(10)
})

it('[S10] without one, every origin is let in', async () => {
  const server = await startServer()
  expect(await upgradeStatus(server.url, { headers: { Origin: 'https://anywhere.example' } })).toBe(101)
})

it('[S11] what is no endpoint is answered 404, and a bad room or key 400', async () => {
  const server = await startServer({ maxNameLength: 8 })
  const statuses: [string, number][] = [
    ['/nothing', 404],
    ['/yjs', 404],
    ['/yjsroom', 404],
    ['/yjs/', 400],
    ['/yjs/%', 400],
    ['/yjs/%ff', 400],
    ['/yjs/%E0%A4', 400],
    ['/yjs/123456789', 400],
    ['/yjs/12345678', 101],
    ['/yjs/a?copresence=short', 400],
    ['/yjs/a?copresence=', 400],
    [`/yjs/a?copresence=${'a'.repeat(65)}`, 400],
    [`/yjs/a?copresence=${'a'.repeat(15)}%00`, 400],
    [`/yjs/a?copresence=${'a'.repeat(22)}&copresence=${'b'.repeat(22)}`, 400],
    [`/yjs/a?copresence=${'a'.repeat(16)}`, 101],
    ['/yjs/a?other=%', 101],
    ['/?x=1', 101],
  ]
  for (const [path, status] of statuses) expect(await upgradeStatus(server.url + path), path).toBe(status)
  expect(await upgradeStatus(server.url, { headers: { 'Sec-WebSocket-Protocol': 'copresence.1' } })).toBe(400)
})

it('[S11] a request that is no good upgrade is answered and ends', async () => {
  const server = await startServer()
  for (const text of [
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\n\r\n',
    'GET http://x/%ff HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n\r\n`,
    '\0\0\0\x16\x03\x01 not HTTP',
  ]) {
    const raw = await connectRaw(server)
    raw.tcp.write(text)
    await until('the end', raw.isEnded, { seen: () => [text.slice(0, 60), raw.text()] })
    expect(raw.text()).not.toMatch(/^HTTP\/1\.1 (101|2)/)
  }
  await connect(server.url)
})

it('[S12] more sockets than the server may have are answered 503, until one goes', async () => {
  const server = await startServer({ maxSockets: 2 })
  const alice = await connect(server.url)
  await connect(`${server.url}/yjs/room`)
  expect(await upgradeStatus(server.url)).toBe(503)
  expect(server.stats().counts['refused-sockets']).toBe(1)
  await alice.close()
  expect(await upgradeStatus(server.url)).toBe(101)
})

it('[S12] more sockets than one address may have are answered 429, until one goes', async () => {
  const server = await startServer({ maxSocketsPerIp: 2, host: '0.0.0.0' })
  const alice = await connect(server.url)
  await connect(server.url)
  expect(await upgradeStatus(server.url)).toBe(429)
  expect(server.stats().counts['refused-ip']).toBe(1)
  expect(await upgradeStatus(server.url, { localAddress: '127.0.0.2' })).toBe(101)
  await alice.close()
  expect(await upgradeStatus(server.url)).toBe(101)
})

it('[S12] more sockets than a room may have are answered 503, except one that replaces its own', async () => {
  const server = await startServer({ maxSocketsPerTopic: 2 })
  const alice = await connect(`${server.url}/yjs/room?copresence=${keyOf('alice')}`)
  await connect(`${server.url}/yjs/room`)
  expect(await upgradeStatus(`${server.url}/yjs/room`)).toBe(503)
  expect(await upgradeStatus(`${server.url}/yjs/other`)).toBe(101)
  expect(await upgradeStatus(`${server.url}/yjs/room?copresence=${keyOf('alice')}`)).toBe(101)
  await until('the replaced one to end', () => alice.ended)
  expect(server.stats().counts['refused-room-full']).toBe(1)
})
