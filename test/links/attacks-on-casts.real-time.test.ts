/** What is said to several under one key, and those who have that key: a member and a server gone bad together. */
import { expect, it } from 'vitest'
import { createCastSender } from '../../lib/identity/cast.ts'
import { decodeCast, encodeCast } from '../../lib/wire/cast.ts'
import { decodeEnvelope, encodeCastEnvelope, RESTART_ENVELOPE } from '../../lib/wire/envelope.ts'
import { type CastKeyFrame, encodeCastAck } from '../../lib/wire/link-frame.ts'
import { until } from '../kit/until.ts'
import { join, ROOM, startWorld, type Victim } from './attack-kit.ts'
import { type EvilServer, type Passing, startEvilServer } from './evil-server.ts'
import { crypto, entryOf, type Mallory, openTopic, startMallory } from './mallory.ts'

const topic = openTopic(ROOM)
const v = (observer: Victim, who: string) => (observer.dataOf(who) as { v?: unknown } | undefined)?.v

function castOf({ payload }: Passing) {
  const envelope = decodeEnvelope(payload)
  if (!envelope.ok || envelope.value.kind !== 'cast') return undefined
  const cast = decodeCast(envelope.value.bytes)
  return cast.ok ? cast.value : undefined
}

const castsTo = (evil: EvilServer, from: Victim, to: Victim) =>
  evil.seen.filter((one) => one.from === from.connectionId && one.to === to.connectionId && castOf(one) !== undefined)

/** Alice casts to bob and to mallory, who is on the evil server's side. */
async function castScene() {
  const world = await startWorld()
  const evil = await startEvilServer(world.server)
  const options = { servers: [evil.url] }
  const [alice, bob] = [await join(world, 'alice', options), await join(world, 'bob', options)]
  await alice.sees('alice', 'bob')
  const mallory = await startMallory({ server: evil.url, topic })
  await mallory.meet(alice.connectionId)
  alice.channel.participant.update({ v: 1 })
  await until('the key', () => keyOf(mallory, alice) !== undefined)
  await acknowledge(mallory, alice)
  let value = 1
  await until('a cast', () => {
    alice.channel.participant.update({ v: ++value })
    return castsTo(evil, alice, bob).length > 0
  })
  await until('the value', () => v(bob, 'alice') === value)
  return { world, evil, alice, bob, mallory, value }
}

const keyOf = (mallory: Mallory, alice: Victim) =>
  mallory
    .heard(alice.connectionId)
    .findLast((frame): frame is { kind: 'castKey' } & CastKeyFrame => frame.kind === 'castKey')

async function acknowledge(mallory: Mallory, alice: Victim): Promise<void> {
  const key = keyOf(mallory, alice)
  if (key === undefined) throw new Error('mallory has no key')
  await mallory.say(alice.connectionId, encodeCastAck(key))
  await mallory.isHandled(alice.connectionId)
}

it('[T1] a member who has the key of another’s casts writes nothing in its name, even with the server’s help', async () => {
  const { evil, alice, bob, mallory, value } = await castScene()
  const key = keyOf(mallory, alice)
  const [seen] = castsTo(evil, alice, bob).slice(-1)
  const shown = seen === undefined ? undefined : castOf(seen)
  if (key === undefined || shown === undefined) throw new Error('alice has cast')
  const forger = createCastSender(
    { crypto: { ...crypto, randomBytes: () => key.key }, topic, senderId: alice.connectionId },
    key.number,
  )
  const claim = { clientId: alice.clientId, connectionId: alice.connectionId, clock: 9_999, data: { v: 'forged' } }
  const before = bob.rejects()['not-authentic'] ?? 0
  for (let count = 0; count < 3; count++) {
    const forged = decodeCast(await forger.seal(entryOf(claim), [key]))
    if (!forged.ok) throw new Error(forged.reason)
    const [tag = new Uint8Array(8)] = forged.value.tags.values()
    // For every slot, under every count that is still to come.
    const tags = new Map([...shown.tags.keys()].map((slot) => [slot, tag] as const))
    const bytes = encodeCastEnvelope(encodeCast({ ...forged.value, tags }))
    evil.inject({ topic, from: alice.connectionId, to: bob.connectionId, payload: bytes })
  }
  await until('the refusals', () => (bob.rejects()['not-authentic'] ?? 0) >= before + 3, { seen: bob.rejects })
  expect(v(bob, 'alice')).toBe(value)
  alice.channel.participant.update({ v: 'true' })
  await until('the true value', () => v(bob, 'alice') === 'true')
})

it('[T14] a cast that is repeated, kept for later or given to another as from another changes nothing', async () => {
  const { evil, alice, bob, value } = await castScene()
  const casts = castsTo(evil, alice, bob)
  const before = bob.rejects().replayed ?? 0
  for (const passing of casts) evil.inject(passing)
  await until('the refusals', () => (bob.rejects().replayed ?? 0) >= before + casts.length, { seen: bob.rejects })
  for (const passing of casts) evil.inject({ ...passing, from: bob.connectionId, to: alice.connectionId })
  expect(v(bob, 'alice')).toBe(value)
  await alice.realtime.destroy()
  await until('alice’s leave', () => bob.toldOf('alice').includes('leave'))
  evil.say(bob.connectionId, { kind: 'joined', topic, connectionId: alice.connectionId })
  for (const passing of casts) evil.inject(passing)
  bob.channel.participant.update({ v: 1 })
  await until('bob’s own word', () => v(bob, 'bob') === 1)
  expect(bob.dataOf('alice')).toBeUndefined()
})

it('[L43] a member who left reads nothing that is said afterwards', async () => {
  const { world, evil, alice, bob, mallory } = await castScene()
  const carol = await join(world, 'carol', { servers: [evil.url] })
  await carol.sees('alice', 'bob', 'carol')
  const old = keyOf(mallory, alice)
  await mallory.say(alice.connectionId, entryOf({ clientId: 5, connectionId: mallory.identity.connectionId }))
  await alice.sees('alice', 'bob', 'carol', 'mallory')
  await mallory.part(alice.connectionId)
  await alice.sees('alice', 'bob', 'carol')
  const from = evil.seen.length
  let value = 100
  await until('casts under another key', () => {
    alice.channel.participant.update({ v: ++value })
    return castsTo(evil, alice, bob).some((one) => evil.seen.indexOf(one) >= from)
  })
  await until('the last value', () => v(bob, 'alice') === value && v(carol, 'alice') === value)
  const numbers = evil.seen.slice(from).flatMap((one) => castOf(one)?.number ?? [])
  expect(Math.min(...numbers)).toBeGreaterThan(old?.number ?? 0)
})

it('[L44] who has lost the key, since a server had the hello said anew, is heard and served again', async () => {
  const { evil, alice, bob, mallory } = await castScene()
  let value = 100
  for (let round = 0; round < 3; round++) {
    const from = evil.seen.length
    evil.inject({ topic, from: bob.connectionId, to: alice.connectionId, payload: RESTART_ENVELOPE })
    evil.inject({ topic, from: alice.connectionId, to: bob.connectionId, payload: RESTART_ENVELOPE })
    for (let count = 0; count < 10; count++) {
      alice.channel.participant.update({ v: ++value })
      await until('the value', () => v(bob, 'alice') === value, { timeoutMs: 1_000 })
    }
    await acknowledge(mallory, alice)
    await until('a cast to bob again', () => {
      alice.channel.participant.update({ v: ++value })
      return castsTo(evil, alice, bob).some((one) => evil.seen.indexOf(one) > from + 20)
    })
    await until('the value', () => v(bob, 'alice') === value, { timeoutMs: 1_000 })
  }
})
