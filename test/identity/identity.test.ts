import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { randomSecret, systemRandom } from '../../lib/base/random.ts'
import { connectionIdOf } from '../../lib/identity/connection-id.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { deriveSecretKey, isGeneratedSecret } from '../../lib/identity/secret-key.ts'
import { challengeStatement, checkServerProof, signChallenge } from '../../lib/identity/server-proof.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { topicOf } from '../../lib/identity/topic.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { flip } from './kit.ts'

const crypto = createSystemCrypto()
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const GENERATED = 'AbCdEfGhIjKlMnOpQrStU0'

describe('identity', () => {
  it('[N1] a connectionId is 22 URL-safe characters of the hash of a fresh public key', () => {
    const ids = Array.from({ length: 50 }, () => {
      const { connectionId, publicKey } = createIdentity(crypto)
      const digest = createHash('sha256').update('copresence-id-1').update(publicKey).digest('base64url')
      expect(connectionId).toBe(digest.slice(0, 22))
      expect(connectionId).toMatch(/^[A-Za-z0-9_-]{22}$/)
      return connectionId
    })
    expect(new Set(ids).size).toBe(50)
  })

  it('[N1] each bit of a public key changes the id (T4)', () => {
    const { connectionId, publicKey } = createIdentity(crypto)
    for (let bit = 0; bit < 256; bit++)
      expect(connectionIdOf(flip(publicKey, bit >> 3, 1 << (bit & 7)), crypto)).not.toBe(connectionId)
  })
})

describe('topics', () => {
  it('[N4] every member finds the same 32 bytes, and another app, channel or secret gives others (T17)', () => {
    const secretKey = new Uint8Array(32).fill(1)
    const own = { crypto, app: 'app', channel: 'room', secretKey }
    expect(hex(topicOf(own))).toBe(
      createHmac('sha256', secretKey).update('copresence-topic-1\0app\0room').digest('hex'),
    )
    expect(hex(topicOf({ crypto, app: 'app', channel: 'room' }))).toBe(
      createHmac('sha256', 'copresence-open-1').update('copresence-topic-1\0app\0room').digest('hex'),
    )
    const topics = [
      own,
      { ...own, app: 'apps' },
      { ...own, channel: 'rooms' },
      { ...own, app: 'ap', channel: 'proom' },
      { ...own, secretKey: flip(secretKey, 31) },
      { ...own, secretKey: undefined },
    ]
    expect(new Set(topics.map((needs) => hex(topicOf(needs)))).size).toBe(topics.length)
  })
})

describe('secrets', () => {
  it('[N5] a generated secret is hashed and warns of nothing', async () => {
    const warnings: string[] = []
    const key = await deriveSecretKey({ secret: GENERATED, app: 'a', crypto, warn: (text) => warnings.push(text) })
    expect(hex(key)).toBe(createHash('sha256').update(`copresence-secret-1\0${GENERATED}`).digest('hex'))
    expect(warnings).toEqual([])
  })

  it('[N5] what a person thought up is stretched, with one warning that does not show it (T16)', async () => {
    const warnings: string[] = []
    const secret = 'Café at nine'
    const fast = createTestCrypto(1)
    const key = await deriveSecretKey({ secret, app: 'a', crypto: fast, warn: (text) => warnings.push(text) })
    const utf8 = (text: string) => new TextEncoder().encode(text)
    expect(key).toEqual(await fast.stretch(utf8(secret), utf8('copresence-password-1\0a')))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('createSecret()')
    expect(warnings[0]).not.toContain(secret)
    const composed = await deriveSecretKey({ secret: secret.normalize('NFD'), app: 'a', crypto: fast })
    expect(composed).toEqual(key)
    expect(await deriveSecretKey({ secret, app: 'b', crypto: fast })).not.toEqual(key)
  })

  it('[N5] of 22 characters in one case none is taken for generated, and nearly all generated ones are', () => {
    for (const human of ['correct-horse-battery-', 'a'.repeat(22), 'CORRECT-HORSE-BATTERY-', '1234567890123456789012'])
      expect(isGeneratedSecret(human), human).toBe(false)
    for (const human of [GENERATED.slice(1), `${GENERATED}x`, 'AbCdEfGhIjKlMnOpQrStU!', `${GENERATED}\n`])
      expect(isGeneratedSecret(human), human).toBe(false)
    const generated = Array.from({ length: 2_000 }, () => isGeneratedSecret(randomSecret(systemRandom)))
    expect(generated.filter((isSo) => !isSo).length).toBeLessThan(4)
  })
})

describe('the proof to a server', () => {
  it('[N20] a signed nonce proves the connectionId of its key', async () => {
    const alice = createIdentity(crypto)
    const challenge = { nonce: crypto.randomBytes(32), host: 'one.test' }
    const proof = { ...challenge, publicKey: alice.publicKey, signature: await signChallenge(alice, challenge) }
    expect(await checkServerProof(proof, crypto)).toEqual({ ok: true, value: alice.connectionId })
    expect(new TextDecoder().decode(challengeStatement({ nonce: new Uint8Array(0), host: 'one.test:1' }))).toBe(
      'copresence-server-1one.test:1',
    )
  })

  it('[N20] another nonce, host, key or signature proves nothing (T4)', async () => {
    const [alice, mallory] = [createIdentity(crypto), createIdentity(crypto)]
    const nonce = crypto.randomBytes(32)
    const challenge = { nonce, host: 'one.test' }
    const signature = await signChallenge(alice, challenge)
    const refused = { ok: false, reason: 'bad-signature' }
    const good = { ...challenge, publicKey: alice.publicKey, signature }
    for (const bad of [
      { ...good, nonce: crypto.randomBytes(32) },
      ...['two.test', 'one.test:1', 'one.tes', ''].map((host) => ({ ...good, host })),
      { ...good, publicKey: mallory.publicKey },
      { ...good, signature: await signChallenge(mallory, challenge) },
      { ...good, signature: await alice.sign(nonce) },
      { ...good, signature: flip(signature, 63) },
      { ...good, signature: new Uint8Array(64), publicKey: new Uint8Array(32) },
    ])
      expect(await checkServerProof(bad, crypto)).toEqual(refused)
    const believing = { ...crypto, verify: async () => true }
    expect(await checkServerProof({ ...good, publicKey: new Uint8Array(32) }, believing)).toEqual(refused)
    expect(await checkServerProof(good, believing)).toMatchObject({ ok: true })
  })
})
