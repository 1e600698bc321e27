/** One connection under guard, over a peer made of plain objects: what real channels do not do on demand. */
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate as encodeStockUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { type AwarenessEntry, encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { EMPTY_SYNC_STEP_1_FRAME, encodeAwarenessFrame, encodeMessageFrame, QUERY_FRAME } from '../../lib/wire/frame.ts'
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
  const released: true[] = []
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
    onReleased: () => released.push(true),
    onEnd: (_, how) => ends.push(how),
  })
  const greet = () => peer.emit('data', EMPTY_SYNC_STEP_1_FRAME)
  /** One frame with several entries, as a stock client sends what it knows. */
  function passOn(...entries: AwarenessEntry[]) {
    const known = new Awareness(new Y.Doc())
    for (const entry of entries) applyAwarenessUpdate(known, encodeAwarenessUpdate(entry), 'test')
    const ids = entries.map(({ clientId }) => clientId)
    peer.emit('data', encodeAwarenessFrame(encodeStockUpdate(known, ids)))
    known.destroy()
  }
  function bobSays(clock: number) {
    if (clock === 1) greet()
    peer.emit('data', encodeAwarenessFrame(encodeAwarenessUpdate({ clientId: BOB, clock, state: { copresence: {} } })))
  }
  /** As y-webrtc sends an update to every connection. */
  const publish = (text: string) => {
    port.hold(own(text))
    peer.send(encodeAwarenessFrame(encodeAwarenessUpdate(port.entry() ?? own(text))))
  }
  return { clock, peer, link, evidence, ends, released, port, greet, passOn, bobSays, publish }
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

  it('[Y11] a stock client speaks for whom it names first after its greeting, not for whom it passed on before', () => {
    const { peer, link, evidence, released, greet, passOn } = open()
    const carol = { clientId: 9 as ClientId, clock: 1, state: { user: { name: 'Carol' } } }
    const bob = { clientId: BOB, clock: 1, state: { copresence: {} } }
    passOn(bob)
    peer.emit('connect')
    greet()
    passOn(carol, bob)
    passOn({ ...bob, clock: 2 })
    greet()
    passOn({ ...bob, clock: 3 })
    expect(link.clientId()).toBe(carol.clientId)
    expect(evidence.map(({ kind, path }) => [kind, path.clientId])).toEqual([
      ['entry', BOB],
      ['lost', BOB],
      ['entry', carol.clientId],
    ])
    expect(released).toHaveLength(1)
  })

  it('[Y11] where it names several, a stock client speaks for one that is none of ours', () => {
    const { peer, link, greet, passOn } = open()
    peer.emit('connect')
    greet()
    passOn(
      { clientId: BOB, clock: 1, state: { copresence: {} } },
      { clientId: 9 as ClientId, clock: 1, state: { user: { name: 'Carol' } } },
    )
    expect(link.clientId()).toBe(9)
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
