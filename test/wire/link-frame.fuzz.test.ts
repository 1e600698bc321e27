/**
 * Random and structured bytes against the decoders of links, of the blind server and of hellos, and against ends that are
 * in the middle of a hello or of a sealed link. COPRESENCE_FUZZ_FRAMES sets how many, COPRESENCE_FUZZ_SEED repeats a run.
 */
import { expect, it } from 'vitest'
import type { ClientId, ConnectionId } from '../../lib/base/ids.ts'
import { createHello } from '../../lib/identity/hello.ts'
import { decodeHello } from '../../lib/identity/hello-message.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createSealedLink } from '../../lib/identity/seal.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { decodeCast, encodeCast } from '../../lib/wire/cast.ts'
import {
  decodeLinkFrame,
  encodeCastAck,
  encodeCastKey,
  encodeDocument,
  encodeEntry,
  encodeLease,
  encodeMessage,
  encodePeers,
  encodePing,
  encodeSignal,
  encodeVia,
  GOODBYE_FRAME,
} from '../../lib/wire/link-frame.ts'
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
} from '../../lib/wire/relay-frame.ts'

const FRAMES = Number(process.env.COPRESENCE_FUZZ_FRAMES ?? 20_000)
const SEED = Number(process.env.COPRESENCE_FUZZ_SEED ?? 20_240_607)

const ID = 'alice-0000000000000000' as ConnectionId
const TOPIC = new Uint8Array(32).fill(1)
const BYTES = Uint8Array.of(1, 2, 3)
const BYTES_OF_TAG = new Uint8Array(8)

/** Numbers below a limit, all of them of one seed. */
function createDice(seed: number): (limit: number) => number {
  const { randomBytes } = createTestCrypto(seed)
  let pool: Uint32Array = new Uint32Array(0)
  let next = 0
  return (limit) => {
    if (next === pool.length) {
      pool = new Uint32Array(randomBytes(4_096).buffer)
      next = 0
    }
    return (pool[next++] ?? 0) % limit
  }
}

/** Two ends in the middle of a hello, and the frames that they said so far. */
async function createEnds() {
  const crypto = createTestCrypto(SEED)
  const ends = [createIdentity(crypto), createIdentity(crypto)]
  ends.sort((one, other) => (one.connectionId < other.connectionId ? -1 : 1))
  const [alice, bob] = ends
  if (alice === undefined || bob === undefined) throw new Error('two were made')
  const ofAlice = createHello({ crypto, identity: alice, peer: bob.connectionId, topic: TOPIC, attempt: 1 })
  const ofBob = createHello({ crypto, identity: bob, peer: alice.connectionId, topic: TOPIC, attempt: 1 })
  const hello1 = await ofAlice.start()
  const asked = await ofBob.receive(hello1 ?? new Uint8Array(0))
  if (hello1 === undefined || !asked.ok || asked.send === undefined) throw new Error('a hello was begun')
  const key = crypto.randomBytes(32)
  const sealed = createSealedLink({ isInitiator: true, send: key, receive: key }, crypto, TOPIC)
  const opener = createSealedLink({ isInitiator: false, send: key, receive: key }, crypto, TOPIC)
  return { ofAlice, ofBob, opener, said: [hello1, asked.send, await sealed.seal(BYTES)] }
}

const SAMPLES: readonly Uint8Array[] = [
  encodeEntry(BYTES),
  GOODBYE_FRAME,
  encodeMessage({ clientId: 7 as ClientId, seq: 1, body: '{"a":1}' }),
  encodePing(300),
  encodeSignal('candidate', '{}'),
  encodeDocument(0, BYTES),
  encodeVia(ID, BYTES),
  encodeVia(ID, BYTES, 'passed'),
  encodeLease(60_000),
  encodeCast({ number: 1, counter: 1, tags: new Map([[3, BYTES_OF_TAG]]), ciphertext: TOPIC }),
  encodeCastKey({ number: 1, first: 0, slot: 0, key: TOPIC, tagKey: TOPIC }),
  encodeCastAck({ number: 1, slot: 0 }),
  encodePeers([ID, ID]),
  encodeServerFrame({ kind: 'challenge', nonce: TOPIC }),
  encodeServerFrame({ kind: 'members', topic: TOPIC, members: [ID] }),
  encodeServerFrame({ kind: 'left', topic: TOPIC, connectionId: ID, silentMs: 1 }),
  encodeServerFrame({ kind: 'from', topic: TOPIC, from: ID, payload: BYTES }),
  encodeClientFrame({ kind: 'prove', publicKey: TOPIC, signature: new Uint8Array(64), host: 'one.test' }),
  encodeClientFrame({ kind: 'send', topic: TOPIC, to: ID, payload: BYTES }),
  encodeClientFrame({ kind: 'cast', topic: TOPIC, payload: BYTES }),
]

/** Where counts and lengths tempt a decoder. */
const TEMPTATIONS: readonly (readonly number[])[] = [
  [0],
  [0x7f],
  [0x80],
  [0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

function createFrames(below: (limit: number) => number, samples: readonly Uint8Array[]): () => Uint8Array {
  const pick = () => samples[below(samples.length)] ?? GOODBYE_FRAME
  return () => {
    if (below(10) === 0) return Uint8Array.from({ length: below(64) }, () => below(256))
    let bytes = [...pick()]
    for (let changes = below(4); changes > 0; changes--) {
      const at = below(bytes.length + 1)
      const kind = below(4)
      if (kind === 0) bytes[at] = below(256)
      else if (kind === 1) bytes.splice(at, below(3), ...(TEMPTATIONS[below(TEMPTATIONS.length)] ?? []))
      else if (kind === 2) bytes = bytes.slice(0, at)
      else bytes.splice(at, 0, ...pick().subarray(0, 64))
    }
    return Uint8Array.from(bytes)
  }
}

it(`[W1] ${FRAMES} random and structured frames: links, server and hello take or refuse each, and none throws`, {
  timeout: 600_000,
}, async () => {
  const { ofAlice, ofBob, opener, said } = await createEnds()
  const decoders: Readonly<Record<string, (bytes: Uint8Array) => { ok: boolean } | Promise<{ ok: boolean }>>> = {
    decodeLinkFrame,
    decodeCast,
    decodeClientFrame,
    decodeServerFrame,
    decodeHello,
    'initiator.receive': (bytes) => ofAlice.receive(bytes),
    'responder.receive': (bytes) => ofBob.receive(bytes),
    'sealed.open': (bytes) => opener.open(bytes),
  }
  const nextFrame = createFrames(createDice(SEED), [...SAMPLES, ...said, ...said])
  const outcomes = new Map<string, number>()
  for (let count = 0; count < FRAMES; count++) {
    const bytes = nextFrame()
    for (const [name, decode] of Object.entries(decoders)) {
      try {
        const key = `${name} ${(await decode(bytes)).ok ? 'takes' : 'refuses'}`
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      } catch (cause) {
        throw new Error(`COPRESENCE_FUZZ_SEED=${SEED}, frame ${count}: ${name} threw over [${bytes}]`, { cause })
      }
    }
  }
  // The run is worth something only if every decoder saw both.
  for (const name of Object.keys(decoders)) {
    expect(outcomes.get(`${name} takes`), `${name} takes`).toBeGreaterThan(0)
    expect(outcomes.get(`${name} refuses`), `${name} refuses`).toBeGreaterThan(0)
  }
  // A hello ends once and a seal opens once, however often they came.
  expect(outcomes.get('initiator.receive takes')).toBe(1)
  expect(outcomes.get('sealed.open takes')).toBe(1)
})
