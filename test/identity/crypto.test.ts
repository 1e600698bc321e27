import { pbkdf2Sync } from 'node:crypto'
import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js'
import { describe, expect, it } from 'vitest'
import { AGREEMENT_KEY_BYTES, type Crypto } from '../../lib/identity/crypto.ts'
import { isOfSmallOrder } from '../../lib/identity/small-order.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { CRYPTOS, flip } from './kit.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('hex'))
const TOPIC_LIKE = new Uint8Array(33).fill(3)
const LENGTHS = [0, 1, 31, 32, 33, 63, 64, 65, 66, 200]

/** Each point whose order divides 8, and each other way to write it. */
const SMALL_ORDER = (() => {
  const points = ED25519_TORSION_SUBGROUP.map((text) => new Uint8Array(Buffer.from(text, 'hex')))
  const last = (ordinate: number) => Uint8Array.of(ordinate, ...new Uint8Array(30).fill(255), 0x7f)
  const all = [...points, last(0xed), last(0xee)]
  return [...all, ...all.map((bytes) => flip(bytes, 31, 0x80))]
})()

describe.each(CRYPTOS)('%s', (_name, createCrypto) => {
  const crypto: Crypto = createCrypto()
  const message = utf8('hello')

  it('[N2] a signature is verified by its key and its message alone', async () => {
    const [alice, bob] = [crypto.createSigner(), crypto.createSigner()]
    const signature = await alice.sign(message)
    expect([alice.publicKey.length, signature.length]).toEqual([32, 64])
    expect(await crypto.verify(alice.publicKey, signature, message)).toBe(true)
    expect(await crypto.verify(bob.publicKey, signature, message)).toBe(false)
    expect(await crypto.verify(alice.publicKey, signature, utf8('hellO'))).toBe(false)
    for (let at = 0; at < 64; at++)
      expect(await crypto.verify(alice.publicKey, flip(signature, at), message), `byte ${at}`).toBe(false)
    for (let at = 0; at < 32; at++)
      expect(await crypto.verify(flip(alice.publicKey, at), signature, message), `key byte ${at}`).toBe(false)
  })

  it('[N3] keys and signatures of any length and content are refused, not thrown over', async () => {
    const alice = crypto.createSigner()
    const signature = await alice.sign(message)
    for (const length of LENGTHS) {
      for (const fill of [0, 1, 255]) {
        const bytes = new Uint8Array(length).fill(fill)
        expect(await crypto.verify(bytes, signature, message)).toBe(false)
        expect(await crypto.verify(alice.publicKey, bytes, message)).toBe(false)
      }
    }
  })

  it('[N3] a key of small order, which some signature by nobody fits, is nobody’s key', async () => {
    for (const [key, nonce] of SMALL_ORDER.flatMap((key) => SMALL_ORDER.map((nonce) => [key, nonce] as const))) {
      const signature = Uint8Array.of(...nonce, ...new Uint8Array(32))
      for (let text = 0; text < 8; text++)
        expect(await crypto.verify(key, signature, Uint8Array.of(text)), hex(key)).toBe(false)
    }
    // Whatever the platform makes of them.
    expect(SMALL_ORDER.filter((key) => !isOfSmallOrder(key)).map(hex)).toEqual([])
    expect(isOfSmallOrder(crypto.createSigner().publicKey)).toBe(false)
  })

  it('[N2] both halves of an agreement arrive at one value that a third does not', async () => {
    const [alice, bob, carol] = await Promise.all([0, 1, 2].map(() => crypto.createAgreement()))
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('three were made')
    expect(alice.publicKey.length).toBe(AGREEMENT_KEY_BYTES)
    const agreed = hex(await alice.agree(bob.publicKey))
    expect(agreed).toHaveLength(64)
    expect(hex(await bob.agree(alice.publicKey))).toBe(agreed)
    expect(hex(await carol.agree(bob.publicKey))).not.toBe(agreed)
    expect(hex(await carol.agree(alice.publicKey))).not.toBe(agreed)
  })

  it('[N3] what is no key to agree with gives no value, and is not thrown over', async () => {
    const [alice, bob] = [await crypto.createAgreement(), await crypto.createAgreement()]
    for (let at = 0; at < AGREEMENT_KEY_BYTES; at += 4)
      expect(await alice.agree(flip(bob.publicKey, at))).toBeUndefined()
    for (const length of LENGTHS) expect(await alice.agree(new Uint8Array(length).fill(4))).toBeUndefined()
    const compressed = Uint8Array.of(2 + ((bob.publicKey[64] ?? 0) % 2), ...bob.publicKey.subarray(1, 33))
    expect(await alice.agree(compressed)).toBeUndefined()
  })

  it('[N2] a seal opens under its key, count and context alone', async () => {
    const [key, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
    const [seal, aad] = [crypto.createSeal(key), utf8('context')]
    for (const length of [0, 1, 15, 16, 17, 1_000]) {
      const plaintext = crypto.randomBytes(length)
      const sealed = await seal.seal(2 ** 48, plaintext, aad)
      expect(sealed.length).toBe(length + 16)
      expect(hex(await crypto.createSeal(key).open(2 ** 48, sealed, aad))).toBe(hex(plaintext))
      expect(await seal.open(2 ** 48 - 1, sealed, aad)).toBeUndefined()
      expect(await seal.open(2 ** 16, sealed, aad)).toBeUndefined()
      expect(await seal.open(2 ** 48, sealed, utf8('Context'))).toBeUndefined()
      expect(await crypto.createSeal(other).open(2 ** 48, sealed, aad)).toBeUndefined()
    }
    const plaintext = utf8('not to be read')
    const sealed = Buffer.from(await seal.seal(1, plaintext, aad))
    expect(sealed.includes(Buffer.from(plaintext))).toBe(false)
    expect(sealed.equals(Buffer.from(await seal.seal(2, plaintext, aad)))).toBe(false)
  })

  it('[N3] sealed bytes that were cut or changed anywhere open to nothing', async () => {
    const seal = crypto.createSeal(crypto.randomBytes(32))
    const [aad, sealed] = [utf8('context'), await seal.seal(3, utf8('seven'), utf8('context'))]
    for (let at = 0; at < sealed.length; at++) {
      expect(await seal.open(3, flip(sealed, at), aad), `byte ${at}`).toBeUndefined()
      expect(await seal.open(3, sealed.subarray(0, at), aad), `${at} bytes`).toBeUndefined()
    }
    expect(await seal.open(3, Uint8Array.of(...sealed, 0), aad)).toBeUndefined()
  })

  it('[N2] digests, macs and derived keys depend on every byte and on where their inputs end', () => {
    const texts = ['', 'a', 'b', 'aa', 'a\0', '\0a', 'abcd', 'abcde', 'abcdefgh']
    const seen = new Set<string>()
    for (const text of texts) {
      seen.add(String(crypto.sha256(utf8(text))))
      for (const other of texts) {
        seen.add(String(crypto.hmac(crypto.sha256(utf8(other)), utf8(text))))
        seen.add(String(crypto.hkdf(utf8(`input ${other}`), utf8('salt'), utf8(text), 32)))
      }
    }
    expect(seen.size).toBe(texts.length + 2 * texts.length ** 2)
    expect(crypto.hkdf(utf8('input'), utf8('salt'), utf8('info'), 128).length).toBe(128)
    expect(crypto.sha256(utf8('a'))).toEqual(crypto.sha256(utf8('a')))
  })
})

describe('with and without WebCrypto', () => {
  const [platform, library] = [createSystemCrypto(), createSystemCrypto({ subtle: undefined })]

  it('[N2] each verifies, agrees with and opens what the other makes', async () => {
    const message = utf8('over the border')
    for (const [one, other] of [
      [platform, library],
      [library, platform],
    ] as const) {
      const signer = one.createSigner()
      expect(await other.verify(signer.publicKey, await signer.sign(message), message)).toBe(true)
      const [mine, theirs] = [await one.createAgreement(), await other.createAgreement()]
      const agreed = await mine.agree(theirs.publicKey)
      expect(agreed).toHaveLength(32)
      expect(hex(await theirs.agree(mine.publicKey))).toBe(hex(agreed))
      const key = one.randomBytes(32)
      const sealed = await one.createSeal(key).seal(2 ** 33 + 5, message, TOPIC_LIKE)
      expect(hex(await other.createSeal(key).open(2 ** 33 + 5, sealed, TOPIC_LIKE))).toBe(hex(message))
    }
  })

  it('[N2] both hash, derive and stretch as the standards say', { timeout: 60_000 }, async () => {
    // FIPS 180-2 appendix B.1, RFC 4231 section 4.3, RFC 5869 appendix A.1.
    for (const crypto of [platform, library]) {
      expect(hex(crypto.sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
      expect(hex(crypto.hmac(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      )
      const salt = Uint8Array.from({ length: 13 }, (_, index) => index)
      const info = Uint8Array.from({ length: 10 }, (_, index) => 0xf0 + index)
      expect(hex(crypto.hkdf(new Uint8Array(22).fill(0x0b), salt, info, 42))).toBe(
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      )
    }
    const expected = pbkdf2Sync('open sesame', 'salt', 600_000, 32, 'sha256').toString('hex')
    expect(hex(await platform.stretch(utf8('open sesame'), utf8('salt')))).toBe(expected)
    expect(hex(await library.stretch(utf8('open sesame'), utf8('salt')))).toBe(expected)
  })

  it('[N2] a platform whose Ed25519 is missing or wrong is not asked again', async () => {
    const real = globalThis.crypto.subtle
    const broken = (change: Partial<SubtleCrypto>): SubtleCrypto =>
      new Proxy(real, {
        get: (target, name: keyof SubtleCrypto) => change[name] ?? target[name].bind(target),
      })
    const believesAnything = broken({ verify: async () => true })
    const believesNothing = broken({ verify: async () => false })
    const signsNonsense = broken({ sign: async () => new ArrayBuffer(64) })
    const knowsNothing = broken({ importKey: async () => Promise.reject(new Error('NotSupportedError')) })
    for (const subtle of [believesAnything, believesNothing, signsNonsense, knowsNothing]) {
      const crypto = createSystemCrypto({ subtle })
      const signer = crypto.createSigner()
      const signature = await signer.sign(utf8('a'))
      expect(await platform.verify(signer.publicKey, signature, utf8('a'))).toBe(true)
      expect(await crypto.verify(signer.publicKey, signature, utf8('a'))).toBe(true)
      expect(await crypto.verify(signer.publicKey, signature, utf8('b'))).toBe(false)
    }
  })
})

describe('the test crypto', () => {
  it('[N2] a stretched password depends on the password and the salt', async () => {
    const { stretch } = createTestCrypto(1)
    expect(await stretch(utf8('open sesame'), utf8('salt'))).toHaveLength(32)
    expect(await stretch(utf8('open sesame'), utf8('Salt'))).not.toEqual(
      await stretch(utf8('open sesame'), utf8('salt')),
    )
    expect(await stretch(utf8('open Sesame'), utf8('salt'))).not.toEqual(
      await stretch(utf8('open sesame'), utf8('salt')),
    )
  })

  it('[N22] one seed gives the same bytes again, another seed others', async () => {
    const draw = async (seed: number) => {
      const crypto = createTestCrypto(seed)
      const signer = crypto.createSigner()
      return String([signer.publicKey, await signer.sign(utf8('a')), (await crypto.createAgreement()).publicKey])
    }
    expect(await draw(5)).toBe(await draw(5))
    expect(await draw(5)).not.toBe(await draw(6))
  })
})
