/** Unmodified y-websocket and y-webrtc clients meet through the server. */
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Awareness } from 'y-protocols/awareness'
import { WebrtcProvider } from 'y-webrtc'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'
import { connect, startServer } from './kit.ts'

interface Client {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly provider: WebsocketProvider
  /** The names it sees, its own included, in alphabetical order. */
  names(): string
}

function stockClient(server: SignalingServer, name: string, doc = new Y.Doc()): Client {
  const awareness = new Awareness(doc)
  awareness.setLocalState({ user: { name } })
  const provider = new WebsocketProvider(`${server.url}/yjs`, 'room', doc, {
    awareness,
    disableBc: true,
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
  })
  onTestFinished(() => {
    provider.destroy()
    awareness.destroy()
  })
  const names = () =>
    [...awareness.getStates().values()]
      .map(({ user }) => String(Reflect.get(Object(user), 'name')))
      .sort()
      .join()
  return { doc, awareness, provider, names }
}

const see = (names: string, ...clients: Client[]) =>
  until(`all to see ${names}`, () => clients.every((client) => client.names() === names), {
    seen: () => clients.map((client) => client.names()),
  })

it('[S70] stock y-websocket clients see each other come, change and go', async () => {
  const server = await startServer()
  const alice = stockClient(server, 'alice')
  const bob = stockClient(server, 'bob')
  await see('alice,bob', alice, bob)
  const carol = stockClient(server, 'carol')
  await see('alice,bob,carol', alice, bob, carol)
  bob.awareness.setLocalStateField('user', { name: 'robert' })
  await see('alice,carol,robert', alice, bob, carol)
  bob.provider.disconnect()
  await see('alice,carol', alice, carol)
})

it('[S70] the document of each reaches the others, what it wrote offline too', async () => {
  const server = await startServer()
  const alice = stockClient(server, 'alice')
  alice.doc.getText().insert(0, 'a')
  await until('alice alone to be synced', () => alice.provider.synced)
  const offline = new Y.Doc()
  offline.getText().insert(0, 'b')
  const bob = stockClient(server, 'bob', offline)
  const carol = stockClient(server, 'carol')
  const texts = () => [alice, bob, carol].map(({ doc }) => doc.getText().toString())
  await until('one text', () => texts().every((text) => text.length === 2 && text === texts()[0]), { seen: texts })
  carol.doc.getText().insert(2, 'c')
  await until('the update', () => texts().every((text) => text.endsWith('c')), { seen: texts })
  await until('all to be synced', () => [alice, bob, carol].every(({ provider }) => provider.synced))
})

it('[S71] one update in a room of stock clients is forwarded once, whatever they repeat', async () => {
  const server = await startServer()
  const clients = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => stockClient(server, name))
  await see('a,b,c,d,e,f', ...clients)
  // Joins are over when nothing is forwarded any more: the last round of queries was answered.
  let before = -1
  const isQuiet = () => {
    const last = before
    before = server.stats().counts.forwarded ?? 0
    return before === last
  }
  await until('quiet', isQuiet, { everyMs: 300 })
  const echoes = server.stats().counts['dropped-echo'] ?? 0
  clients[0]?.awareness.setLocalStateField('cursor', 1)
  await until('the echoes', () => (server.stats().counts['dropped-echo'] ?? 0) >= echoes + 5)
  expect(server.stats().counts.forwarded).toBe(before + 1)
  expect(clients.every(({ awareness }) => [...awareness.getStates().values()].some(({ cursor }) => cursor === 1))).toBe(
    true,
  )
})

it('[S72] a stock client whose socket ended is seen again as soon as it is back', async () => {
  const server = await startServer()
  const alice = stockClient(server, 'alice')
  const bob = stockClient(server, 'bob')
  await see('alice,bob', alice, bob)
  // Recorded, since a stock client is back after 100 ms.
  const shown: string[] = []
  bob.awareness.on('change', () => shown.push(bob.names()))
  alice.provider.ws?.close()
  await until('alice to be gone and back', () => shown.length >= 2, { seen: () => shown })
  expect(shown).toEqual(['bob', 'alice,bob'])
})

it('[S72] a server that ends closes with 1001, which stock clients take as a reason to come back', async () => {
  const server = await startServer()
  const alice = stockClient(server, 'alice')
  await until('alice to be synced', () => alice.provider.synced)
  const codes: (number | undefined)[] = []
  alice.provider.on('connection-close', (event) => codes.push(event?.code))
  await server.close()
  await until('the close', () => codes.length > 0)
  const successor = await startServer({ port: server.port })
  await until('alice to be back', () => successor.stats().rooms === 1 && alice.provider.synced)
  expect(codes[0]).toBe(1001)
})

it('[S73] a stock y-webrtc client subscribes and announces itself', async () => {
  const server = await startServer()
  const former = Reflect.get(globalThis, 'WebSocket')
  Object.assign(globalThis, { WebSocket })
  onTestFinished(() => void Object.assign(globalThis, { WebSocket: former }))
  const bob = await connect(server.url)
  bob.sendJson({ type: 'subscribe', topics: ['room'] })
  await bob.isHandled()
  const provider = new WebrtcProvider('room', new Y.Doc(), { signaling: [server.url] })
  onTestFinished(() => {
    provider.destroy()
    provider.awareness.destroy()
    for (const connection of provider.signalingConns) connection.destroy()
  })
  await until('the announcement', () => bob.json().length > 0, { seen: () => server.stats() })
  expect(bob.json()[0]).toMatchObject({ type: 'publish', topic: 'room', data: { type: 'announce' }, clients: 2 })
})

it.runIf(process.env.COPRESENCE_DEEP)(
  '[S74] two silent stock clients stay connected for longer than 35 s',
  async () => {
    const server = await startServer()
    const alice = stockClient(server, 'alice')
    const bob = stockClient(server, 'bob')
    await see('alice,bob', alice, bob)
    let closes = 0
    for (const { provider } of [alice, bob]) provider.on('connection-close', () => closes++)
    const until40s = performance.now() + 40_000
    await until('40 s', () => performance.now() > until40s, { timeoutMs: 60_000, everyMs: 500 })
    expect(closes).toBe(0)
  },
  90_000,
)
