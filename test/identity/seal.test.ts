import { describe, expect, it } from 'vitest'
import type { Crypto } from '../../lib/identity/crypto.ts'
import { createSealedLink, type LinkKeys, REPLAY_WINDOW, type SealedLink } from '../../lib/identity/seal.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import type { Result } from '../../lib/wire/result.ts'
import { CRYPTOS, flip, TOPIC } from './kit.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const shown = (opened: Result<Uint8Array>) => (opened.ok ? new TextDecoder().decode(opened.value) : opened.reason)

function createEnds(crypto: Crypto, topic = TOPIC): { alice: SealedLink; bob: SealedLink; keysOfBob: LinkKeys } {
  const [one, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const keysOfBob = { isInitiator: false, send: other, receive: one }
  return {
    alice: createSealedLink({ isInitiator: true, send: one, receive: other }, crypto, topic),
    bob: createSealedLink(keysOfBob, crypto, topic),
    keysOfBob,
  }
}

const sealMany = (link: SealedLink, count: number, from = 0) =>
  Promise.all(Array.from({ length: count }, (_, index) => link.seal(utf8(String(from + index)))))

const at = (frames: readonly Uint8Array[], index: number): Uint8Array => {
  const frame = frames.at(index)
  if (frame === undefined) throw new Error(`there is no frame ${index}`)
  return frame
}

describe.each(CRYPTOS)('a sealed link by %s', (_name, createCrypto) => {
  const crypto = createCrypto()

  it('[N15] both ends open what the other sealed, each frame once (T14)', async () => {
    const { alice, bob } = createEnds(crypto)
    const sealed = await alice.seal(utf8('hello bob'))
    expect(sealed.length).toBe(9 + 16 + 1)
    expect(shown(await bob.open(sealed))).toBe('hello bob')
    expect(shown(await bob.open(sealed))).toBe('replayed')
    expect(shown(await alice.open(await bob.seal(utf8('hello alice'))))).toBe('hello alice')
    expect(shown(await bob.open(await alice.seal(utf8(''))))).toBe('')
  })

  it('[N15] of copies that come at the same time one is opened', async () => {
    const { alice, bob } = createEnds(crypto)
    const sealed = await alice.seal(utf8('once'))
    const opened = await Promise.all([bob.open(sealed), bob.open(sealed), bob.open(sealed)])
    // Threads finish in any order.
    expect(opened.map(shown).sort()).toEqual(['once', 'replayed', 'replayed'])
  })

  it('[N16] changed anywhere, cut anywhere, or of another count: it does not open, and the true one still does', async () => {
    const { alice, bob } = createEnds(crypto)
    await alice.seal(utf8('first'))
    const sealed = await alice.seal(utf8('second'))
    for (let offset = 0; offset < sealed.length; offset++) {
      // A changed first byte may make the count run on until nothing is left.
      for (const mask of [1, 128])
        expect(['not-authentic', 'malformed'], `byte ${offset}`).toContain(
          shown(await bob.open(flip(sealed, offset, mask))),
        )
      expect(['malformed', 'not-authentic']).toContain(shown(await bob.open(sealed.subarray(0, offset))))
    }
    expect(shown(await bob.open(Uint8Array.of(...sealed, 0)))).toBe('not-authentic')
    expect(shown(await bob.open(sealed))).toBe('second')
  })

  it('[N16] a frame of another link, topic or direction does not open (T14, T17)', async () => {
    const { alice, bob, keysOfBob } = createEnds(crypto)
    const sealed = await alice.seal(utf8('for bob alone'))
    expect(shown(await alice.open(sealed))).toBe('not-authentic')
    expect(shown(await createEnds(crypto).bob.open(sealed))).toBe('not-authentic')
    expect(shown(await createSealedLink(keysOfBob, crypto, flip(TOPIC, 0)).open(sealed))).toBe('not-authentic')
    expect(shown(await createSealedLink({ ...keysOfBob, isInitiator: true }, crypto, TOPIC).open(sealed))).toBe(
      'not-authentic',
    )
    expect(shown(await bob.open(sealed))).toBe('for bob alone')
  })

  it('[N17] seals count in the order of calls and settle in it, and opens settle in the order of calls', async () => {
    const { alice, bob } = createEnds(crypto)
    // The long ones take longer, wherever they are worked on.
    const texts = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'x'.repeat(200_000) : String(index)))
    const settled: number[] = []
    const frames = await Promise.all(
      texts.map(async (text, index) => {
        const frame = await alice.seal(utf8(text))
        settled.push(index)
        return frame
      }),
    )
    expect(settled).toEqual(texts.map((_, index) => index))
    expect(frames.map((frame) => frame[0])).toEqual(texts.map((_, index) => index))
    const opened: string[] = []
    await Promise.all(frames.map(async (frame) => opened.push(shown(await bob.open(frame)))))
    expect(opened).toEqual(texts)
  })
})

describe('counts of a sealed link', () => {
  const crypto = createTestCrypto(1)

  it('[N15] a frame up to 1,023 behind the newest opens, in any order; an older one is a replay', async () => {
    const { alice, bob } = createEnds(crypto)
    const frames = await sealMany(alice, REPLAY_WINDOW + 1)
    expect(shown(await bob.open(at(frames, -1)))).toBe('1024')
    expect(shown(await bob.open(at(frames, 0)))).toBe('replayed')
    for (const index of [1, 1_023, 512, 2]) expect(shown(await bob.open(at(frames, index)))).toBe(String(index))
    for (const index of [1, 1_023, 512, 2, -1]) expect(shown(await bob.open(at(frames, index)))).toBe('replayed')
    for (let index = 3; index < 1_023; index++)
      if (index !== 512) expect(shown(await bob.open(at(frames, index)))).toBe(String(index))
    for (const frame of frames) expect(shown(await bob.open(frame))).toBe('replayed')
  })

  it('[N15] each frame is opened at most once, whatever order and copies come', async () => {
    const { alice, bob } = createEnds(crypto)
    const frames = await sealMany(alice, 5_000)
    const dice = createTestCrypto(2)
    const opened = new Set<string>()
    for (let step = 0; step < 20_000; step++) {
      const [high = 0, low = 0] = dice.randomBytes(2)
      const around = Math.floor(step / 4) - 1_500 + ((high * 256 + low) % 3_000)
      const frame = frames[Math.max(0, Math.min(4_999, around))]
      const result = await bob.open(frame ?? new Uint8Array(0))
      if (!result.ok) continue
      const text = shown(result)
      expect(opened.has(text), text).toBe(false)
      opened.add(text)
    }
    expect(opened.size).toBeGreaterThan(3_000)
  })

  it('[N19] a forged count, however high, moves nothing (T3)', async () => {
    const { alice, bob } = createEnds(crypto)
    const sealed = await alice.seal(utf8('still here'))
    const highest = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40)
    expect(shown(await bob.open(Uint8Array.of(...highest, ...sealed.subarray(1))))).toBe('not-authentic')
    const tooHigh = Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40)
    expect(shown(await bob.open(Uint8Array.of(...tooHigh, ...sealed.subarray(1))))).toBe('malformed')
    const endless = new Uint8Array(40).fill(0xff)
    expect(shown(await bob.open(endless))).toBe('malformed')
    expect(shown(await bob.open(new Uint8Array(524_289)))).toBe('too-large')
    expect(shown(await bob.open(sealed))).toBe('still here')
  })

  it('[N18] after the last word nothing older opens, and there is one last word', async () => {
    const { alice, bob } = createEnds(crypto)
    const last = await alice.sealLast(utf8('goodbye'))
    expect(await alice.sealLast(utf8('or not'))).toEqual(last)
    const between = await sealMany(alice, 3)
    expect(shown(await bob.open(at(between, 0)))).toBe('0')
    expect(shown(await bob.open(last))).toBe('goodbye')
    expect(shown(await bob.open(at(between, 1)))).toBe('replayed')
    expect(shown(await bob.open(last))).toBe('replayed')
    expect(shown(await bob.open(await alice.seal(utf8('after all'))))).toBe('replayed')
  })
})
