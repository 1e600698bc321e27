/** What a member gone bad, or a platform, takes away from others for good: places, connections and memory (T31 to T34). */
import { expect, it, vi } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createSealedLink } from '../../lib/identity/seal.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import { createDataChannels } from '../../lib/links/data-channels.ts'
import { createDirectConnection } from '../../lib/links/direct-carrier.ts'
import { createHandshake } from '../../lib/links/handshake.ts'
import type { Link } from '../../lib/links/link.ts'
import { createSealedFrames } from '../../lib/links/sealed-frames.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { MAX_MEMBERS } from '../../lib/wire/limits.ts'
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
    ...{ sendSignal: () => undefined, onOpen: () => undefined, onData: () => undefined, onEnd: () => undefined },
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
  for (const { mallory } of crowd) mallory.stop()
  // A member that is silent is forgotten a minute after it left.
  await room.until('the two to meet', () => alice.ids().join() === 'alice,bob', 150_000)
  expect(bob.ids()).toContain('alice')
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
    ...{ clock, own: 'm'.repeat(22) as ConnectionId, iceServers: [], onEnd: () => undefined },
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
    ...{ clock, own: HIGHEST, iceServers: [], onEnd: () => undefined },
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

it('[T34] what one frame leads to may fail, and the next is opened all the same', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const keys = { send: crypto.randomBytes(32), receive: crypto.randomBytes(32) }
  const own = createSealedLink({ isInitiator: true, ...keys }, crypto, topic)
  const far = createSealedLink({ isInitiator: false, send: keys.receive, receive: keys.send }, crypto, topic)
  const opened: number[] = []
  const frames = createSealedFrames({
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
