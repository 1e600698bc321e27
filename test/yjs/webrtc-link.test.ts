/** One connection under guard, over a peer made of plain objects: what real channels do not do on demand. */
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { encodeAwarenessFrame, encodeMessageFrame, QUERY_FRAME } from '../../lib/wire/frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import type { Evidence } from '../../lib/wire/transport.ts'
import { createAwarenessPort } from '../../lib/yjs/awareness-port.ts'
import type { StockConn } from '../../lib/yjs/stock.ts'
import { MAX_BACKLOG_BYTES } from '../../lib/yjs/timing.ts'
import { createLink } from '../../lib/yjs/webrtc-link.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { describe as inWords } from './raw-relay.ts'

const OWN = 7 as ClientId
const BOB = 8 as ClientId

class FakePeer extends EventEmitter {
  readonly initiator = true
  readonly _iceCompleteTimer = null
  readonly _pc = { addIceCandidate: () => Promise.reject(new Error('too late')) }
  readonly sent: string[] = []
  bufferSize = 0
  isDestroyed = false
  send(bytes: Uint8Array) {
    this.sent.push(inWords(bytes))
  }
  destroy() {
    this.isDestroyed = true
    this.emit('close')
  }
}

function open() {
  const clock = createVirtualClock()
  const peer = new FakePeer()
  const evidence: Evidence[] = []
  const ends: unknown[] = []
  const port = createAwarenessPort(new Y.Doc(), OWN)
  let ownClock = 1
  const own = (text: string) => ({ clientId: OWN, clock: ++ownClock, state: { text } })
  const link = createLink({
    context: {
      clock,
      clientId: OWN,
      maxEntryBytes: 1_000,
      rejects: createRejectCounter(),
      refreshedEntry: () => own('fresh'),
      currentEntry: (sent) => sent,
      onEvidence: (told) => evidence.push(told),
      onMessage: () => undefined,
      onTraffic: () => undefined,
      onOwnGoodbye: () => undefined,
      onSuspect: () => undefined,
      onStatus: () => undefined,
    },
    conn: { peer, connected: true, closed: false, synced: false, glareToken: undefined } as unknown as StockConn,
    peerId: 'peer',
    port,
    syncDocument: () => ({}),
    origin: undefined,
    isTaken: () => false,
    onOpen: () => undefined,
    onEnd: (_, how) => ends.push(how),
  })
  const bobSays = (clock: number) =>
    peer.emit('data', encodeAwarenessFrame(encodeAwarenessUpdate({ clientId: BOB, clock, state: { copresence: {} } })))
  /** As y-webrtc sends an update to every connection. */
  const publish = (text: string) => {
    port.hold(own(text))
    peer.send(encodeAwarenessFrame(encodeAwarenessUpdate(port.entry() ?? own(text))))
  }
  return { clock, peer, link, evidence, ends, port, bobSays, publish }
}

describe('link', () => {
  it('[Y6] before y-webrtc’s own listener sends the entry of a connection that opens, that has a fresh clock', () => {
    const { peer, port } = open()
    let seen: unknown
    peer.on('connect', () => {
      seen = port.entry()
    })
    peer.emit('connect')
    expect(seen).toEqual({ clientId: OWN, clock: 2, state: { text: 'fresh' } })
  })

  it('[Y12] an open connection that hears nothing for 3 s ends, one that heard a frame stays', async () => {
    const deaf = open()
    deaf.peer.emit('connect')
    await deaf.clock.advance(3_100)
    expect(deaf.peer.isDestroyed).toBe(true)
    expect(deaf.ends).toHaveLength(1)
    const heard = open()
    heard.peer.emit('connect')
    heard.bobSays(1)
    await heard.clock.advance(60_000)
    expect(heard.peer.isDestroyed).toBe(false)
    expect(heard.clock.timerCount()).toBe(0)
  })

  it('[Y8] asked, a connection that answers anything within 1 s stays; one that does not is closed once', async () => {
    const { clock, peer, link, evidence, bobSays } = open()
    peer.emit('connect')
    bobSays(1)
    link.probe()
    link.probe()
    expect(peer.sent).toEqual(['query'])
    await clock.advance(900)
    bobSays(2)
    await clock.advance(200)
    expect(peer.isDestroyed).toBe(false)
    link.probe()
    await clock.advance(1_100)
    peer.emit('close')
    expect(peer.isDestroyed).toBe(true)
    expect(evidence.map(({ kind }) => kind)).toEqual(['entry', 'entry', 'closed'])
  })

  it('[Y28] one that ICE calls disconnected is asked, and closed after 6.5 s without a sign of life', async () => {
    const { clock, peer, evidence, bobSays } = open()
    peer.emit('connect')
    bobSays(1)
    peer.emit('iceStateChange', 'disconnected')
    expect(peer.sent).toEqual(['query'])
    await clock.advance(6_400)
    bobSays(2)
    await clock.advance(60_000)
    expect(peer.isDestroyed).toBe(false)
    peer.emit('iceStateChange', 'disconnected')
    peer.emit('iceStateChange', 'connected')
    await clock.advance(60_000)
    expect(peer.isDestroyed).toBe(false)
    peer.emit('iceStateChange', 'disconnected')
    await clock.advance(6_500)
    peer.emit('close')
    expect([peer.isDestroyed, evidence.at(-1)?.kind, clock.timerCount()]).toEqual([true, 'closed', 0])
  })

  it('[Y22] to a far end that does not read only the latest entry waits; messages go on up to 512 KiB, then it is cut off', async () => {
    const { clock, peer, link, bobSays, publish } = open()
    peer.emit('connect')
    bobSays(1)
    peer.bufferSize = MAX_BACKLOG_BYTES + 1
    for (const text of ['a', 'b', 'c']) publish(text)
    await clock.advance(1_000)
    expect(peer.sent).toEqual([])
    link.sendMessage(encodeMessageFrame({ clientId: OWN, seq: 1, body: 'hi' }))
    expect(peer.sent).toEqual(['message 7 1 hi'])
    peer.bufferSize = 0
    await clock.advance(100)
    expect(peer.sent.slice(1)).toEqual([expect.stringMatching(/^entry 7@\d+ "c"$/)])
    peer.bufferSize = 600_000
    link.sendMessage(encodeMessageFrame({ clientId: OWN, seq: 2, body: 'hi' }))
    expect(peer.isDestroyed).toBe(true)
  })

  it('[Y10] a frame larger than a channel takes is not sent, since it would end the channel', () => {
    const { peer } = open()
    peer.emit('connect')
    peer.send(new Uint8Array(262_145))
    peer.send(QUERY_FRAME)
    expect(peer.sent).toEqual(['query'])
  })

  it('[Y14] a candidate that cannot be used is no reason to end or to reject', async () => {
    const { peer } = open()
    await expect(peer._pc.addIceCandidate()).resolves.toBeUndefined()
  })

  it('[Y11] what comes after the end is not heard, and an error alone is not thrown', () => {
    const { peer, evidence, bobSays } = open()
    peer.emit('connect')
    peer.emit('error', new Error('ice'))
    peer.destroy()
    bobSays(1)
    expect(evidence).toEqual([])
  })
})
