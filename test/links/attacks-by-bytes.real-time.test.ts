/** A member gone bad sends bytes that break weaker readers: threats T6 to T8 and T10, T13, over the real server. */
import { describe, expect, it } from 'vitest'
import { encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import { DEFAULT_MAX_DATA_BYTES, maxEntryBytes } from '../../lib/wire/limits.ts'
import {
  encodeDocument,
  encodeEntry,
  encodeFind,
  encodeMessage,
  encodeSignal,
  encodeVia,
  GOODBYE_FRAME,
} from '../../lib/wire/link-frame.ts'
import { until } from '../kit/until.ts'
import { attackedRoom, type Scene } from './attack-kit.ts'
import { clientIdOf, crypto, entryOf, entryOfJson, stateOf } from './mallory.ts'
import { WAYS } from './mallory-ways.ts'

const CLIENT = 4_242

/** Alice took nothing of it, refused something, and still hears bob. */
async function expectRefused({ alice, bob, mallory }: Scene, ...reasons: string[]): Promise<void> {
  await mallory.isHandled(alice.connectionId)
  expect(alice.toldOf('mallory')).toEqual([])
  expect(alice.channel.awareness.getStates().has(CLIENT)).toBe(false)
  // Where an answer took long, hello was said again, and answered twice: nobody attacked there.
  const { replayed: _replayed, stale: _stale, ...rejects } = alice.rejects()
  expect(Object.keys(rejects).sort()).toEqual(reasons.sort())
  bob.channel.participant.update({ still: 'here' })
  await until('bob’s value', () => (alice.dataOf('bob') as { still?: string }).still === 'here')
}

/** Any bytes but those of a goodbye: that is one byte, well-formed, and ends its sender. */
function noiseOf(length: number): Uint8Array {
  const noise = crypto.randomBytes(length)
  return length === 1 && noise[0] === GOODBYE_FRAME[0] ? noiseOf(length) : noise
}

const claimOf = ({ mallory }: Scene, data: unknown = {}) => ({
  clientId: CLIENT,
  connectionId: mallory.identity.connectionId,
  data,
})

describe.each(WAYS)('by %s', (by) => {
  it('[T6] an entry over the limit is refused before its JSON is read', async () => {
    const scene = await attackedRoom(by)
    const to = scene.alice.connectionId
    await scene.mallory.say(to, entryOf(claimOf(scene, 'x'.repeat(16_400))))
    await scene.mallory.say(to, entryOf(claimOf(scene, 'x'.repeat(200_000))))
    // No JSON at all: reading it would be another reason.
    await scene.mallory.say(
      to,
      entryOfJson({ clientId: CLIENT }, 'x'.repeat(maxEntryBytes(DEFAULT_MAX_DATA_BYTES) + 1)),
    )
    await expectRefused(scene, 'too-large')
  })

  it('[T6] a message over the limit is told to nobody', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    const heard: unknown[] = []
    alice.channel.subscribe('chat', (message) => heard.push(message))
    await mallory.say(alice.connectionId, entryOf({ ...claimOf(scene) }))
    const body = JSON.stringify({ name: 'chat', data: 'x'.repeat(100_000), timestamp: 1 })
    await mallory.say(alice.connectionId, encodeMessage({ clientId: clientIdOf(CLIENT), seq: 1, body }))
    await mallory.say(
      alice.connectionId,
      encodeMessage({ clientId: clientIdOf(CLIENT), seq: 1, body: 'x'.repeat(100_000) }),
    )
    await mallory.isHandled(alice.connectionId)
    await until('the refusals', () => alice.rejects()['too-large'] === 2, { seen: alice.rejects })
    expect(heard).toEqual([])
  })

  it('[T7] nesting and keys over the limit are refused, however deep', async () => {
    const scene = await attackedRoom(by)
    const to = scene.alice.connectionId
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    const json = (data: string) => JSON.stringify(stateOf(claimOf(scene, 'HERE'))).replace('"HERE"', data)
    for (const depth of [40, 1_000, 15_000])
      await scene.mallory.say(to, entryOfJson({ clientId: CLIENT }, json(deep(depth))))
    const keys = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index]))
    await scene.mallory.say(to, entryOf(claimOf(scene, keys)))
    await expectRefused(scene, 'too-large')
  })

  it('[T8] any bytes at all, sealed or bare, give a counted refusal and nothing else', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    const good = [
      entryOf(claimOf(scene)),
      encodeSignal('description', '{"type":"offer","sdp":"v=0"}'),
      encodeVia(scene.bob.connectionId, Uint8Array.of(1, 2, 3)),
      encodeVia(scene.bob.connectionId, Uint8Array.of(1, 2, 3), 'passed'),
      encodeDocument(1, Uint8Array.of(0, 0)),
      encodeFind([scene.bob.connectionId]),
    ]
    for (let round = 0; round < 200; round++) {
      const noise = noiseOf(1 + (round % 90))
      await mallory.say(alice.connectionId, noise)
      await mallory.sayRaw(alice.connectionId, noise)
      await mallory.sayRaw(alice.connectionId, encodeSealedEnvelope(noise))
      const frame = good[round % good.length] ?? noise
      await mallory.say(alice.connectionId, frame.subarray(0, round % frame.length))
    }
    await mallory.isHandled(alice.connectionId)
    expect(alice.ids()).toEqual(['alice', 'bob'])
    expect(Object.values(alice.rejects()).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(300)
    scene.bob.channel.participant.update({ still: 'here' })
    await until('bob’s value', () => (alice.dataOf('bob') as { still?: string }).still === 'here')
  })

  it('[T10] keys of prototypes are dropped or plain keys, and a payload is frozen JSON', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    const json = JSON.stringify(stateOf(claimOf(scene, 'HERE'))).replace(
      '"HERE"',
      '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"nested":{"__proto__":{"isAdmin":true}},"ok":1}',
    )
    await mallory.say(alice.connectionId, entryOfJson({ clientId: CLIENT }, json))
    await alice.sees('alice', 'bob', 'mallory')
    const data = alice.dataOf('mallory') as Record<string, unknown>
    expect(Object.keys(data).sort()).toEqual(['constructor', 'nested', 'ok'])
    expect(Object.isFrozen(data)).toBe(true)
    expect(Object.assign({}, data)).not.toHaveProperty('isAdmin')
    expect(Object.getPrototypeOf(data.nested)).toBe(Object.prototype)
    expect({}).not.toHaveProperty('isAdmin')
  })

  it('[T10] what is no JSON object, or has a field of another shape, is refused', async () => {
    const scene = await attackedRoom(by)
    const to = scene.alice.connectionId
    for (const json of [
      '1',
      '"text"',
      '[]',
      'true',
      '{"copresence":1}',
      '{"copresence":[]}',
      '{}',
      '{"copresence":null}',
    ])
      await scene.mallory.say(to, entryOfJson({ clientId: CLIENT }, json))
    const { connectionId } = scene.mallory.identity
    for (const field of [
      { id: 1 },
      { id: '' },
      { name: {} },
      { seq: -1 },
      { sent: 0.5 },
      { timestamp: 'now' },
      { joinedAt: null },
    ])
      await scene.mallory.say(to, entryOf({ clientId: CLIENT, connectionId, field }))
    await expectRefused(scene, 'bad-json', 'bad-presence', 'not-owner')
  })

  it('[T13] a member that comes and goes without end leaves nothing behind', async () => {
    // Or she would wait 400 ms for her turn, each time.
    const scene = await attackedRoom(by, { speaksFirst: true })
    const { alice, mallory } = scene
    for (let clientId = CLIENT; clientId < CLIENT + 40; clientId++) {
      await mallory.say(alice.connectionId, entryOf({ ...claimOf(scene), clientId }))
      await mallory.isHandled(alice.connectionId)
      await mallory.part(alice.connectionId)
      await until('its leave', () => alice.channel.participant.getAll().length === 2)
      await mallory.meet(alice.connectionId)
    }
    expect(alice.channel.awareness.getStates().size).toBe(2)
    expect(alice.channel.awareness.meta.size).toBeLessThanOrEqual(3)
    expect(alice.channel.inspect().members).toHaveLength(2)
  })

  it('[T8] an entry of many members in one, or none, is refused', async () => {
    const scene = await attackedRoom(by)
    await scene.mallory.say(scene.alice.connectionId, encodeEntry(Uint8Array.of(0)))
    await scene.mallory.say(scene.alice.connectionId, encodeEntry(Uint8Array.of(255, 255, 255, 255, 15)))
    await expectRefused(scene, 'malformed', 'too-large')
  })
})
