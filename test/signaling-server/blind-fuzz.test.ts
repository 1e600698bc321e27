/**
 * Random and structured messages at the blind endpoint, in whatever state a socket is: nothing throws, nobody else's
 * socket ends, nobody hears a word that is not its sender's. COPRESENCE_FUZZ_FRAMES raises the number; a failure prints the
 * seed, COPRESENCE_FUZZ_SEED repeats it.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeServerFrame, encodeClientFrame, encodeServerFrame } from '../../lib/wire/relay-frame.ts'
import { handleBlindSocket } from '../../signaling-server/blind-socket.ts'
import { createBlindTopics } from '../../signaling-server/blind-topics.ts'
import { createCounts } from '../../signaling-server/counts.ts'
import type { GuardedSocket } from '../../signaling-server/guarded-socket.ts'
import { resolveLimits } from '../../signaling-server/limits.ts'
import { until } from '../kit/until.ts'
import { bytesOf, HOST, identityOf, onTopic, openBlind, randomTopic, statementOf, welcomed } from './blind-kit.ts'
import { startServer } from './kit.ts'

const FRAMES = Number(process.env.COPRESENCE_FUZZ_FRAMES ?? 20_000)
const SEED = process.env.COPRESENCE_FUZZ_SEED
/** The first failure counts: the runs share one server, so a smaller case cannot be sought. */
const runs = (numRuns: number) => ({
  numRuns: Math.max(1, Math.round(numRuns)),
  endOnFailure: true,
  ...(SEED && { seed: Number(SEED) }),
})

const [ALICE, BOB, MALLORY] = [identityOf('alice'), identityOf('bob'), identityOf('mallory')]
const [SHARED, SECRET] = [randomTopic(), randomTopic()]

const topic = fc.oneof(
  fc.constant(SHARED),
  fc.constantFrom(...Array.from({ length: 5 }, randomTopic)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
)
const connectionId = fc.constantFrom(
  ALICE.connectionId,
  BOB.connectionId,
  MALLORY.connectionId,
  identityOf('nobody').connectionId,
)
const payload = fc.uint8Array({ maxLength: 60 })
const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const wellFormed = fc.oneof(
  fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const), topic }).map(encodeClientFrame),
  fc.record({ kind: fc.constant('send' as const), topic, to: connectionId, payload }).map(encodeClientFrame),
  fc.record({ kind: fc.constant('cast' as const), topic, payload }).map(encodeClientFrame),
  fc.constant(encodeClientFrame({ kind: 'ping' })),
)
const wrong = fc.oneof(
  fc
    .record({ kind: fc.constant('prove' as const), publicKey: fixed(32), signature: fixed(64), host: fc.string() })
    .map(encodeClientFrame),
  fc.record({ kind: fc.constant('from' as const), topic, from: connectionId, payload }).map(encodeServerFrame),
  fc.record({ kind: fc.constant('left' as const), topic, connectionId, silentMs: fc.nat() }).map(encodeServerFrame),
  fc.record({ kind: fc.constant('members' as const), topic, members: fc.array(connectionId) }).map(encodeServerFrame),
  fc.tuple(wellFormed, fc.nat({ max: 90 })).map(([frame, length]) => frame.subarray(0, length)),
  fc.tuple(wellFormed, fc.nat({ max: 90 }), fc.nat({ max: 255 })).map(([frame, at, byte]) => {
    const changed = Uint8Array.from(frame)
    if (at < changed.length) changed[at] = byte
    return changed
  }),
  fc.tuple(fc.nat({ max: 14 }), fc.uint8Array({ maxLength: 120 })).map(([type, rest]) => Uint8Array.of(type, ...rest)),
  fc.uint8Array({ maxLength: 40 }),
)
const message = fc.oneof({ weight: 4, arbitrary: wellFormed }, { weight: 1, arbitrary: wrong })

/** What an honest member was told, in one word each; throws over what no honest server says. */
function kindOf(bytes: Uint8Array): string {
  const frame = decodeServerFrame(bytes)
  if (!frame.ok) throw new Error(`a member was sent ${frame.reason}`)
  const { value } = frame
  if (value.kind === 'from' && value.from === ALICE.connectionId) throw new Error('a word that alice never said')
  if ('topic' in value && Buffer.compare(value.topic, SECRET) === 0) throw new Error('a word of a topic that is secret')
  return value.kind
}

it('[G15] frames in any state of a socket: nothing throws, and nobody speaks for another', async () => {
  const counts = createCounts()
  const limits = resolveLimits({})
  const topics = createBlindTopics({ limits, counts })
  let isEnded = false
  const kinds = new Map<string, number>()
  const observe = (bytes: Uint8Array) => kinds.set(kindOf(bytes), (kinds.get(kindOf(bytes)) ?? 0) + 1)
  const honest = (send: GuardedSocket['send']) => ({ send }) as GuardedSocket
  const alice = topics.admit(ALICE.connectionId, honest(observe))
  const secret = topics.admit(
    BOB.connectionId,
    honest(() => undefined),
  )
  topics.join(alice, SHARED)
  topics.join(secret, SECRET)

  const attack = async (isProved: boolean, messages: readonly Uint8Array[], hasText: boolean) => {
    isEnded = false
    let nonce = new Uint8Array()
    let welcomes = 0
    const end = () => {
      if (isEnded) return
      isEnded = true
      handler.onEnd(0)
    }
    const socket = {
      send: (bytes: Uint8Array) => {
        const frame = decodeServerFrame(bytes)
        if (frame.ok && frame.value.kind === 'challenge') nonce = Uint8Array.from(frame.value.nonce)
        if (frame.ok && frame.value.kind === 'welcome') welcomes++
        if (frame.ok && 'topic' in frame.value && Buffer.compare(frame.value.topic, SECRET) === 0)
          throw new Error('told')
      },
      close: end,
      cutOff: end,
      greet: () => undefined,
      refund: () => undefined,
    } as unknown as GuardedSocket
    const handler = handleBlindSocket(socket, { topics, counts, hosts: [], limits })
    const say = (bytes: Uint8Array, isBinary = true) => {
      if (!isEnded) handler.onMessage(Buffer.from(bytes), isBinary)
    }
    if (isProved) {
      const signature = await MALLORY.sign(statementOf(nonce))
      say(encodeClientFrame({ kind: 'prove', publicKey: MALLORY.publicKey, signature, host: HOST }))
      await until('the welcome', () => welcomes === 1, { everyMs: 0 })
    }
    for (const bytes of messages) say(bytes)
    if (hasText) say(bytesOf('text'), false)
    end()
    if (!isProved) expect(welcomes).toBe(0)
  }

  const messages = fc.array(message, { minLength: 10, maxLength: 30 })
  await fc.assert(fc.asyncProperty(fc.boolean(), messages, fc.boolean(), attack), runs(FRAMES / 20))
  expect(topics.size).toBe(2)
  expect(kinds.get('from')).toBeGreaterThan(FRAMES / 1_000)
  expect(kinds.get('joined')).toBe(kinds.get('left'))
  expect(counts.totals()['closed-internal']).toBeUndefined()
}, 600_000)

it('[G15] over real sockets, proved and not, the server and its honest members go on', async () => {
  const server = await startServer({ maxMessagesPerSecond: 1e6, maxMessageBurst: 1e6 })
  const alice = await onTopic(server, ALICE, SHARED)
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(message, { minLength: 30, maxLength: 60 }), async (isProved, messages) => {
      const mallory = isProved ? await welcomed(server, MALLORY) : await openBlind(server)
      for (const bytes of messages) mallory.send(bytes)
      await Promise.race([
        new Promise((resolve) => mallory.ws.once('pong', resolve).ping()),
        until('the end', () => mallory.ended, { everyMs: 2 }),
      ])
      mallory.ws.terminate()
    }),
    runs(FRAMES / 100),
  )
  expect(alice.ended).toBeUndefined()
  for (const bytes of alice.received.slice(2)) kindOf(bytes as Uint8Array)
  const bob = await onTopic(server, BOB, SHARED)
  bob.say({ kind: 'cast', topic: SHARED, payload: bytesOf('still here') })
  await alice.hears('from bob still here')
  expect(server.stats().counts['closed-internal']).toBeUndefined()
  expect(server.stats().counts.received).toBeGreaterThan(FRAMES / 20)
}, 600_000)
