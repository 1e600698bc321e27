import { describe, expect, it } from 'vitest'
import type { Crypto } from '../../lib/identity/crypto.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import {
  CRYPTOS,
  converse,
  createPair,
  first,
  helloOfAlice,
  helloOfBob,
  keysOf,
  reasonOf,
  SECRET_KEY,
  sendOf,
} from './kit.ts'

describe.each(CRYPTOS)('a hello by %s', (_name, createCrypto) => {
  it('[N6] gives both ends the same keys, one for each direction', async () => {
    const pair = createPair(createCrypto())
    const { alice, bob } = await converse(helloOfAlice(pair), helloOfBob(pair))
    expect(alice.isInitiator).toBe(true)
    expect(bob.isInitiator).toBe(false)
    expect(alice.send).toEqual(bob.receive)
    expect(alice.receive).toEqual(bob.send)
    expect(alice.send).not.toEqual(alice.receive)
    expect([alice.send.length, alice.receive.length]).toEqual([32, 32])
  })

  it('[N7] takes at most 400 bytes of each side, with a secret and at the highest attempt too', async () => {
    const pair = createPair(createCrypto())
    const change = { secretKey: SECRET_KEY, attempt: 2 ** 48 }
    const { hello1, hello2, hello3 } = await converse(helloOfAlice(pair, change), helloOfBob(pair, change))
    expect(hello1.length + hello3.length).toBe(210)
    expect(hello2.length).toBe(202)
  })
})

describe('a hello', () => {
  const crypto: Crypto = createTestCrypto(1)

  it('[N6] is begun by the lower connectionId, whose first message stays the same', async () => {
    const pair = createPair(crypto)
    const alice = helloOfAlice(pair)
    expect(await helloOfBob(pair).start()).toBeUndefined()
    expect(await alice.start()).toEqual(await alice.start())
    const [one, other] = await Promise.all([alice.start(), alice.start()])
    expect(one).toEqual(other)
  })

  it('[N6] with another secret gives other keys than without', async () => {
    const pair = createPair(crypto)
    const change = { secretKey: SECRET_KEY }
    const { alice, bob } = await converse(helloOfAlice(pair, change), helloOfBob(pair, change))
    expect(alice.send).toEqual(bob.receive)
  })

  it('[N14] said again by the same two gives fresh keys, and the responder goes on with the same hello', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair)
    const seen = new Set<string>()
    for (const attempt of [0, 1, 1, 7]) {
      const { alice } = await converse(helloOfAlice(pair, { attempt }), bob)
      seen.add(String(alice.send)).add(String(alice.receive))
    }
    expect(seen.size).toBe(8)
  })

  it('[N14] an answer to an earlier attempt is stale and changes nothing', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair)
    const late = sendOf(await bob.receive(await first(helloOfAlice(pair, { attempt: 1 }))))
    const alice = helloOfAlice(pair, { attempt: 2 })
    const hello1 = await first(alice)
    expect(reasonOf(await alice.receive(late))).toBe('stale')
    const answered = await alice.receive(sendOf(await bob.receive(hello1)))
    expect(keysOf(answered).send).toEqual(keysOf(await bob.receive(sendOf(answered))).receive)
  })

  it('[N13] a message that comes twice is answered alike before the end and refused after it', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const hello1 = await first(alice)
    const hello2 = sendOf(await bob.receive(hello1))
    expect(sendOf(await bob.receive(hello1))).toEqual(hello2)
    const answered = await alice.receive(hello2)
    expect(reasonOf(await alice.receive(hello2))).toBe('replayed')
    keysOf(await bob.receive(sendOf(answered)))
    expect(reasonOf(await bob.receive(sendOf(answered)))).toBe('replayed')
    expect(reasonOf(await bob.receive(hello1))).toBe('replayed')
  })

  it('[N13] messages that come while one is being checked wait: keys are given once', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const hello1 = await first(alice)
    const asked = await Promise.all([bob.receive(hello1), bob.receive(hello1), bob.receive(hello1)])
    expect(new Set(asked.map((step) => String(sendOf(step)))).size).toBe(1)
    const hello2 = sendOf(asked[0])
    const answers = await Promise.all([alice.receive(hello2), alice.receive(hello2), alice.receive(hello2)])
    expect(answers.map(reasonOf)).toEqual(['ok', 'replayed', 'replayed'])
    const hello3 = sendOf(answers[0])
    const ends = await Promise.all([bob.receive(hello3), bob.receive(hello1), bob.receive(hello3)])
    expect(ends.map(reasonOf)).toEqual(['ok', 'replayed', 'replayed'])
    expect(keysOf(ends[0]).send).toEqual(keysOf(answers[0]).receive)
  })

  it('[N13] whoever handed in a message may use its bytes again after the answer', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const borrowed = (await first(alice)).slice()
    const hello2 = sendOf(await bob.receive(borrowed))
    borrowed.fill(0)
    const answered = await alice.receive(hello2)
    const hello3 = sendOf(answered).slice()
    expect(keysOf(await bob.receive(hello3)).send).toEqual(keysOf(answered).receive)
    const said = hello3.slice()
    hello3.fill(0)
    expect(reasonOf(await bob.receive(said))).toBe('replayed')
    expect(reasonOf(await bob.receive(await first(alice)))).toBe('replayed')
  })

  it('[N13] in the wrong order messages are refused, and the hello goes on', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const { hello2, hello3 } = await converse(helloOfAlice(pair), helloOfBob(pair))
    expect(reasonOf(await bob.receive(hello3))).toBe('stale')
    expect(reasonOf(await bob.receive(hello2))).toBe('bad-hello')
    expect(reasonOf(await alice.receive(hello3))).toBe('bad-hello')
    expect(reasonOf(await alice.receive(hello2))).toBe('bad-signature')
    await converse(alice, bob)
  })

  it('[N13] a responder keeps 4 runs open: later ones push out the oldest, and any of the 4 can be finished', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair)
    const tries = []
    for (let attempt = 0; attempt < 5; attempt++) {
      const alice = helloOfAlice(pair, { attempt: 3 })
      const answered = await alice.receive(sendOf(await bob.receive(await first(alice))))
      tries.push({ hello3: sendOf(answered), keys: keysOf(answered) })
    }
    const [pushedOut, oldest, newer] = tries
    if (pushedOut === undefined || oldest === undefined || newer === undefined) throw new Error('five were made')
    expect(reasonOf(await bob.receive(pushedOut.hello3))).toBe('bad-signature')
    expect(keysOf(await bob.receive(oldest.hello3)).receive).toEqual(oldest.keys.send)
    expect(reasonOf(await bob.receive(newer.hello3))).toBe('stale')
  })

  it('[N13] of a flood of messages 16 wait, and the rest is refused at once', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair)
    const openings = await Promise.all(Array.from({ length: 40 }, () => first(helloOfAlice(pair))))
    const steps = await Promise.all(openings.map((hello1) => bob.receive(hello1)))
    expect(steps.map(reasonOf).filter((reason) => reason === 'ok')).toHaveLength(16)
    expect(steps.map(reasonOf).filter((reason) => reason === 'bad-hello')).toHaveLength(24)
    await converse(helloOfAlice(pair), bob)
  })
})
