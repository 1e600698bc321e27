/** Whom the server lets in: origins, paths, names, keys, and how many. */
import { expect, it } from 'vitest'
import { holderOf } from '../../signaling-server/addresses.ts'
import { until } from '../kit/until.ts'
import { connect, connectRaw, keyOf, startServer, upgradeStatus } from './kit.ts'

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
  expect(await upgradeStatus(server.url, { headers: { 'Sec-WebSocket-Protocol': 'copresence.9' } })).toBe(400)
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

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:7:8a2e:370:7334:1', '2001:db8:0:7::/64'],
  ['2001:DB8:0:7::1', '2001:db8:0:7::/64'],
  ['2001:db8::1:0:0:1', '2001:db8:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('[S12] a machine with the address %j counts as %j', (address, holder) => {
  expect(holderOf(address)).toBe(holder)
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
