import { expect, it } from 'vitest'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createDirectConnection } from '../../lib/links/direct-carrier.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

it('[L46] a word on a data channel that has closed just now, or whose buffer is full, throws nothing', () => {
  const channel = {
    readyState: 'open',
    onopen: () => undefined,
    close: () => undefined,
    send() {
      throw new Error('InvalidStateError: as implementations do whose channels close in another thread')
    },
  }
  const carriers: Carrier[] = []
  const connection = createDirectConnection({
    createPeerConnection: () =>
      ({ createDataChannel: () => channel, close: () => undefined }) as unknown as RTCPeerConnection,
    iceServers: [],
    isOfferer: false,
    clock: createVirtualClock(),
    sendSignal: () => undefined,
    onOpen: (carrier) => carriers.push(carrier),
    onData: () => undefined,
    onDoubt: () => undefined,
    onEnd: () => undefined,
  })
  channel.onopen()
  expect(carriers).toHaveLength(1)
  expect(() => carriers[0]?.send(Uint8Array.of(1))).not.toThrow()
  connection.close()
})

it('[L58] an open data channel tells when ICE says that nobody answers any more, or somebody does again, and none that never opened', () => {
  const channel = { readyState: 'open', onopen: () => undefined, close: () => undefined }
  const peer = {
    iceConnectionState: 'new',
    oniceconnectionstatechange: () => undefined,
    createDataChannel: () => channel,
    close: () => undefined,
  }
  let doubts = 0
  const connection = createDirectConnection({
    createPeerConnection: () => peer as unknown as RTCPeerConnection,
    iceServers: [],
    isOfferer: false,
    clock: createVirtualClock(),
    sendSignal: () => undefined,
    onOpen: () => undefined,
    onData: () => undefined,
    onDoubt: () => doubts++,
    onEnd: () => undefined,
  })
  const tell = (state: string) => {
    peer.iceConnectionState = state
    peer.oniceconnectionstatechange()
  }
  tell('disconnected')
  tell('connected')
  channel.onopen()
  expect(doubts).toBe(0)
  for (const [state, count] of [
    ['disconnected', 1],
    ['failed', 2],
    ['connected', 3],
    ['completed', 3],
    ['disconnected', 4],
  ] as const) {
    tell(state)
    expect(doubts).toBe(count)
  }
  connection.close()
})

it('[T34] the platform gets 64 candidates of a far end until its next description, however many it says', async () => {
  const given: unknown[] = []
  const peer = {
    createDataChannel: () => ({ close: () => undefined }),
    close: () => undefined,
    setRemoteDescription: async () => undefined,
    setLocalDescription: async () => undefined,
    createAnswer: async () => ({ type: 'answer', sdp: '' }),
    addIceCandidate: async (candidate: unknown) => void given.push(candidate),
  }
  const clock = createVirtualClock()
  const connection = createDirectConnection({
    createPeerConnection: () => peer as unknown as RTCPeerConnection,
    iceServers: [],
    isOfferer: false,
    clock,
    sendSignal: () => undefined,
    onOpen: () => undefined,
    onData: () => undefined,
    onDoubt: () => undefined,
    onEnd: () => undefined,
  })
  const isHandled = async () => {
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      await clock.advance(300)
    }
  }
  const say = async (signals: number) => {
    for (let count = 0; count < signals; count++)
      connection.receiveSignal('candidates', JSON.stringify(Array.from({ length: 16 }, () => ({ candidate: '' }))))
    await isHandled()
  }
  const describe = async () => {
    connection.receiveSignal('description', JSON.stringify({ type: 'offer', sdp: '' }))
    await isHandled()
  }
  await say(100)
  expect(given).toHaveLength(0)
  await describe()
  expect(given).toHaveLength(64)
  await say(100)
  expect(given).toHaveLength(128)
  await say(1)
  expect(given).toHaveLength(128)
  await describe()
  await say(1)
  expect(given).toHaveLength(144)
  connection.close()
})
