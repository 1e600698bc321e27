/** A member gone bad goes for the entries of others, over the real server: threats T1 to T5, T9 and T12. */
import { describe, expect, it } from 'vitest'
import { Doc } from 'yjs'
import { encodeEntry, encodeMessage, GOODBYE_FRAME } from '../../lib/wire/link-frame.ts'
import { until } from '../kit/until.ts'
import { attackedRoom, expectUnharmed, join, type Victim } from './attack-kit.ts'
import { changeOf, clientIdOf, entryOf, entryOfJson, stateOf, updateOf } from './mallory.ts'
import { WAYS } from './mallory-ways.ts'

const MALLORYS_CLIENT = 4_242

describe.each(WAYS)('by %s', (by) => {
  it('[T1] an entry in another’s name is refused, under any client id', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    for (const clientId of [bob.clientId, MALLORYS_CLIENT, alice.clientId]) {
      const claim = { clientId, clock: 1_000, connectionId: bob.connectionId, data: { is: 'forged' } }
      await mallory.say(alice.connectionId, entryOf(claim))
      await mallory.say(alice.connectionId, entryOf({ ...claim, connectionId: alice.connectionId }))
    }
    await mallory.isHandled(alice.connectionId)
    expect(alice.rejects()).toMatchObject({ 'not-owner': 4, 'own-entry': 2 })
    expect(alice.ids()).toEqual(['alice', 'bob'])
    await expectUnharmed(scene, 1)
  })

  it('[T1] a victim’s own entry is never taken from the wire', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    alice.channel.participant.update({ mine: true })
    const claim = { clientId: alice.clientId, clock: 2 ** 40, connectionId: mallory.identity.connectionId }
    await mallory.say(alice.connectionId, entryOf(claim))
    await mallory.say(alice.connectionId, entryOfJson(claim, 'null'))
    await mallory.isHandled(alice.connectionId)
    expect(alice.dataOf('alice')).toEqual({ mine: true })
    expect(alice.channel.awareness.getLocalState()?.copresence.data).toEqual({ mine: true })
    await expectUnharmed(scene, 2)
  })

  it('[T1] an own entry is not changed into another’s, and what fits no entry is asked for, not taken', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    const own = { clientId: MALLORYS_CLIENT, clock: 10, connectionId: mallory.identity.connectionId }
    const asks = () => mallory.heard(alice.connectionId).filter(({ kind }) => kind === 'ask').length
    await mallory.say(alice.connectionId, entryOf(own))
    await mallory.say(alice.connectionId, changeOf(own, { ...own, clock: 11, data: { step: 1 } }))
    await until('the change', () => (alice.dataOf('mallory') as { step?: number } | undefined)?.step === 1)
    const before = asks()
    const forged = { clientId: bob.clientId, clock: 12, connectionId: bob.connectionId, data: { is: 'forged' } }
    await mallory.say(alice.connectionId, changeOf({ ...own, clock: 11, data: { step: 1 } }, forged))
    await mallory.say(alice.connectionId, changeOf({ ...own, clock: 12 }, { ...own, clock: 13, data: { step: 3 } }))
    await until('a question', () => asks() > before)
    await mallory.say(alice.connectionId, changeOf(own, { ...own, clock: 10, data: { step: 0 } }))
    await mallory.isHandled(alice.connectionId)
    expect(alice.dataOf('mallory')).toEqual({ step: 1 })
    expect(alice.rejects()).toMatchObject({ 'not-owner': 1, stale: 2 })
    await expectUnharmed(scene, 8)
  })

  it('[T2] a goodbye ends its sender alone, whichever client id the sender claims', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    const { connectionId } = mallory.identity
    await mallory.say(alice.connectionId, entryOf({ clientId: bob.clientId, clock: 2 ** 40, connectionId }))
    await mallory.say(alice.connectionId, entryOfJson({ clientId: bob.clientId, clock: 2 ** 41 }, 'null'))
    await mallory.isHandled(alice.connectionId)
    await alice.sees('alice', 'bob', 'mallory')
    expect(alice.waysTo(connectionId)[0]).toBe(by)
    await mallory.say(alice.connectionId, GOODBYE_FRAME)
    await alice.sees('alice', 'bob')
    await expectUnharmed(scene, 3)
    expect(alice.toldOf('bob')).not.toContain('leave')
  })

  it('[T3] a clock or a count driven up freezes nobody: not the victim, nor one who meets the room later', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory, world } = scene
    const { connectionId } = mallory.identity
    for (const clock of [2 ** 48, 2 ** 48 + 1, Number.MAX_SAFE_INTEGER]) {
      await mallory.say(alice.connectionId, entryOf({ clientId: bob.clientId, clock, connectionId }))
      await mallory.say(bob.connectionId, entryOf({ clientId: alice.clientId, clock, connectionId }))
    }
    await mallory.isHandled(alice.connectionId)
    await mallory.isHandled(bob.connectionId)
    await expectUnharmed(scene, 4)
    // A client id that mallory burns before its owner is met: the owner is seen all the same.
    const carol = await join(world, 'carol')
    await mallory.meet(carol.connectionId)
    await mallory.say(carol.connectionId, entryOf({ clientId: bob.clientId, clock: 2 ** 48, connectionId }))
    await mallory.say(carol.connectionId, GOODBYE_FRAME)
    await carol.sees('alice', 'bob', 'carol')
  })

  it('[T3] an id that was burned before its owner came is its owner’s all the same', async () => {
    const { alice, mallory, world } = await attackedRoom(by)
    const { connectionId } = mallory.identity
    // Carol’s client id is known beforehand: her document is.
    const doc = new Doc()
    await mallory.say(alice.connectionId, entryOf({ clientId: doc.clientID, clock: 2 ** 48, connectionId }))
    await mallory.isHandled(alice.connectionId)
    await alice.sees('alice', 'bob', 'mallory')
    await mallory.say(alice.connectionId, GOODBYE_FRAME)
    await alice.sees('alice', 'bob')
    const realtime = world.createRealtime({ participant: { id: 'carol' } })
    await realtime.connect('attacked room', { doc })
    await alice.sees('alice', 'bob', 'carol')
    await realtime.destroy()
  })

  it('[T4] a client id that another has taken keeps nobody out', async () => {
    const { alice, mallory, world } = await attackedRoom(by)
    const doc = new Doc()
    const { connectionId } = mallory.identity
    await mallory.say(alice.connectionId, entryOf({ clientId: doc.clientID, connectionId }))
    await alice.sees('alice', 'bob', 'mallory')
    const realtime = world.createRealtime({ participant: { id: 'carol' } })
    const channel = await realtime.connect('attacked room', { doc })
    await alice.sees('alice', 'bob', 'carol', 'mallory')
    channel.participant.update({ is: 'carol' })
    await until('carol’s value', () => (alice.dataOf('carol') as { is?: string }).is === 'carol')
    await mallory.say(alice.connectionId, GOODBYE_FRAME)
    await alice.sees('alice', 'bob', 'carol')
    expect(alice.toldOf('carol').filter((event) => event !== 'update')).toEqual(['joined-room'])
    await realtime.destroy()
    await alice.sees('alice', 'bob')
  })

  it('[T4] a message under another’s client id is never told as the other’s', async () => {
    const { alice, bob, mallory } = await attackedRoom(by)
    const heard: unknown[] = []
    alice.channel.subscribe('chat', ({ participantId, connectionId, data }) =>
      heard.push([participantId, connectionId, data]),
    )
    const body = JSON.stringify({ name: 'chat', data: 'forged', timestamp: 1 })
    const message = (clientId: number, seq: number) => encodeMessage({ clientId: clientIdOf(clientId), seq, body })
    await mallory.say(alice.connectionId, message(bob.clientId, 1))
    await mallory.say(
      alice.connectionId,
      entryOf({ clientId: bob.clientId, clock: 2, connectionId: mallory.identity.connectionId }),
    )
    await mallory.say(alice.connectionId, message(bob.clientId, 1))
    await mallory.isHandled(alice.connectionId)
    bob.channel.publish('chat', 'true')
    await until('bob’s message', () => heard.length > 0 && JSON.stringify(heard.at(-1)).includes('true'))
    expect(
      heard.filter((told) => JSON.stringify(told).includes('forged') && JSON.stringify(told).includes('bob')),
    ).toEqual([])
    expect(heard.at(-1)).toEqual(['bob', bob.connectionId, 'true'])
  })

  it('[T5] different values for different members are the liar’s own entry, and end with its next true one', async () => {
    const scene = await attackedRoom(by)
    const { alice, bob, mallory } = scene
    const own = { clientId: MALLORYS_CLIENT, connectionId: mallory.identity.connectionId }
    const say = (to: Victim, clock: number, value: string) =>
      mallory.say(to.connectionId, entryOf({ ...own, clock, data: { value } }))
    for (const clock of [1, 2, 3]) {
      await say(alice, clock, 'one')
      await say(bob, clock, 'other')
    }
    await say(alice, 4, 'same')
    await say(bob, 4, 'same')
    for (const observer of [alice, bob])
      await until('the same value', () => (observer.dataOf('mallory') as { value?: string })?.value === 'same')
    await say(alice, 3, 'back')
    await mallory.isHandled(alice.connectionId)
    expect(alice.dataOf('mallory')).toEqual({ value: 'same' })
    await expectUnharmed(scene, 5)
  })

  it('[T9] of a frame that is refused nothing is taken, and what is shown is what was told', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    const { connectionId } = mallory.identity
    const good = JSON.stringify(stateOf({ clientId: MALLORYS_CLIENT, connectionId, data: { half: true } }))
    const sum = () => Object.values(alice.rejects()).reduce((sum, count) => sum + count, 0)
    // A hello that was answered late was said twice, and its copy is counted already.
    const before = sum()
    const refused = [
      updateOf([
        [MALLORYS_CLIENT, 1, good],
        [MALLORYS_CLIENT + 1, 1, '{'],
      ]),
      updateOf([
        [MALLORYS_CLIENT, 1, good],
        [MALLORYS_CLIENT + 1, 1, good],
      ]),
      updateOf([[MALLORYS_CLIENT, 1, good]]).subarray(0, -3),
      Uint8Array.of(...updateOf([[MALLORYS_CLIENT, 1, good]]), 0),
      updateOf([]),
    ]
    for (const update of refused) await mallory.say(alice.connectionId, encodeEntry(update))
    await mallory.isHandled(alice.connectionId)
    expect(alice.toldOf('mallory')).toEqual([])
    expect(alice.channel.awareness.getStates().has(MALLORYS_CLIENT)).toBe(false)
    expect(sum() - before).toBe(refused.length)
    await expectUnharmed(scene, 6)
  })

  it('[T12] one link is one member at a time, however many it claims to be', async () => {
    const scene = await attackedRoom(by)
    const { alice, mallory } = scene
    const { connectionId } = mallory.identity
    let shown = 0
    alice.channel.participant.subscribe('presence.joined-room', () => {
      shown = Math.max(shown, alice.channel.participant.getAll().length)
    })
    // A neighbour passes on 100 frames a second (L56).
    const end = 10_000 + (by === 'via' ? 300 : 2_000)
    for (let clientId = 10_000; clientId < end; clientId++)
      await mallory.say(alice.connectionId, entryOf({ clientId, connectionId }))
    await mallory.isHandled(alice.connectionId)
    expect(shown).toBe(3)
    expect(alice.channel.awareness.getStates().size).toBeLessThanOrEqual(3)
    await expectUnharmed(scene, 7)
  })
})

it('[L68] whoever proves itself and says no entry is asked for it, three times', async () => {
  // Of two who say hello at once one says it twice, and asks once more.
  const { alice, mallory } = await attackedRoom('relay', { speaksFirst: true })
  const asks = () => mallory.heard(alice.connectionId).filter(({ kind }) => kind === 'ask').length
  const before = asks()
  await until('three questions', () => asks() >= before + 3, { timeoutMs: 10_000, seen: asks })
  await mallory.isHandled(alice.connectionId)
  expect(asks()).toBe(before + 3)
})
