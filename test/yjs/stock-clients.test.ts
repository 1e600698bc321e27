import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { until } from '../kit/until.ts'
import { createMember, freshRoom, MEET_MS, startServer, untilMet, watchConsole } from './kit.ts'
import { createDirectMember, createStockPeer } from './webrtc-kit.ts'

/** An unmodified y-websocket client. */
function createStockClient(room: string, url: string) {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const provider = new WebsocketProvider(`${url}/yjs`, encodeURIComponent(room), doc, {
    awareness,
    disableBc: true,
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
  })
  const stop = () => {
    provider.destroy()
    awareness.destroy()
  }
  onTestFinished(stop)
  return { doc, awareness, provider, stop, clientId: doc.clientID as ClientId }
}

const textIn = (awareness: Awareness, clientId: number) => awareness.getStates().get(clientId)?.text

describe('stock clients', { timeout: 40_000 }, () => {
  it('[Y23] a stock y-websocket client sees us and our updates, we see it, and each hears the other leave', async () => {
    const printed = watchConsole()
    const { url } = await startServer()
    const room = freshRoom()
    const stock = createStockClient(room, url)
    stock.awareness.setLocalState({ user: { name: 'Stock' }, text: 's' })
    const [alice, bob] = [createMember({ room, servers: [url] }), createMember({ room, servers: [url] })]
    for (const member of [alice, bob]) member.say('hello')
    await untilMet([alice, bob], 'relay')
    await until('the stock client here', () => alice.heard(stock, 'relay') === 's')
    await until('us there', () => textIn(stock.awareness, alice.clientId) === 'hello')
    alice.say('news')
    await until('the news there', () => textIn(stock.awareness, alice.clientId) === 'news')
    alice.transport.send({ clientId: alice.clientId, seq: 1, body: 'only for ours' })
    await until('the message at ours', () => bob.messages.length === 1)
    await until('it to be synced', () => stock.provider.synced)
    await alice.transport.stop()
    await until('her end there', () => textIn(stock.awareness, alice.clientId) === undefined)
    stock.stop()
    await until('its end here', () => /goodbye|closed/.test(bob.told(stock).at(-1) ?? ''))
    expect(printed).toEqual([])
  })

  it('[Y23] a stock y-webrtc client sees us and our updates over a data channel, we see it, and each hears the other leave', async () => {
    const printed = watchConsole()
    const { url } = await startServer()
    const room = freshRoom()
    const stock = await createStockPeer(room, url)
    stock.awareness.setLocalState({ user: { name: 'Stock' }, text: 's' })
    const self = { clientId: stock.clientId as ClientId }
    const [alice, bob] = [createDirectMember({ room, servers: [url] }), createDirectMember({ room, servers: [url] })]
    for (const member of [alice, bob]) member.say('hello')
    await untilMet([alice, bob], 'direct')
    await until('the stock client here', () => [alice, bob].every((member) => member.heard(self, 'direct') === 's'), {
      timeoutMs: MEET_MS,
    })
    await until('us there', () => textIn(stock.awareness, alice.clientId) === 'hello')
    alice.say('news')
    await until('the news there', () => textIn(stock.awareness, alice.clientId) === 'news')
    alice.transport.send({ clientId: alice.clientId, seq: 1, body: 'only for ours' })
    await until('the message at ours', () => bob.messages.some(({ path }) => path.kind === 'direct'))
    await alice.transport.stop()
    await until('her end there', () => textIn(stock.awareness, alice.clientId) === undefined)
    stock.awareness.setLocalState(null)
    await until('its goodbye here', () => bob.told(self).at(-1) === 'direct goodbye')
    stock.stop()
    await until('its connection to be gone', () => ![...bob.conns().values()].some(({ connected }) => connected))
    expect(bob.told(self).at(-1)).toBe('direct goodbye')
    expect(printed).toEqual([])
  })

  it('[Y23] with the secret as its password a stock y-webrtc client is met too', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const stock = await createStockPeer(room, url, 'sesame')
    stock.awareness.setLocalState({ text: 's' })
    const alice = createDirectMember({ room, servers: [url], secret: 'sesame' })
    alice.say('hello')
    await until('us there', () => textIn(stock.awareness, alice.clientId) === 'hello', { timeoutMs: MEET_MS })
    await until('it here', () => alice.heard({ clientId: stock.clientId as ClientId }, 'direct') === 's')
  })

  it('[Y6] a stock client that believes us gone sees us again after our next connect or publish', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const stock = createStockClient(room, url)
    const alice = createMember({ room, servers: [url] })
    alice.say('hello')
    await until('us there', () => textIn(stock.awareness, alice.clientId) === 'hello')
    stock.provider.disconnect()
    await until('its forgetting us', () => textIn(stock.awareness, alice.clientId) === undefined)
    stock.provider.connect()
    await until('the connection', () => stock.provider.wsconnected)
    alice.say('again')
    await until('us again', () => textIn(stock.awareness, alice.clientId) === 'again')
  })
})
