/**
 * Whatever a script of the same origin posts where tabs meet: any value that can be cloned, in anybody's name. A tab is
 * trusted no more than a server.
 */
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { type BroadcastChannelClass, createTabMeeting } from '../../lib/links/tab-meeting.ts'
import { encodeCastEnvelope, encodeHelloEnvelope, encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import { frameCount, SEED } from '../kit/fuzz.ts'
import { until } from '../kit/until.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { createWorld } from '../kit/worlds.ts'
import { join, ROOM } from './attack-kit.ts'
import { openTopic } from './mallory.ts'

const FRAMES = frameCount(20_000)
/** The first failure counts: the posts of one run build on each other. */
const runs = (numRuns: number) => ({ numRuns: Math.ceil(numRuns), endOnFailure: true, seed: SEED })

const OWN = 'o'.repeat(22) as ConnectionId

/** Whatever a structured clone can be of. */
const anything = fc
  .anything({
    ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withSparseArray: true },
    ...{ withNullPrototype: true, withObjectString: true, maxDepth: 3 },
  })
  .map((value): unknown => structuredClone(value))

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.tuple(fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 200 })).map(([type, rest]) => Uint8Array.of(type, ...rest)),
  fc.uint8Array({ maxLength: 200 }).map(encodeHelloEnvelope),
  fc.uint8Array({ maxLength: 80 }).map(encodeSealedEnvelope),
  fc.uint8Array({ maxLength: 80 }).map(encodeCastEnvelope),
  fc.constant(new Uint8Array(600_000)),
)
const notBytes = fc.oneof(
  fc.uint8ClampedArray({ maxLength: 8 }),
  fc.uint16Array({ maxLength: 8 }),
  fc.uint8Array({ maxLength: 8 }).map(({ buffer }) => buffer),
  fc.uint8Array({ minLength: 2, maxLength: 8 }).map(({ buffer }) => new DataView(buffer, 1)),
)
const count = fc.oneof(
  fc.nat(),
  fc.double(),
  fc.constantFrom(-1, -0, Number.MAX_VALUE, -Number.MAX_VALUE, -(2 ** 53), Number.NaN, Number.POSITIVE_INFINITY),
)
const strangers = fc.oneof(
  fc.nat({ max: 300 }).map((number) => String(number).padEnd(22, '-')),
  fc.constantFrom('', '__proto__', 'constructor', '\u0000', '\ud800', 'é'.repeat(22), 'x'.repeat(100_000)),
  fc.string({ maxLength: 24 }),
)

/** A post in the form that tabs have, or nearly: cut short, lengthened, or with holes in it. */
function posts(from: fc.Arbitrary<unknown>, to: fc.Arbitrary<unknown>, what: fc.Arbitrary<unknown>) {
  const post = fc.oneof(
    fc.tuple(from, fc.constantFrom('here', 'gone')),
    fc.tuple(from, to, what),
    fc.tuple(from, anything, what),
    fc.tuple(anything, to, what),
  )
  const nearly = fc.tuple(post, fc.nat({ max: 4 }), anything).map(([parts, length, more]): unknown => {
    const changed: unknown[] = [...parts]
    if (length < 2) changed.length = length
    else if (length === 2) changed.push(more)
    else if (length === 3) delete changed[Math.min(1, changed.length - 1)]
    else return Object.assign([], { ...changed }, { name: more })
    return changed
  })
  return fc.oneof({ weight: 6, arbitrary: post }, { weight: 2, arbitrary: nearly }, { weight: 1, arbitrary: anything })
}

it(`[W1] [T8] ${FRAMES} posts of any value: a tab throws over none, and meets nobody but who may be met`, () => {
  const clock = createVirtualClock()
  let channel: { onmessage: ((event: { data: unknown }) => void) | null } | undefined
  let postCount = 0
  class PlayedChannel {
    onmessage: ((event: { data: unknown }) => void) | null = null
    constructor() {
      channel = this
    }
    postMessage(data: unknown) {
      structuredClone(data)
      postCount += 1
    }
    close() {
      this.onmessage = null
    }
  }
  const met = new Map<string, Carrier>()
  const heard = { bytes: 0, ends: 0, meetings: 0 }
  const meeting = createTabMeeting(
    {
      ...{ clock, own: OWN, topic: new Uint8Array(32) },
      onCarrier(peer, carrier) {
        expect([peer === OWN, typeof peer, met.has(peer)]).toEqual([false, 'string', false])
        met.set(peer, carrier)
        heard.meetings += 1
      },
      onBytes(peer, id, data) {
        expect([peer === OWN, id, data instanceof Uint8Array]).toEqual([false, 'tab', true])
        heard.bytes += 1
      },
      onEnd(peer, id) {
        expect([id, met.delete(peer)]).toEqual(['tab', true])
        heard.ends += 1
      },
    },
    PlayedChannel as unknown as BroadcastChannelClass,
  )
  onTestFinished(async () => meeting?.leave())
  const names = fc.oneof({ weight: 4, arbitrary: strangers }, { weight: 1, arbitrary: fc.constant(OWN) })
  const post = posts(names, fc.constantFrom(OWN, OWN, '', 'x'.repeat(22)), fc.oneof(bytes, bytes, count, notBytes))
  fc.assert(
    fc.property(post, fc.nat({ max: 99 }), (data, chance) => {
      const before = postCount
      channel?.onmessage?.({ data })
      // Greets whom it meets, and says what it has read: no post makes more than two.
      expect(postCount - before).toBeLessThanOrEqual(2)
      expect(met.size).toBeLessThanOrEqual(128)
      const [[peer, carrier] = []] = met
      if (chance > 20 || peer === undefined) return
      carrier?.send(new Uint8Array(1_000))
      // What the mesh does with one that proves nothing.
      if (chance > 10 || met.size < 100) return
      met.delete(peer)
      carrier?.close()
    }),
    runs(FRAMES),
  )
  for (const [what, times] of Object.entries(heard)) expect(times, what).toBeGreaterThan(FRAMES / 100)
}, 600_000)

it(`[T8] [R9] ${FRAMES / 20} posts of any value among real tabs: nothing throws, and the two still hear each other`, async () => {
  const world = await createWorld({ hasRelay: false, hasWebRtc: false, hasTabs: true, transport: 'links' })
  const [alice, bob] = [await join(world, 'alice', { servers: [] }), await join(world, 'bob', { servers: [] })]
  await alice.sees('alice', 'bob')
  const hostile = new BroadcastChannel(`copresence:${Buffer.from(openTopic(ROOM)).toString('base64url')}`)
  onTestFinished(() => hostile.close())
  let greetings = 0
  hostile.onmessage = () => {
    greetings += 1
  }
  const members = fc.constantFrom(alice.connectionId, bob.connectionId)
  const asMember = posts(members, members, fc.oneof(bytes, count, notBytes))
  const asStranger = posts(strangers, members, fc.oneof(bytes, bytes, count, notBytes))
  let sent = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(asMember, asStranger), async (data) => {
      hostile.postMessage(data)
      if (++sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }),
    runs(FRAMES / 20),
  )
  for (const [v, one, other] of [
    [1, alice, bob],
    [2, bob, alice],
  ] as const) {
    one.channel.participant.update({ v })
    await until(`${other.id} to hear ${one.id}`, () => (other.dataOf(one.id) as { v?: number } | undefined)?.v === v, {
      timeoutMs: 15_000,
      seen: () => [other.told, other.channel.inspect()],
    })
    await other.sees('alice', 'bob')
  }
  expect(greetings).toBeGreaterThan(10)
  const refused = Object.values(alice.rejects()).reduce((sum, times) => sum + times, 0)
  expect(refused).toBeGreaterThan(FRAMES / 2_000)
}, 600_000)
