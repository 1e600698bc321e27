/** A member gone bad says frames bare, as only a data channel may carry them: threats T1, T2, T8, T9 by each way. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeHelloEnvelope, encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import { MAX_DESCRIPTION_BYTES } from '../../lib/wire/limits.ts'
import {
  ASK_FRAME,
  encodeDocument,
  encodeFind,
  encodeMessage,
  encodePeers,
  encodePing,
  encodeSignal,
  encodeVia,
  GOODBYE_FRAME,
} from '../../lib/wire/link-frame.ts'
import type { RejectReason } from '../../lib/wire/result.ts'
import { until } from '../kit/until.ts'
import { attackedRoom, expectUnharmed, join, ROOM, type Scene, startWorld, type Victim } from './attack-kit.ts'
import { clientIdOf, crypto, entryOf, entryOfJson, type Mallory, openTopic } from './mallory.ts'
import { openTabs, WAYS } from './mallory-ways.ts'

const CLIENT = 4_242
/** Ways that carry envelopes: a bare frame has no place there. */
const SEALED_WAYS = WAYS.filter((way) => way !== 'direct')

const ownEntry = ({ identity }: Mallory) => entryOf({ clientId: CLIENT, connectionId: identity.connectionId })
const sum = (victim: Victim) => Object.values(victim.rejects()).reduce((sum, count) => sum + count, 0)
const message = (clientId: number) =>
  encodeMessage({
    clientId: clientIdOf(clientId),
    seq: 1,
    body: JSON.stringify({ name: 'chat', data: 'forged', timestamp: 1 }),
  })

/** What would change bob, if it were taken for his. */
const inTheNameOf = ({ clientId, connectionId }: Victim): Uint8Array[] => [
  entryOf({ clientId, connectionId, clock: 1_000, data: { is: 'forged' } }),
  entryOfJson({ clientId, clock: 2_000 }, 'null'),
  message(clientId),
  encodeSignal('description', '{"type":"offer","sdp":"v=0"}'),
  encodePing(1),
  ASK_FRAME,
  GOODBYE_FRAME,
]

function listen({ channel }: Victim): unknown[] {
  const heard: unknown[] = []
  channel.subscribe('chat', ({ data }) => heard.push(data))
  return heard
}

describe.each(SEALED_WAYS)('by %s', (by) => {
  it('[T8] a frame that is not sealed is no word of anybody’s, and is counted', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    const to = alice.connectionId
    const heard = listen(alice)
    const unknown = [
      encodePing(1),
      ASK_FRAME,
      encodeSignal('restart', ''),
      encodeDocument(1, Uint8Array.of(0, 0)),
      encodeVia(bob.connectionId, ownEntry(mallory)),
      encodePeers([bob.connectionId]),
      encodeFind([bob.connectionId]),
    ]
    for (const frame of unknown) await mallory.sayRaw(to, frame)
    await mallory.sayRaw(to, ownEntry(mallory))
    await mallory.sayRaw(to, message(CLIENT))
    await mallory.isHandled(to)
    expect(alice.rejects()).toMatchObject({ 'unknown-frame': unknown.length, 'not-authentic': 1 })
    expect(alice.toldOf('mallory')).toEqual([])
    expect(alice.channel.awareness.getStates().has(CLIENT)).toBe(false)
    expect(heard).toEqual([])
    await expectUnharmed(scene, 1)
  })

  it('[T2] a goodbye that is not sealed ends not even its sender', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    await mallory.say(alice.connectionId, ownEntry(mallory))
    await alice.sees('alice', 'bob', 'mallory')
    await mallory.sayRaw(alice.connectionId, GOODBYE_FRAME)
    await mallory.isHandled(alice.connectionId)
    await expectUnharmed(scene, 2)
    expect(alice.toldOf('mallory')).toEqual(['joined-room'])
  })
})

describe.each(WAYS)('by %s', (by) => {
  it('[T1] [T2] bare frames that she passes on in another’s name are nothing of the other’s', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    const heard = listen(alice)
    const before = sum(alice)
    for (const frame of inTheNameOf(bob)) {
      await mallory.say(alice.connectionId, encodeVia(bob.connectionId, frame, 'passed'))
      await mallory.say(alice.connectionId, encodeVia(mallory.identity.connectionId, frame, 'passed'))
    }
    await mallory.isHandled(alice.connectionId)
    // Two entries, a signal and two questions; what begins as another envelope does is not told apart.
    await until('the refusals', () => sum(alice) - before >= 5, { seen: alice.rejects })
    expect(heard).toEqual([])
    await expectUnharmed(scene, 3)
  })
})

it('[T1] [T2] whoever posts to the tabs in another’s name writes nothing and ends nobody', async () => {
  const scene = await attackedRoom('tab')
  const { alice, bob } = scene
  const heard = listen(alice)
  const before = sum(alice)
  const tabs = openTabs(openTopic(ROOM))
  onTestFinished(() => tabs.close())
  for (const frame of inTheNameOf(bob)) tabs.postMessage([bob.connectionId, alice.connectionId, frame])
  for (const what of ['here', 'gone', 'gone', 'here']) tabs.postMessage([bob.connectionId, what])
  await until('the refusals', () => sum(alice) - before >= 5, { seen: alice.rejects })
  await expectUnharmed(scene, 4)
  expect(heard).toEqual([])
})

it('[T2] an end that is posted in another’s name ends nobody, where there is nothing but tabs', async () => {
  const world = await startWorld({ hasTabs: true })
  const [alice, bob] = [await join(world, 'alice', { servers: [] }), await join(world, 'bob', { servers: [] })]
  bob.channel.participant.update({ is: 'bob' })
  await until('bob’s data', () => JSON.stringify(alice.dataOf('bob')) === '{"is":"bob"}', { seen: () => alice.told })
  await bob.sees('alice', 'bob')
  const tabs = openTabs(openTopic(ROOM))
  onTestFinished(() => tabs.close())
  // Bob has nothing to say meanwhile, which would be a sign of life.
  for (let mark = 10; mark < 20; mark++) {
    tabs.postMessage([bob.connectionId, 'gone'])
    alice.channel.participant.update({ mark })
    await until('alice’s value', () => JSON.stringify(bob.dataOf('alice')) === `{"mark":${mark}}`)
  }
  await expectUnharmed({ alice, bob }, 20)
})

it('[T8] posts of any shape to the tabs are nothing', async () => {
  const scene = await attackedRoom('tab')
  const { alice, bob, mallory } = scene
  const tabs = openTabs(openTopic(ROOM))
  onTestFinished(() => tabs.close())
  const [from, to] = [bob.connectionId, alice.connectionId]
  const shapes = [null, 1, 'gone', {}, { 0: from, 1: 'gone' }, [], [1], [from], [from, 'what?'], [from, to]]
  const bytes = [
    null,
    'text',
    {},
    [],
    new ArrayBuffer(9),
    new Uint16Array(9),
    new Uint8Array(0),
    new Uint8Array(600_000),
  ]
  for (const shape of shapes) tabs.postMessage(shape)
  for (const what of bytes) tabs.postMessage([from, to, what])
  await mallory.isHandled(to)
  await until('the refusals', () => sum(alice) >= 2, { seen: alice.rejects })
  expect(alice.rejects()).toMatchObject({ malformed: 1, 'too-large': 1 })
  await expectUnharmed(scene, 5)
})

/** More than this no data channel sends: its own end closes it. */
const LARGEST_BYTES = 262_144

/** What no frame is, though a data channel takes it, and what it is counted as. */
const illFormed = ({ bob, mallory }: Scene): [RejectReason, Uint8Array][] => [
  ['malformed', new Uint8Array(0)],
  ['unknown-frame', Uint8Array.of(0)],
  ['malformed', new Uint8Array(1_000).fill(255)],
  ['malformed', new Uint8Array(LARGEST_BYTES).fill(1)],
  ['malformed', Uint8Array.of(...GOODBYE_FRAME, 0)],
  ['malformed', ownEntry(mallory).subarray(0, -1)],
  ['malformed', Uint8Array.of(...ownEntry(mallory), 0)],
  ['too-large', entryOf({ clientId: CLIENT, connectionId: mallory.identity.connectionId, data: 'x'.repeat(200_000) })],
  ['too-large', encodeSignal('description', 'x'.repeat(MAX_DESCRIPTION_BYTES + 1))],
  ['too-large', encodeSignal('candidates', 'x'.repeat(MAX_DESCRIPTION_BYTES + 1))],
  ['too-large', encodeSignal('restart', 'x')],
  ['malformed', encodeVia(bob.connectionId, crypto.randomBytes(10)).subarray(0, 20)],
  ['unknown-frame', encodeHelloEnvelope(crypto.randomBytes(120))],
  ['malformed', encodeSealedEnvelope(new Uint8Array(60).fill(7))],
]

it('[T8] [T9] ill-formed and oversize frames by a data channel are counted one by one, and end nothing', async () => {
  const scene = await attackedRoom('direct')
  const { alice, bob, mallory } = scene
  const to = alice.connectionId
  for (const [reason, frame] of illFormed(scene)) {
    const before = alice.rejects()
    await mallory.say(to, frame)
    await mallory.isHandled(to)
    expect(alice.rejects()).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 })
  }
  expect(alice.toldOf('mallory')).toEqual([])
  await mallory.say(to, ownEntry(mallory))
  await alice.sees('alice', 'bob', 'mallory')
  for (const other of [bob.connectionId, mallory.identity.connectionId]) expect(alice.waysTo(other)).toContain('direct')
  await expectUnharmed(scene, 6)
})

it.each([Number.NaN, -1e9, Number.NEGATIVE_INFINITY])(
  '[T3] a count of read bytes that is posted in another’s name freezes nobody: %s',
  async (count) => {
    const scene = await attackedRoom('tab')
    const { alice, bob, mallory } = scene
    const tabs = openTabs(openTopic(ROOM))
    onTestFinished(() => tabs.close())
    tabs.postMessage([bob.connectionId, alice.connectionId, count])
    // Something that is counted, posted behind it: then alice has read both.
    tabs.postMessage([mallory.identity.connectionId, alice.connectionId, new Uint8Array(0)])
    await until('the refusal', () => (alice.rejects().malformed ?? 0) > 0)
    await expectUnharmed(scene, 7)
  },
)
