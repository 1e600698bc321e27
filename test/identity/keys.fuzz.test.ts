/** Random and structured bytes in the place of keys, signatures and seals: what checks them is the platform's, or a library's. */
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../lib/identity/bytes.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { checkServerProof, signChallenge } from '../../lib/identity/server-proof.ts'
import { decodeClientFrame, encodeClientFrame } from '../../lib/wire/relay-frame.ts'
import { type Decoders, frameCount, runDecoders } from '../kit/fuzz.ts'
import { CRYPTOS } from './kit.ts'

const MESSAGE = new TextEncoder().encode('what was signed')
const NONCE = new Uint8Array(32).fill(3)
const HOST = 'one.test'
/** A signature of the library's takes a thousand times as long to check as a frame takes to read. */
const FEWER: Readonly<Record<string, number>> = { 'the test crypto': 1, WebCrypto: 20, noble: 200 }
/** Among fewer frames some decoder may have nothing to take. */
const LEAST = 400

describe.each(CRYPTOS)('by %s', (name, createCrypto) => {
  const frames = Math.max(LEAST, Math.ceil(frameCount(20_000) / (FEWER[name] ?? 1)))

  it(`[W1] [N8] ${frames} keys, signatures and seals: each is right or wrong, and none throws`, async () => {
    const crypto = createCrypto()
    const [identity, stranger] = [createIdentity(crypto), createIdentity(crypto)]
    const signature = await identity.sign(MESSAGE)
    const agreement = await crypto.createAgreement()
    const others = [await crypto.createAgreement(), await crypto.createAgreement()]
    const seal = crypto.createSeal(NONCE)
    const proof = { nonce: NONCE, host: HOST }
    const prove = async (by: typeof identity) =>
      encodeClientFrame({
        ...{ kind: 'prove', publicKey: by.publicKey, host: HOST },
        signature: await signChallenge(by, proof),
      })
    const proved = [identity.connectionId, stranger.connectionId]
    const decoders: Decoders = {
      async verify(bytes) {
        return { ok: await crypto.verify(bytes.subarray(0, 32), bytes.subarray(32), MESSAGE) }
      },
      async agree(bytes) {
        const agreed = await agreement.agree(bytes)
        if (agreed !== undefined && agreed.length !== 32) throw new Error(`${agreed.length} bytes were agreed on`)
        return { ok: agreed !== undefined }
      },
      async open(bytes) {
        const plaintext = await seal.open(0, bytes, MESSAGE)
        if (plaintext !== undefined) expect(plaintext).toEqual(MESSAGE)
        return { ok: plaintext !== undefined }
      },
      async checkServerProof(bytes) {
        const frame = decodeClientFrame(bytes)
        if (!frame.ok || frame.value.kind !== 'prove') return { ok: false }
        const { host, publicKey, signature } = frame.value
        const checked = await checkServerProof({ nonce: NONCE, host, publicKey, signature }, crypto)
        if (checked.ok) expect(proved).toContain(checked.value)
        return checked
      },
    }
    const samples = [
      concatBytes(identity.publicKey, signature),
      concatBytes(stranger.publicKey, signature),
      ...others.map(({ publicKey }) => publicKey),
      await seal.seal(0, MESSAGE, MESSAGE),
      await prove(identity),
      await prove(stranger),
    ]
    await runDecoders(decoders, { frames, samples })
  }, 600_000)
})
