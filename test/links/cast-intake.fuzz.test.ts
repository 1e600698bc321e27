/** Random and structured bytes against whoever is served by casts, and cast keys that no honest member gives. */
import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { type CastKey, type CastSender, createCastReceiver, createCastSender } from '../../lib/identity/cast.ts'
import { createCastIntake } from '../../lib/links/cast-intake.ts'
import { decodeCast } from '../../lib/wire/cast.ts'
import { decodeLinkFrame, encodeCastKey } from '../../lib/wire/link-frame.ts'
import { CRYPTOS, TOPIC } from '../identity/kit.ts'
import { type Decoders, frameCount, runDecoders } from '../kit/fuzz.ts'

const ALICE = 'alice-0000000000000000' as ConnectionId
/** Casts of each kind that the run is made of. */
const CASTS = 20
const utf8 = (text: string) => new TextEncoder().encode(text)

function give(sender: CastSender): CastKey {
  const given = sender.give()
  if (given === undefined) throw new Error('no slot is left')
  return given
}

describe.each(CRYPTOS)('with %s', (name, createCrypto) => {
  const frames = Math.ceil(frameCount(20_000) / (name === 'the test crypto' ? 1 : 20))

  it(`[W1] [N25] [T8] ${frames} casts and keys: none throws, and what opens is what alice cast for bob, once`, async () => {
    const crypto = createCrypto()
    const needs = { crypto, topic: TOPIC, senderId: ALICE }
    const senders = [createCastSender(needs, 1), createCastSender(needs, 2)]
    const bobs = senders.map(give)
    const mallorys = senders.map(give)
    const samples: Uint8Array[] = []
    for (const [index, sender] of senders.entries()) {
      const [forBob, forMallory] = [bobs.slice(index, index + 1), mallorys.slice(index, index + 1)]
      // Mallory has the key, and seals under it with the tags that it can make.
      const key = forMallory[0]?.key ?? TOPIC
      const forger = createCastSender({ ...needs, crypto: { ...crypto, randomBytes: () => key } }, sender.number)
      for (let count = 0; count < CASTS; count++) {
        samples.push(await sender.seal(utf8(`true ${sender.number} ${count}`), [...forBob, ...forMallory]))
        samples.push(await sender.seal(utf8('for others'), forMallory))
        samples.push(await forger.seal(utf8('forged'), forMallory))
      }
    }
    const bob = createCastIntake(needs)
    for (const given of bobs) bob.learn(given)
    const [first] = bobs
    if (first === undefined) throw new Error('two were given')
    const receiver = createCastReceiver(needs, first)
    // One to whom somebody gives whatever keys there are: it is the giver's own words that it then cannot read.
    const taught = createCastIntake(needs)
    samples.push(...[...bobs, ...mallorys].map(encodeCastKey))

    const opened: string[] = []
    const decoders: Decoders = {
      async 'intake.open'(bytes) {
        const cast = await bob.open(bytes)
        if (cast === undefined || cast === 'unknown-key' || !cast.ok) return { ok: false }
        opened.push(new TextDecoder().decode(cast.value))
        return cast
      },
      async 'receiver.open'(bytes) {
        const cast = decodeCast(bytes)
        return (cast.ok ? await receiver.open(cast.value) : undefined) ?? { ok: false }
      },
      'taught.learn'(bytes) {
        const frame = decodeLinkFrame(bytes)
        return { ok: frame.ok && frame.value.kind === 'castKey' && taught.learn(frame.value) }
      },
      async 'taught.open'(bytes) {
        const cast = await taught.open(bytes)
        return { ok: cast !== undefined && cast !== 'unknown-key' && cast.ok }
      },
    }
    await runDecoders(decoders, { frames, samples })
    expect(new Set(opened).size).toBe(opened.length)
    expect(opened.filter((text) => !/^true [12] \d+$/.test(text))).toEqual([])
    if (frames >= 20_000) expect(opened).toHaveLength(2 * CASTS)
  }, 600_000)
})
