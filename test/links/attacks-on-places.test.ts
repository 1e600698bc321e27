/** What a member gone bad, or a platform, takes away from others for good: places, connections and memory (T31 to T35). */
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { encodeOpening } from '../../lib/identity/hello-message.ts'
import { createIdentity, type Identity } from '../../lib/identity/identity.ts'
import { createSealedLink } from '../../lib/identity/seal.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import { createDataChannels } from '../../lib/links/data-channels.ts'
import { createDirectConnection } from '../../lib/links/direct-carrier.ts'
import { createHandshake, type Handshake } from '../../lib/links/handshake.ts'
import type { Link } from '../../lib/links/link.ts'
import { createSealedFrames } from '../../lib/links/sealed-frames.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { decodeEnvelope, type Envelope } from '../../lib/wire/envelope.ts'
import { MAX_MEMBERS } from '../../lib/wire/limits.ts'
import { GOODBYE_FRAME } from '../../lib/wire/link-frame.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { entry } from '../simulation/attack-words.ts'
import { createMallory } from '../simulation/mallory.ts'
import { createRoom, ROOM, SERVER } from './virtual-kit.ts'

const crypto = createTestCrypto(1)
const topic = new Uint8Array(32)
const [LOWEST, HIGHEST] = ['-', 'z'].map((letter) => letter.repeat(22) as ConnectionId) as [ConnectionId, ConnectionId]

it('[T31] hellos that were looked at, and casts that went out, leave nothing behind', async () => {
  const identity = createIdentity(crypto)
  const handshake = createHandshake({
    ...{ hello: { crypto, identity, topic, peer: LOWEST }, clock: createVirtualClock(), random: systemRandom },
    ...{ isInitiator: false, send: () => undefined, onKeys: () => undefined, onReject: () => undefined },
  })
  for (let count = 0; count < 3; count++) handshake.receive(crypto.randomBytes(60))
  expect(await handshake.settled()).toBeUndefined()
  handshake.stop()
  const frames = createSealedFrames({
    clock: systemClock,
    ...{ crypto, topic, peer: LOWEST, helloSettled: async () => undefined },
    ...{ onFrame: () => undefined, onCast: () => undefined, onUnknownCast: () => undefined },
    ...{ onReject: () => undefined, onMissed: () => undefined },
  })
  for (let count = 0; count < 3; count++) frames.follow(Promise.resolve())
  expect(await frames.settled()).toBeUndefined()
})

/** A connection of the platform's that does nothing. */
const idleConnection = (): RTCPeerConnection =>
  ({ createDataChannel: () => ({ close: () => undefined }), close: () => undefined }) as unknown as RTCPeerConnection

it('[T32] a description that is made to be slow to read is read at once', () => {
  const connection = createDirectConnection({
    createPeerConnection: idleConnection,
    ...{ iceServers: [], isOfferer: false, clock: createVirtualClock() },
    ...{
      sendSignal: () => undefined,
      onOpen: () => undefined,
      onData: () => undefined,
      onDoubt: () => undefined,
      onEnd: () => undefined,
    },
  })
  connection.receiveSignal('description', JSON.stringify({ type: 'offer', sdp: 'o=- 1 1\r\n' }))
  // Of quadratic time each takes 0.2 s.
  const startMs = performance.now()
  for (let count = 0; count < 50; count++) {
    connection.isReplacedBy(JSON.stringify({ type: 'offer', sdp: 'o='.repeat(8_180) }))
    connection.isReplacedBy(JSON.stringify({ type: 'offer', sdp: `${'o='.repeat(4_090)}x ${'1'.repeat(8_000)}` }))
  }
  expect(performance.now() - startMs).toBeLessThan(2_000)
  expect(connection.isReplacedBy('{"sdp":"v=0\\r\\no=- 1 2 IN IP4"}')).toBe(false)
  expect(connection.isReplacedBy('{"sdp":"v=0\\r\\no=- 2 2 IN IP4"}')).toBe(true)
  connection.close()
})

it('[T33] who was refused since the channel was full is met once there is a place', async () => {
  const room = createRoom()
  const { world } = room
  const alice = await room.join('alice', {}, { webrtc: false })
  const keys = { topic: topicOf({ crypto: world.crypto, app: '', channel: ROOM }), secretKey: undefined }
  const crowd = Array.from({ length: MAX_MEMBERS - 1 }, (_, index) => {
    const mallory = createMallory(world, SERVER, keys)
    const { connectionId } = mallory
    return { mallory, own: entry({ clientId: 70_000 + index, clock: 1, connectionId }) }
  })
  await room.advance(1_000)
  for (const { mallory, own } of crowd) mallory.say(alice.connectionId, own)
  await room.until('a full channel', () => alice.ids().length === MAX_MEMBERS, 20_000)
  const bob = await room.join('bob', {}, { webrtc: false })
  await room.advance(3_000)
  expect(alice.ids()).not.toContain('bob')
  for (const { mallory } of crowd) for (const { connectionId } of [alice, bob]) mallory.say(connectionId, GOODBYE_FRAME)
  await room.advance(100)
  for (const { mallory } of crowd) mallory.stop()
  await room.until('the two to meet', () => alice.ids().join() === 'alice,bob', 30_000)
  expect(bob.ids()).toContain('alice')
})

/** Two who say hello over a line that takes `delayMs` each way, and somebody who hears nothing of it. */
function helloUnderAttack(delayMs: number) {
  const clock = createVirtualClock()
  const identities = [createIdentity(crypto), createIdentity(crypto)].sort((one, other) =>
    one.connectionId < other.connectionId ? -1 : 1,
  ) as [Identity, Identity]
  const agreed: string[] = []
  let answers = 0
  const [first, second] = identities.map((identity, place): Handshake => {
    const peer = identities[1 - place]?.connectionId ?? LOWEST
    return createHandshake({
      ...{ hello: { crypto, identity, topic, peer }, clock, random: systemRandom, isInitiator: place === 0 },
      send(envelope, { by = 'relay:0' }) {
        if (place === 1) answers += 1
        // What somebody asked for by a way of its own goes back by that.
        if (by === 'relay:0') clock.setTimer(() => deliver(place === 0 ? second : first, envelope), delayMs)
      },
      onKeys: () => void agreed.push(place === 0 ? 'first' : 'second'),
      onReject: () => undefined,
    })
  }) as [Handshake, Handshake]
  function deliver(to: Handshake, envelope: Uint8Array): void {
    const { value } = decodeEnvelope(envelope) as { value: Envelope }
    if (value.kind === 'restart') to.restart()
    else if (value.kind === 'hello') to.receive(value.bytes, 'relay:0')
  }
  const stop = () => {
    first.stop()
    second.stop()
  }
  return { clock, first, second, stop, agreed, publicKey: identities[0].publicKey, answerCount: () => answers }
}

it('[T35] hellos in another’s name by a way of its own keep up none that comes by another, and few are answered', async () => {
  const { agreed, answerCount, clock, first, publicKey, second, stop } = helloUnderAttack(60)
  const agreementKey = (await crypto.createAgreement()).publicKey
  for (let atMs = 0; atMs < 5_000; atMs += 10) {
    const forged = { attempt: 1, publicKey, agreementKey, nonce: crypto.randomBytes(16) }
    for (let copy = 0; copy < 2; copy++)
      second.receive(encodeOpening('hello1', { ...forged, attempt: copy }), 'via:mallory')
    if (atMs === 500) first.begin()
    await clock.advance(10)
  }
  expect(agreed.sort()).toEqual(['first', 'second'])
  expect(answerCount()).toBeLessThan(24 + 5 * 6 + 5)
  stop()
})

it('[T35] requests for new hellos, however often, let one be answered on a slow line', async () => {
  const { agreed, clock, first, stop } = helloUnderAttack(400)
  first.begin()
  for (let atMs = 0; atMs < 8_000 && agreed.length < 2; atMs += 50) {
    first.restart()
    await clock.advance(50)
  }
  expect(agreed.sort()).toEqual(['first', 'second'])
  stop()
})

/** A link to whoever has that id, of which the signals that are sent are kept. */
function playedLink(peer: ConnectionId) {
  const signals: Uint8Array[] = []
  const link = {
    ...{ peer, carriers: () => [], isReachable: () => true },
    sendSignal: (frame: Uint8Array) => void signals.push(frame),
  } as unknown as Link
  return { link, signals }
}

it.each([
  ['offers', HIGHEST],
  ['is offered to', LOWEST],
] as const)('[T34] where the platform makes no connection, one who %s does without', async (_who, peer) => {
  const clock = createVirtualClock()
  let tries = 0
  const dataChannels = createDataChannels({
    ...{ clock, own: 'm'.repeat(22) as ConnectionId, iceServers: [], onDoubt: () => undefined, onEnd: () => undefined },
    createPeerConnection() {
      tries += 1
      throw new Error('Cannot create so many PeerConnections')
    },
  })
  const { link } = playedLink(peer)
  expect(dataChannels.renew(link)).toBe(false)
  dataChannels.receiveSignal(link, 'description', '{"type":"offer","sdp":"v=0"}')
  await clock.advance(4_100)
  expect(tries).toBe(2)
  dataChannels.end(link)
})

it('[T34] offers without end make a few connections, and then one every 2 s', async () => {
  const clock = createVirtualClock()
  let made = 0
  const dataChannels = createDataChannels({
    ...{ clock, own: HIGHEST, iceServers: [], onDoubt: () => undefined, onEnd: () => undefined },
    createPeerConnection() {
      made += 1
      return idleConnection()
    },
  })
  const { link } = playedLink(LOWEST)
  for (let session = 0; session < 1_000; session++) {
    const sdp = session % 2 === 0 ? `o=- ${session} 1` : ''
    dataChannels.receiveSignal(link, 'description', sdp === '' ? '' : JSON.stringify({ type: 'offer', sdp }))
    await clock.advance(20)
  }
  expect(made).toBeLessThanOrEqual(4 + 10)
  expect(made).toBeGreaterThan(8)
  dataChannels.end(link)
})

it('[T34] offers without end for one connection are answered a few times, and then one every 2 s', async () => {
  const clock = createVirtualClock()
  let answered = 0
  const dataChannels = createDataChannels({
    ...{ clock, own: HIGHEST, iceServers: [], onEnd: () => undefined },
    createPeerConnection: () =>
      Object.assign(idleConnection(), {
        localDescription: null as object | null,
        setRemoteDescription: async () => undefined,
        createAnswer: async () => ({ type: 'answer', sdp: 'o=- 2 1 IN' }),
        async setLocalDescription(this: { localDescription: object }, answer: object) {
          this.localDescription = answer
          answered += 1
        },
      }),
  })
  const { link } = playedLink(LOWEST)
  const offer = JSON.stringify({ type: 'offer', sdp: 'o=- 1 1 IN IP4 127.0.0.1' })
  for (let count = 0; count < 350; count++) {
    dataChannels.receiveSignal(link, 'description', offer)
    await clock.advance(20)
  }
  // In 7 s, before one that never opens is given up. Each is answered 0.4 s after the one before it: none waits for its turn.
  expect(answered).toBeLessThanOrEqual(4 + 3)
  expect(answered).toBeGreaterThan(4)
  dataChannels.end(link)
  await clock.advance(10_000)
  expect(answered).toBeLessThanOrEqual(4 + 3)
  expect(clock.timerCount()).toBe(0)
})

it('[T34] requests for a new try of ICE, however often, make a few offers, and then one every 2 s', async () => {
  const clock = createVirtualClock()
  const dataChannels = createDataChannels({
    ...{ clock, own: LOWEST, iceServers: [], onEnd: () => undefined },
    createPeerConnection: () =>
      Object.assign(idleConnection(), {
        localDescription: null as object | null,
        signalingState: 'stable',
        createOffer: async () => ({ type: 'offer', sdp: 'o=- 1 1 IN' }),
        async setLocalDescription(this: { localDescription: object; signalingState: string }, offer: object) {
          Object.assign(this, { localDescription: offer, signalingState: 'have-local-offer' })
        },
      }),
  })
  const { link, signals } = playedLink(HIGHEST)
  dataChannels.renew(link)
  for (let count = 0; count < 1_000; count++) {
    dataChannels.receiveSignal(link, 'restart', '')
    await clock.advance(20)
  }
  // Tries of our own end after 8 s, and are made anew 4 s later.
  expect(signals.length).toBeLessThanOrEqual(2 + 4 + 10)
  expect(signals.length).toBeGreaterThan(8)
  dataChannels.end(link)
})

it('[T34] what one frame leads to may fail, and the next is opened all the same', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const keys = { send: crypto.randomBytes(32), receive: crypto.randomBytes(32) }
  const own = createSealedLink({ isInitiator: true, ...keys }, crypto, topic)
  const far = createSealedLink({ isInitiator: false, send: keys.receive, receive: keys.send }, crypto, topic)
  const opened: number[] = []
  const frames = createSealedFrames({
    clock: systemClock,
    ...{ crypto, topic, peer: LOWEST, helloSettled: async () => undefined },
    onFrame(_carrier, [first = 0]) {
      opened.push(first)
      if (first === 1) throw new Error('a platform’s')
    },
    ...{
      onCast: () => undefined,
      onUnknownCast: () => undefined,
      onReject: () => undefined,
      onMissed: () => undefined,
    },
  })
  frames.setKeys(own)
  const carrier = { id: 'relay:0', kind: 'relay', isPrivate: false } as never
  for (const byte of [1, 2, 3]) frames.receive(carrier, await far.seal(Uint8Array.of(byte)), false)
  await vi.waitFor(() => expect(opened).toEqual([1, 2, 3]))
  expect(told).toHaveBeenCalledTimes(1)
  told.mockRestore()
})
