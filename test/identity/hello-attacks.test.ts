/** Whoever sits between two ends, or is one of them, tries what threats T4, T14 and T15 name. */
import { describe, expect, it } from 'vitest'
import type { Agreement, Crypto } from '../../lib/identity/crypto.ts'
import { createHello } from '../../lib/identity/hello.ts'
import { decodeHello, encodeHello2, encodeOpening, type HelloMessage } from '../../lib/identity/hello-message.ts'
import { createRun } from '../../lib/identity/hello-run.ts'
import type { Identity } from '../../lib/identity/identity.ts'
import { signChallenge } from '../../lib/identity/server-proof.ts'
import {
  CRYPTOS,
  converse,
  createPair,
  createStranger,
  first,
  flip,
  helloOfAlice,
  helloOfBob,
  keysOf,
  reasonOf,
  SECRET_KEY,
  sendOf,
  TOPIC,
} from './kit.ts'

type Hello2 = Extract<HelloMessage, { kind: 'hello2' }>

function read<Kind extends HelloMessage['kind']>(bytes: Uint8Array, kind: Kind): Extract<HelloMessage, { kind: Kind }> {
  const message = decodeHello(bytes)
  if (!message.ok || message.value.kind !== kind) throw new Error(`no ${kind}`)
  return message.value as Extract<HelloMessage, { kind: Kind }>
}

interface Forgery {
  readonly crypto: Crypto
  /** Whose key the answer claims. */
  readonly claimed: Identity
  /** Who signs it. */
  readonly signer: Identity
  readonly initiator: Identity
  readonly hello1: Uint8Array
  readonly secretKey?: Uint8Array
}

/** What mallory answers to alice's hello1 with all that is to be had without bob's key. */
async function forgeHello2({ crypto, claimed, signer, initiator, hello1, secretKey }: Forgery): Promise<Uint8Array> {
  const agreement: Agreement = await crypto.createAgreement()
  const opening = { attempt: 0, publicKey: claimed.publicKey, agreementKey: agreement.publicKey }
  const head2 = encodeOpening('hello2', { ...opening, nonce: crypto.randomBytes(16) })
  const run = await createRun({
    ...{ crypto, topic: TOPIC, agreement, hello1, head2, secretKey },
    initiatorId: initiator.connectionId,
    responderId: claimed.connectionId,
    theirAgreementKey: read(hello1, 'hello1').opening.agreementKey,
  })
  if (run === undefined) throw new Error('alice sent a key')
  return encodeHello2(head2, await run.prove('R', signer))
}

describe.each(CRYPTOS)('attacks on a hello by %s', (_name, createCrypto) => {
  const crypto = createCrypto()

  it('[N8] a key of one’s own does not fit another’s id (T4)', async () => {
    const pair = createPair(crypto)
    const { alice, bob } = pair
    const mallory = createStranger(crypto, ({ connectionId }) => connectionId < bob.connectionId)
    const asAlice = createHello({ crypto, identity: mallory, peer: bob.connectionId, topic: TOPIC, attempt: 0 })
    expect(reasonOf(await helloOfBob(pair).receive(await first(asAlice)))).toBe('wrong-peer')
    const victim = helloOfAlice(pair)
    const forged = { crypto, claimed: mallory, signer: mallory, initiator: alice, hello1: await first(victim) }
    expect(reasonOf(await victim.receive(await forgeHello2(forged)))).toBe('wrong-peer')
  })

  it('[N8] another’s public key without its private key proves nothing, and does not stop the owner (T4)', async () => {
    const pair = createPair(crypto)
    const { alice, bob } = pair
    const mallory = createStranger(crypto, () => true)
    const victim = helloOfAlice(pair)
    const hello1 = await first(victim)
    const forged = await forgeHello2({ crypto, claimed: bob, signer: mallory, initiator: alice, hello1 })
    expect(reasonOf(await victim.receive(forged))).toBe('bad-signature')

    const impostor = createHello({
      ...{ crypto, peer: bob.connectionId, topic: TOPIC, attempt: 0 },
      identity: { ...alice, sign: mallory.sign },
    })
    const responder = helloOfBob(pair)
    const answered = await impostor.receive(sendOf(await responder.receive(await first(impostor))))
    expect(reasonOf(await responder.receive(sendOf(answered)))).toBe('bad-signature')
    await converse(victim, responder)
  })

  it('[N9] a server that swaps the agreement keys on the way is noticed by both ends (T15)', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const mine = await crypto.createAgreement()
    const hello1 = await first(alice)
    const { opening } = read(hello1, 'hello1')
    const swapped1 = encodeOpening('hello1', { ...opening, agreementKey: mine.publicKey })
    const hello2 = sendOf(await bob.receive(swapped1))
    const { opening: theirs, proof }: Hello2 = read(hello2, 'hello2')
    expect(reasonOf(await alice.receive(hello2))).toBe('bad-signature')
    const swapped2 = encodeHello2(encodeOpening('hello2', { ...theirs, agreementKey: mine.publicKey }), proof)
    expect(reasonOf(await alice.receive(swapped2))).toBe('bad-signature')

    // Alice’s own proof of an honest run does not fit the run that bob has with the server.
    const honest = await alice.receive(sendOf(await helloOfBob(pair).receive(hello1)))
    expect(reasonOf(await bob.receive(sendOf(honest)))).toBe('bad-signature')
  })

  it('[N10] what was said in an earlier hello proves nothing in a later one (T14)', async () => {
    const pair = createPair(crypto)
    const earlier = await converse(helloOfAlice(pair), helloOfBob(pair))
    const later = helloOfAlice(pair)
    await first(later)
    expect(reasonOf(await later.receive(earlier.hello2))).toBe('bad-signature')
    const responder = helloOfBob(pair)
    sendOf(await responder.receive(earlier.hello1))
    expect(reasonOf(await responder.receive(earlier.hello3))).toBe('bad-signature')
    await converse(later, responder)
  })

  it('[N10] our own messages sent back prove nothing', async () => {
    const pair = createPair(crypto)
    const [alice, bob] = [helloOfAlice(pair), helloOfBob(pair)]
    const hello1 = await first(alice)
    expect(reasonOf(await alice.receive(hello1))).toBe('bad-hello')
    const hello2 = sendOf(await bob.receive(hello1))
    expect(reasonOf(await bob.receive(hello2))).toBe('bad-hello')
    const { head, proof } = read(hello2, 'hello2')
    // Alice’s opening as if it were an answer, and bob’s as if it were a question.
    const asAnswer = Uint8Array.of(2, ...hello1.subarray(1))
    expect(reasonOf(await alice.receive(encodeHello2(asAnswer, proof)))).toBe('wrong-peer')
    expect(reasonOf(await bob.receive(Uint8Array.of(1, ...head.subarray(1))))).toBe('wrong-peer')
    const ofMyself = createHello({
      ...{ crypto, topic: TOPIC, attempt: 0 },
      identity: pair.alice,
      peer: pair.alice.connectionId,
    })
    expect(reasonOf(await ofMyself.receive(hello1))).toBe('wrong-peer')
  })

  it('[N10] a hello of one topic proves nothing in another (T17)', async () => {
    const pair = createPair(crypto)
    const elsewhere = { topic: flip(TOPIC, 31) }
    const alice = helloOfAlice(pair)
    const hello2 = sendOf(await helloOfBob(pair, elsewhere).receive(await first(alice)))
    expect(reasonOf(await alice.receive(hello2))).toBe('bad-signature')
    const bob = helloOfBob(pair, elsewhere)
    sendOf(await bob.receive(await first(alice)))
    const answered = await alice.receive(sendOf(await helloOfBob(pair).receive(await first(alice))))
    expect(reasonOf(await bob.receive(sendOf(answered)))).toBe('bad-signature')
  })

  it('[N12] another secret, or a secret on one side only, is told as such by either side (T15)', async () => {
    const pair = createPair(crypto)
    const other = flip(SECRET_KEY, 0)
    for (const [ofAlice, ofBob] of [
      [SECRET_KEY, other],
      [SECRET_KEY, undefined],
      [undefined, SECRET_KEY],
    ]) {
      const alice = helloOfAlice(pair, { secretKey: ofAlice })
      const bob = helloOfBob(pair, { secretKey: ofBob })
      const hello2 = sendOf(await bob.receive(await first(alice)))
      expect(reasonOf(await alice.receive(hello2))).toBe('wrong-secret')
      const forged = { crypto, claimed: pair.bob, signer: pair.bob, initiator: pair.alice, hello1: await first(alice) }
      // A responder without the secret that answers all the same has the right id and still gets no keys.
      expect(reasonOf(await alice.receive(await forgeHello2(forged)))).toBe(
        ofAlice === undefined ? 'ok' : 'wrong-secret',
      )
    }
  })

  it('[N12] an initiator that checks nothing is still told that its secret is wrong', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair, { secretKey: SECRET_KEY })
    const agreement = await crypto.createAgreement()
    const opening = { attempt: 0, publicKey: pair.alice.publicKey, agreementKey: agreement.publicKey }
    const hello1 = encodeOpening('hello1', { ...opening, nonce: crypto.randomBytes(16) })
    const hello2 = read(sendOf(await bob.receive(hello1)), 'hello2')
    const proofWith = async (secretKey: Uint8Array | undefined): Promise<Uint8Array> => {
      const run = await createRun({
        ...{ crypto, topic: TOPIC, agreement, hello1, head2: hello2.head, secretKey },
        initiatorId: pair.alice.connectionId,
        responderId: pair.bob.connectionId,
        theirAgreementKey: hello2.opening.agreementKey,
      })
      const proof = await run?.prove('I', pair.alice)
      if (proof === undefined) throw new Error('bob sent a key')
      return Uint8Array.of(3, 0, ...proof.signature, ...proof.mac)
    }
    expect(reasonOf(await bob.receive(await proofWith(undefined)))).toBe('wrong-secret')
    expect(reasonOf(await bob.receive(await proofWith(flip(SECRET_KEY, 5))))).toBe('wrong-secret')
    keysOf(await bob.receive(await proofWith(SECRET_KEY)))
  })

  it('[N8] each end signs its role and the whole run, never what the other signs or what a server asks for', async () => {
    const pair = createPair(crypto)
    const signed: Uint8Array[] = []
    const watched = (identity: Identity): Identity => ({
      ...identity,
      sign(message) {
        signed.push(message)
        return identity.sign(message)
      },
    })
    await converse(
      helloOfAlice(pair, { identity: watched(pair.alice) }),
      helloOfBob(pair, { identity: watched(pair.bob) }),
    )
    expect(signed.map((message) => String.fromCharCode(message[0] ?? 0))).toEqual(['R', 'I'])
    expect(signed.map(({ length }) => length)).toEqual([33, 33])
    expect(signed[0]?.subarray(1)).toEqual(signed[1]?.subarray(1))
  })

  it('[N8] a signature that a server had signed for its nonce is none of a hello', async () => {
    const pair = createPair(crypto)
    const bob = helloOfBob(pair)
    const alice = helloOfAlice(pair)
    const hello1 = await first(alice)
    const hello2 = read(sendOf(await bob.receive(hello1)), 'hello2')
    const signature = await signChallenge(pair.alice, { nonce: crypto.sha256(hello2.head), host: '' })
    expect(reasonOf(await bob.receive(Uint8Array.of(3, 0, ...signature, ...hello2.proof.mac)))).toBe('bad-signature')
  })
})

describe('bytes that were changed on the way', () => {
  const [, createCrypto] = CRYPTOS[0] ?? []
  if (createCrypto === undefined) throw new Error('there is a platform')
  const crypto = createCrypto()

  it('[N11] each byte of each message matters, and the hello goes on after every one', async () => {
    const pair = createPair(crypto)
    const alice = helloOfAlice(pair)
    const hello1 = await first(alice)

    for (let at = 0; at < hello1.length; at++) {
      const bob = helloOfBob(pair)
      const step = await bob.receive(flip(hello1, at))
      // What bob cannot know to be wrong he answers, and alice refuses the answer.
      const outcome = step.ok ? reasonOf(await alice.receive(sendOf(step))) : step.reason
      expect(['bad-hello', 'wrong-peer', 'stale', 'bad-signature'], `hello1 byte ${at}`).toContain(outcome)
    }
    const bob = helloOfBob(pair)
    const hello2 = sendOf(await bob.receive(hello1))
    for (let at = 0; at < hello2.length; at++)
      expect(reasonOf(await alice.receive(flip(hello2, at))), `hello2 byte ${at}`).not.toBe('ok')
    const answered = await alice.receive(hello2)
    const hello3 = sendOf(answered)
    for (let at = 0; at < hello3.length; at++)
      expect(reasonOf(await bob.receive(flip(hello3, at))), `hello3 byte ${at}`).not.toBe('ok')
    expect(keysOf(await bob.receive(hello3)).send).toEqual(keysOf(answered).receive)
  })

  it('[N11] a message cut short or with a byte too many is no hello', async () => {
    const pair = createPair(crypto)
    const said = await converse(helloOfAlice(pair), helloOfBob(pair))
    for (const [whole, receiver] of [
      [said.hello1, helloOfBob(pair)],
      [said.hello2, helloOfAlice(pair)],
      [said.hello3, helloOfBob(pair)],
    ] as const) {
      for (let length = 0; length < whole.length; length++)
        expect(reasonOf(await receiver.receive(whole.subarray(0, length)))).toBe('bad-hello')
      expect(reasonOf(await receiver.receive(Uint8Array.of(...whole, 0)))).toBe('bad-hello')
    }
    const tooMany = await first(helloOfAlice(pair, { attempt: 2 ** 48 + 1 }))
    expect(reasonOf(await helloOfBob(pair).receive(tooMany))).toBe('bad-hello')
    const future = flip(said.hello1, 1, 3)
    expect(reasonOf(await helloOfBob(pair).receive(future))).toBe('bad-hello')
  })

  it('[N11] an agreement key that is no point of the curve is refused by either side', async () => {
    const pair = createPair(crypto)
    const alice = helloOfAlice(pair)
    const { opening } = read(await first(alice), 'hello1')
    const agreementKey = flip(opening.agreementKey, 64)
    const bad1 = encodeOpening('hello1', { ...opening, agreementKey })
    expect(reasonOf(await helloOfBob(pair).receive(bad1))).toBe('bad-hello')
    const head = encodeOpening('hello2', { ...opening, publicKey: pair.bob.publicKey, agreementKey })
    const proof = { signature: new Uint8Array(64), mac: new Uint8Array(16) }
    expect(reasonOf(await alice.receive(encodeHello2(head, proof)))).toBe('bad-hello')
  })
})
