/** When a hello that nobody answers is said again. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createHandshake, type Handshake } from '../../lib/links/handshake.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { decodeEnvelope } from '../../lib/wire/envelope.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

const crypto = createTestCrypto(1)
/** The lower connectionId of two speaks first. */
const PEERS = { higher: 'z'.repeat(22), lower: '-'.repeat(22) }

/** A hello into the void, with every byte of chance of the delays being `byte`. */
function speakToNobody(byte: number, isInitiator: boolean) {
  const clock = createVirtualClock()
  const peer = PEERS[isInitiator ? 'higher' : 'lower'] as ConnectionId
  const saidAtMs: number[] = []
  const isRepeated: boolean[] = []
  const handshake = createHandshake({
    hello: { crypto, identity: createIdentity(crypto), topic: new Uint8Array(32), peer },
    clock,
    random: (length) => (length === 2 ? new Uint8Array(2).fill(byte) : systemRandom(length)),
    isInitiator,
    send(_envelope, how) {
      saidAtMs.push(Math.round(clock.moment().steadyMs))
      isRepeated.push(how.isRepeated)
    },
    onKeys: () => undefined,
    onReject: () => undefined,
  })
  return { clock, handshake, saidAtMs, isRepeated }
}

/** Whether we speak first, or ask to be spoken to. */
const ROLES = [true, false]
/** Who is to be spoken to asks for it only after so long. */
const TURN_MS = 400

/** Two who say hello over a line that takes `delayMs` each way and loses the messages of those numbers. */
function speakToEachOther(delayMs: number, lost: readonly number[] = []) {
  const clock = createVirtualClock()
  const said: { from: string; atMs: number }[] = []
  const keysAtMs = new Map<string, number>()
  /** Of the first. */
  const renewedAtMs: number[] = []
  const identities = [createIdentity(crypto), createIdentity(crypto)].sort((one, other) =>
    one.connectionId < other.connectionId ? -1 : 1,
  )
  const [first, second] = identities.map((identity, place): Handshake => {
    const from = place === 0 ? 'first' : 'second'
    return createHandshake({
      hello: {
        crypto,
        identity,
        topic: new Uint8Array(32),
        peer: identities[1 - place]?.connectionId ?? identity.connectionId,
      },
      clock,
      random: systemRandom,
      isInitiator: place === 0,
      send(envelope) {
        said.push({ from, atMs: Math.round(clock.moment().steadyMs) })
        if (!lost.includes(said.length)) clock.setTimer(() => arrive(1 - place, envelope), delayMs)
      },
      onKeys() {
        const atMs = Math.round(clock.moment().steadyMs)
        keysAtMs.set(from, atMs)
        if (place === 0) renewedAtMs.push(atMs)
      },
      // What is said again is answered again, and that is over by then; nothing else is refused.
      onReject: (reason) => expect(reason).toBe('replayed'),
    })
  }) as [Handshake, Handshake]
  function arrive(place: number, bytes: Uint8Array) {
    const handshake = place === 0 ? first : second
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok) return expect.unreachable(envelope.reason)
    if (envelope.value.kind === 'hello') handshake.receive(envelope.value.bytes)
    else handshake.restart()
  }
  return { clock, first, second, said, keysAtMs, renewedAtMs }
}

it.each(ROLES)(
  '[L26] it is said again after 2, 4 and then 8 s, of which chance takes up to a half (first: %s)',
  async (isInitiator) => {
    for (const [byte, expected] of [
      [255, [0, 2_000, 6_000, 14_000, 22_000]],
      [0, [0, 1_000, 3_000, 7_000, 11_000]],
    ] as const) {
      const { clock, handshake, saidAtMs, isRepeated } = speakToNobody(byte, isInitiator)
      const turnMs = isInitiator ? 0 : TURN_MS
      handshake.begin()
      await clock.advance(turnMs + expected[4])
      expect(saidAtMs).toEqual(expected.map((atMs) => turnMs + atMs))
      // The first goes by one way, all others by several.
      expect(isRepeated).toEqual([false, true, true, true, true])
      handshake.stop()
      expect(clock.timerCount()).toBe(0)
    }
  },
)

it.each(ROLES)(
  '[L26] with each new way it is said after 2 s at most, and never more often for that (first: %s)',
  async (isInitiator) => {
    const { clock, handshake, saidAtMs } = speakToNobody(255, isInitiator)
    const turnMs = isInitiator ? 0 : TURN_MS
    handshake.begin()
    await clock.advance(turnMs + 6_500)
    expect(saidAtMs).toEqual([0, 2_000, 6_000].map((atMs) => turnMs + atMs))
    // The next one would come at 14 s. Ways that come in a row do not put it off.
    for (let way = 0; way < 100; way++) {
      handshake.begin()
      await clock.advance(10)
    }
    await clock.advance(1_100)
    expect(saidAtMs.slice(3)).toEqual([turnMs + 8_500])
    await clock.advance(2_000)
    expect(saidAtMs.slice(3)).toEqual([turnMs + 8_500, turnMs + 10_500])
    handshake.stop()
  },
)

it('[L26] an answer that takes longer than our patience counts, since the same was said all the time', async () => {
  for (const delayMs of [700, 1_500, 2_000]) {
    const { clock, first, keysAtMs } = speakToEachOther(delayMs)
    first.begin()
    await clock.advance(20_000)
    // There, back, and there once more: no try but the first was needed.
    expect([...keysAtMs]).toEqual([
      ['first', 2 * delayMs],
      ['second', 3 * delayMs],
    ])
    expect(clock.timerCount()).toBe(0)
  }
})

it('[L47] two who hear of each other at about the same time say three messages', async () => {
  for (const [firstMs, secondMs] of [
    [0, 0],
    [0, 200],
    [200, 0],
  ] as const) {
    const { clock, first, second, said, keysAtMs } = speakToEachOther(150)
    clock.setTimer(() => first.begin(), firstMs)
    clock.setTimer(() => second.begin(), secondMs)
    await clock.advance(20_000)
    expect(said.map(({ from }) => from)).toEqual(['first', 'second', 'first'])
    expect([...keysAtMs.keys()].sort()).toEqual(['first', 'second'])
    expect(clock.timerCount()).toBe(0)
  }
})

it('[L47] where only the one who is to be spoken to knows of the way it asks after 400 ms', async () => {
  const { clock, second, said, keysAtMs } = speakToEachOther(100)
  second.begin()
  await clock.advance(20_000)
  expect(said).toEqual([
    { from: 'second', atMs: 400 },
    { from: 'first', atMs: 500 },
    { from: 'second', atMs: 600 },
    { from: 'first', atMs: 700 },
  ])
  expect(keysAtMs.get('second')).toBe(800)
})

it('[L47] who was spoken to and hears no more asks within 2 s', async () => {
  // The last of the three is lost: the one who said it has keys, and no reason to speak again.
  const { clock, first, second, said, keysAtMs } = speakToEachOther(100, [3])
  first.begin()
  second.begin()
  await clock.advance(20_000)
  expect(said.slice(3).map(({ from }) => from)).toEqual(['second', 'first', 'second', 'first'])
  expect(said[3]?.atMs).toBeLessThanOrEqual(2_100)
  expect(keysAtMs.get('second')).toBeLessThanOrEqual(2_600)
})

it('[L47] who is back and asks is spoken to within 500 ms, however often nobody answered, or asked, before', async () => {
  const { clock, handshake, saidAtMs } = speakToNobody(255, true)
  handshake.begin()
  while (saidAtMs.length < 5) await clock.advance(100)
  const before = saidAtMs.length
  await clock.advance(500)
  handshake.restart()
  await clock.advance(1)
  expect(saidAtMs.length).toBe(before + 1)
  for (let asked = 2; asked < 20; asked++) {
    await clock.advance(600)
    const nowMs = Math.round(clock.moment().steadyMs)
    handshake.restart()
    await clock.advance(501)
    expect(saidAtMs.at(-1)).toBeGreaterThanOrEqual(nowMs)
  }
  handshake.stop()
})

it('[T39] keys are renewed at once for who asks, and ever more rarely for who asks again before others stood for 10 s', async () => {
  const { clock, first, second, renewedAtMs } = speakToEachOther(10)
  const askFor = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      first.restart()
      second.renew()
      await clock.advance(100)
    }
  }
  first.begin()
  await clock.advance(5_000)
  await askFor(20_000)
  // The first hello, one at once, and then those that come 1, 2 and 4 s after the one before.
  expect(renewedAtMs).toEqual([20, 5_020, 6_020, 8_020, 12_020, 16_020, 20_020, 24_020])
  // The last that was asked for is under way still.
  await clock.advance(4_000)
  renewedAtMs.length = 0
  await clock.advance(10_000)
  await askFor(2_000)
  expect(renewedAtMs).toEqual([39_020, 40_020])
})
