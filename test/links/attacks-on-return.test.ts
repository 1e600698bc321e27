/** A member gone bad is quicker than the others to whoever has forgotten all links: threats T3 and T4, on virtual time. */
import { expect, it } from 'vitest'
import { topicOf } from '../../lib/identity/topic.ts'
import { entry } from '../simulation/attack-words.ts'
import { createMallory } from '../simulation/mallory.ts'
import { createRoom, ROOM, SERVER, v } from './virtual-kit.ts'

const BY_RELAY = { webrtc: false }
it.each([
  ['freezes', false],
  ['ends', true],
])(
  '[T3] [T4] whoever claims the client id of a member whom a page shows that is back %s nobody',
  async (_what, isLeaving) => {
    const room = createRoom()
    const { wires, crypto } = room.world
    const [alice, bob] = [await room.join('alice', {}, BY_RELAY), await room.join('bob', {}, BY_RELAY)]
    await room.allSeeAll()
    alice.resident.endPage('unloading')
    const mallory = createMallory(room.world, SERVER, {
      topic: topicOf({ crypto, app: '', channel: ROOM }),
      secretKey: undefined,
    })
    await room.advance(2_000)
    const { machine } = bob.resident.host
    const server = room.world.server(SERVER).machine
    wires.cut(machine, server)
    wires.cut(server, machine)
    alice.resident.returnToPage()
    expect(alice.ids()).toEqual(['alice', 'bob'])
    const claim = { clientId: bob.channel.awareness.clientID, connectionId: mallory.connectionId }
    mallory.say(alice.connectionId, entry({ ...claim, clock: 1_000 }))
    await room.until('mallory', () => alice.ids().includes('mallory'), 3_000)
    if (isLeaving) mallory.say(alice.connectionId, entry({ ...claim, clientId: 1, clock: 2 ** 48 }))
    await room.advance(1_000)
    expect(alice.ids()).toEqual(['alice', 'bob', 'mallory'])
    wires.heal()
    bob.update({ v: 'back' })
    await room.until('bob’s value', () => v(alice, 'bob') === 'back', 5_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    mallory.stop()
  },
)
