/**
 * Random and structured bytes against the decoders of envelopes, links, the blind server and hellos, and against ends that
 * are in the middle of a hello or of a sealed link.
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
  decodeEnvelope,
  encodeCastEnvelope,
  encodeHelloEnvelope,
  encodeSealedEnvelope,
  isCastEnvelope,
  RESTART_ENVELOPE,
} from '../../lib/wire/envelope.ts'
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
import { type Decoders, frameCount, runDecoders, SEED } from '../kit/fuzz.ts'

const FRAMES = frameCount(20_000)

const ID = 'alice-0000000000000000' as ConnectionId
const TOPIC = new Uint8Array(32).fill(1)
const BYTES = Uint8Array.of(1, 2, 3)
const BYTES_OF_TAG = new Uint8Array(8)

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
  encodeSignal('candidates', '[{}]'),
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
  encodeHelloEnvelope(BYTES),
  encodeSealedEnvelope(BYTES),
  encodeCastEnvelope(BYTES),
  RESTART_ENVELOPE,
]

it(`[W1] ${FRAMES} random and structured frames: links, server and hello take or refuse each, and none throws`, {
  timeout: 600_000,
}, async () => {
  const { ofAlice, ofBob, opener, said } = await createEnds()
  const decoders: Decoders = {
    decodeEnvelope,
    isCastEnvelope: (bytes) => {
      const envelope = decodeEnvelope(bytes)
      const ok = isCastEnvelope(bytes)
      if (ok && envelope.ok && envelope.value.kind !== 'cast')
        throw new Error(`a cast is read as ${envelope.value.kind}`)
      return { ok }
    },
    decodeLinkFrame,
    decodeCast,
    decodeClientFrame,
    decodeServerFrame,
    decodeHello,
    'initiator.receive': (bytes) => ofAlice.receive(bytes),
    'responder.receive': (bytes) => ofBob.receive(bytes),
    'sealed.open': (bytes) => opener.open(bytes),
  }
  const outcomes = await runDecoders(decoders, { frames: FRAMES, samples: [...SAMPLES, ...said, ...said] })
  // A hello ends once and a seal opens once, however often they came.
  expect(outcomes.get('initiator.receive takes')).toBe(1)
  expect(outcomes.get('sealed.open takes')).toBe(1)
})
