/** When a hello that nobody answers is said again. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createHandshake } from '../../lib/links/handshake.ts'
import { createTestCrypto } from '../kit/test-crypto.ts'
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

it.each(ROLES)(
  '[L26] it is said again after 2, 4 and then 8 s, of which chance takes up to a half (first: %s)',
  async (isInitiator) => {
    for (const [byte, expected] of [
      [255, [0, 2_000, 6_000, 14_000, 22_000]],
      [0, [0, 1_000, 3_000, 7_000, 11_000]],
    ] as const) {
      const { clock, handshake, saidAtMs, isRepeated } = speakToNobody(byte, isInitiator)
      handshake.begin()
      await clock.advance(expected[4])
      expect(saidAtMs).toEqual(expected)
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
    handshake.begin()
    await clock.advance(6_500)
    expect(saidAtMs).toEqual([0, 2_000, 6_000])
    // The next one would come at 14 s. Ways that come in a row do not put it off.
    for (let way = 0; way < 100; way++) {
      handshake.begin()
      await clock.advance(10)
    }
    await clock.advance(1_100)
    expect(saidAtMs.slice(3)).toEqual([8_500])
    await clock.advance(2_000)
    expect(saidAtMs.slice(3)).toEqual([8_500, 10_500])
    handshake.stop()
  },
)
