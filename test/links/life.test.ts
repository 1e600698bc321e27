/** How long a link lives, and what it loses on the way: nothing, while anything carries it. On virtual time. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  createRoom,
  hasWay,
  OTHER_SERVER,
  pair,
  ROOM,
  SERVER,
  type VirtualMember,
  type VirtualRoom,
  v,
} from './virtual-kit.ts'

const MINUTE_MS = 60_000

/** Updates twenty times a second for so long, and resolves with the last value. */
async function talk(
  { room, bob }: { room: VirtualRoom; bob: VirtualMember },
  ms: number,
  from: number,
): Promise<number> {
  let value = from
  for (let passedMs = 0; passedMs < ms; passedMs += 50) {
    bob.update({ v: ++value })
    await room.advance(50)
  }
  return value
}

describe('a change of carrier', () => {
  it('[L11] raises no event and loses no value: server gone, data channel cut, server back, data channel back', async () => {
    const scene = await pair()
    const { room, alice, bob } = scene
    const server = room.world.server(SERVER)
    const seen: number[] = []
    alice.channel.participant.subscribe('presence.update', ({ data }) => {
      if (typeof data.v === 'number') seen.push(data.v)
    })
    let value = 0
    const steps: readonly (readonly [string, () => void])[] = [
      ['server gone', () => server.stop()],
      ['server back', () => server.start()],
      ['data channel cut', () => room.cut(alice, bob)],
      ['data channel back', () => room.mend(alice, bob)],
      ['sockets reset', () => server.reset(bob.resident.host)],
      ['server gone again', () => server.stop()],
    ]
    for (const [step, take] of steps) {
      take()
      value = await talk(scene, 40_000, value)
      await room.until(`the last value after ${step}`, () => v(alice, 'bob') === value, 1_000)
    }
    expect(seen).toEqual([...seen].sort((one, other) => one - other))
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
  })

  it('[L11] what was said once, as a way died, is there by the next one', async () => {
    for (const end of ['cut', 'reset'] as const) {
      const { room, alice, bob } = await pair()
      if (end === 'cut') room.cut(alice, bob)
      else room.world.server(SERVER).reset(bob.resident.host)
      bob.update({ v: end })
      await room.until('the value', () => v(alice, 'bob') === end, 9_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    }
  })
})

describe('a server that is back', () => {
  it('[F1] has values flow within 1 s of its return, and 0.5 s after both are on it, and nobody left', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const room = createRoom(seed)
      const [alice, bob] = [
        await room.join('alice', {}, { webrtc: false }),
        await room.join('bob', {}, { webrtc: false }),
      ]
      await room.allSeeAll()
      const server = room.world.server(SERVER)
      server.stop()
      await room.advance(1_500 + 200 * seed)
      bob.update({ v: seed })
      server.start()
      const areOn = () => [alice, bob].every(({ channel }) => channel.inspect().servers[0]?.state === 'open')
      const onMs = await room.until('both on it', areOn, 1_000)
      const flowMs = await room.until('the value', () => v(alice, 'bob') === seed, 500)
      expect(onMs + flowMs).toBeLessThanOrEqual(1_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    }
  })
})

describe('a goodbye', () => {
  it('[L12] comes behind all that was said before it, whatever carries it', async () => {
    for (const webrtc of [true, false]) {
      const { room, alice, bob } = await pair({ webrtc })
      bob.update({ v: 'first' })
      await room.advance(5)
      bob.update({ v: 'last word' })
      await room.leave(bob)
      await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 1_000)
      expect(alice.told.filter(([event, who]) => event === 'leave' && who === 'bob')).toEqual([
        ['leave', 'bob', { v: 'last word' }],
      ])
    }
  })
})

describe('a goodbye by several ways', () => {
  it.each([
    ['two servers', { webrtc: false }, [SERVER, OTHER_SERVER]],
    ['a tab, a data channel and a server', { browser: 'one' }, [SERVER]],
  ])('[L12] overtakes nothing that was said right before it: %s', async (_ways, member, servers) => {
    for (let seed = 1; seed <= 5; seed++) {
      const room = createRoom(seed)
      const [alice, bob] = [await room.join('alice', { servers }, member), await room.join('bob', { servers }, member)]
      await room.allSeeAll()
      await room.advance(3_000)
      const heard: unknown[] = []
      alice.channel.subscribe<string>('chat', ({ data }) => heard.push(data))
      bob.update({ v: 'last word' })
      bob.channel.publish('chat', 'bye')
      void bob.channel.disconnect()
      await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 1_000)
      expect(alice.told.filter(([event, who]) => event === 'leave' && who === 'bob')).toEqual([
        ['leave', 'bob', { v: 'last word' }],
      ])
      expect(heard).toEqual(['bye'])
    }
  })
})

describe('evidence', () => {
  it('[L13] the end of a server is no end of its members, the end of a member’s socket is asked about', async () => {
    for (const webrtc of [true, false]) {
      const { room, alice, bob } = await pair({ webrtc })
      room.world.server(SERVER).stop()
      await room.advance(8_000)
      room.world.server(SERVER).start()
      await room.until('the relay again', () => alice.waysTo(bob).includes('relay'), 5_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
      bob.resident.host.kill()
      await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 3_000)
    }
  })

  it('[L51] an outage of the only server is tolerated for as long, whatever nobody had to say before it', async () => {
    for (let idleMs = 0; idleMs <= 33_000; idleMs += 2_200) {
      const { room, alice, bob } = await pair({ webrtc: false })
      await room.advance(20_000 + idleMs)
      room.world.server(SERVER).stop()
      await room.advance(12_000)
      room.world.server(SERVER).start()
      await room.until('the relay again', () => alice.waysTo(bob).includes('relay'), 2_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
      expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
    }
  })

  it('[L14] whenever it begins, silence of 10 s is nothing and of more a leave within 15 s: of a process, and of the network', async () => {
    for (const webrtc of [true, false]) {
      for (let idleMs = 0; idleMs <= 62_000; idleMs += 3_100) {
        const { room, alice, bob } = await pair({ webrtc })
        await room.advance(20_000 + idleMs)
        bob.resident.host.pause()
        await room.advance(10_000)
        bob.resident.host.resume()
        await room.advance(10_000)
        expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
        alice.resident.host.machine.group = 1
        room.world.wires.changed()
        await room.advance(10_000)
        room.world.wires.heal()
        await room.advance(10_000 + idleMs)
        for (const [one, other] of [['alice', bob] as const, ['bob', alice] as const])
          expect(other.comesAndGoes(one)).toEqual(['joined-room'])
        alice.resident.host.machine.group = 1
        room.world.wires.changed()
        await room.until('both leaves', () => !alice.ids().includes('bob') && !bob.ids().includes('alice'), 15_000)
      }
    }
  })

  it('[L14] silence of 10 s is nothing, of more it is one leave within 15 s and one joined, also where one side forgot the keys', async () => {
    for (const [webrtc, silentMs] of [
      [true, 10_000],
      [false, 10_000],
      [true, 30_000],
      [false, 30_000],
      [true, 3 * MINUTE_MS],
      [false, 3 * MINUTE_MS],
    ] as const) {
      const { room, alice, bob } = await pair({ webrtc })
      await room.advance(7_300)
      bob.resident.host.pause()
      if (silentMs > 15_000) {
        await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 15_000)
        await room.advance(silentMs - 15_000)
      } else await room.advance(silentMs)
      bob.resident.host.resume()
      bob.update({ v: silentMs })
      await room.until('the value', () => v(alice, 'bob') === silentMs, silentMs > 15_000 ? 12_000 : 1_000)
      expect(alice.comesAndGoes('bob')).toEqual(
        silentMs > 15_000 ? ['joined-room', 'leave', 'joined-room'] : ['joined-room'],
      )
      expect(bob.comesAndGoes('alice').length).toBeLessThanOrEqual(3)
    }
  })

  it('[G34] a member that hears its server, which does not hear it, finds that out within 8 s', async () => {
    for (let idleMs = 0; idleMs <= 4_000; idleMs += 500) {
      const { room, alice } = await pair({ webrtc: false })
      await room.advance(20_000 + idleMs)
      room.world.wires.cut(alice.resident.host.machine, room.world.server(SERVER).machine)
      const isOpen = () => alice.channel.inspect().servers[0]?.state === 'open'
      await room.advance(4_000)
      expect(isOpen()).toBe(true)
      await room.until('the end of the socket', () => !isOpen(), 4_300)
    }
  })

  it('[L58] what ICE does not hear is asked at once: an idle pair goes on by the relay within 8 s', async () => {
    const { room, alice, bob } = await pair()
    await room.advance(20_000)
    room.cut(alice, bob)
    const active = () =>
      alice.channel.inspect().members.flatMap(({ link }) => link?.carriers.find((one) => one.isActive)?.kind ?? [])
    await room.until('the relay', () => active().includes('relay'), 8_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
  })

  it('[L15] who slept asks before it judges: nobody left for it who was there all the time', async () => {
    for (const isSleeping of [true, false]) {
      const { room, alice, bob } = await pair({ webrtc: false })
      alice.resident.host.pause(isSleeping)
      await room.advance(5 * MINUTE_MS)
      alice.resident.host.resume()
      await room.until('bob to see alice again', () => bob.ids().includes('alice'), 15_000)
      await room.advance(20_000)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
      expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave', 'joined-room'])
    }
  })

  it.each(['minute', 'second'] as const)(
    '[L16] in an hour of timers once a %s nobody leaves',
    async (pace) => {
      for (const webrtc of [true, false]) {
        const { room, alice, bob } = await pair({ webrtc }, ['alice', 'bob', 'carol'])
        bob.resident.host.setPace(pace)
        for (let minute = 0; minute < 60; minute++) {
          alice.update({ v: minute })
          await room.advance(MINUTE_MS)
          expect(v(bob, 'alice')).toBe(minute)
        }
        for (const [observer, who] of [
          [alice, 'bob'],
          [bob, 'alice'],
          [bob, 'carol'],
        ] as const)
          expect(observer.comesAndGoes(who)).toEqual(['joined-room'])
      }
    },
    60_000,
  )

  it('[L17] a network that splits and heals is one leave and one joined each, right within 3 s', async () => {
    const { room, alice, bob } = await pair()
    const { wires } = room.world
    alice.resident.host.machine.group = 1
    wires.changed()
    await room.until('both leaves', () => !alice.ids().includes('bob') && !bob.ids().includes('alice'), 16_000)
    await room.advance(MINUTE_MS)
    bob.update({ v: 'apart' })
    wires.heal()
    await room.until('both to be back', () => v(alice, 'bob') === 'apart' && bob.ids().includes('alice'), 3_000)
    for (const [observer, who] of [
      [alice, 'bob'],
      [bob, 'alice'],
    ] as const)
      expect(observer.comesAndGoes(who)).toEqual(['joined-room', 'leave', 'joined-room'])
  })
})

describe('documents', () => {
  it('[L18] what two wrote while they were apart is one text on both sides when they meet again', async () => {
    const room = createRoom()
    const docs = [new Y.Doc(), new Y.Doc()]
    const [alice, bob] = [
      await room.join('alice', {}, {}, { doc: docs[0] ?? new Y.Doc(), sync: true }),
      await room.join('bob', {}, {}, { doc: docs[1] ?? new Y.Doc(), sync: true }),
    ]
    await room.until('a data channel', () => hasWay([alice, bob], 'direct'), 10_000)
    const text = ({ channel }: VirtualMember) => channel.doc.getText('body')
    const isSame = () => text(alice).toString() === text(bob).toString() && text(bob).length > 0
    text(alice).insert(0, 'together ')
    await room.until('the same text', isSame, 1_000)
    alice.resident.host.machine.group = 1
    room.world.wires.changed()
    text(alice).insert(0, 'alice ')
    text(bob).insert(text(bob).length, 'bob ')
    await room.advance(30_000)
    room.world.wires.heal()
    await room.until('the same text', isSame, 3_000)
    expect(text(alice).toString()).toBe('alice together bob ')
  })

  it.each([
    ['its goodbye lost', 0],
    ['its goodbye lost, and its clock set back', -3_600_000],
  ])(
    '[C11] one that comes back under its client id, %s: one leave, one joined, and all that follows',
    async (_how, byMs) => {
      const room = createRoom()
      const bob = await room.join('bob', {}, { webrtc: false })
      const doc = new Y.Doc()
      const alice = await room.join('alice', {}, { webrtc: false }, { doc })
      alice.resident.host.stepClock(byMs)
      await room.allSeeAll()
      for (const v of [1, 2, 3]) alice.channel.publish('chat', v)
      alice.update({ v: 3 })
      await room.until('the value', () => (bob.dataOf('alice') as { v: number }).v === 3)
      room.world.server(SERVER).stop()
      alice.resident.host.stepClock(byMs)
      void alice.channel.disconnect()
      const again = await alice.resident.realtime.connect(ROOM, { doc })
      await room.advance(3_000)
      room.world.server(SERVER).start()
      await room.until('the return', () => bob.comesAndGoes('alice').length === 3, 5_000)
      const heard: unknown[] = []
      bob.channel.subscribe<number>('chat', ({ data }) => heard.push(data))
      again.participant.update({ v: 1 })
      again.publish('chat', 'first')
      await room.until('the new value', () => (bob.dataOf('alice') as { v: number }).v === 1, 1_000)
      await room.until('the new message', () => heard.length > 0, 1_000)
      expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave', 'joined-room'])
      expect(heard).toEqual(['first'])
    },
  )

  it('[L18] an edit that was under way as its carrier died is not lost', async () => {
    const room = createRoom()
    const [alice, bob] = [
      await room.join('alice', {}, {}, { sync: true }),
      await room.join('bob', {}, {}, { sync: true }),
    ]
    await room.until('a data channel', () => hasWay([alice, bob], 'direct'), 10_000)
    room.cut(alice, bob)
    bob.channel.doc.getText('body').insert(0, 'on its way')
    await room.until('the edit', () => alice.channel.doc.getText('body').length > 0, 10_000)
  })
})

describe('what one wrote whom not everybody hears', () => {
  async function mesh({ hasServer = false } = {}) {
    const room = createRoom()
    const all = [] as VirtualMember[]
    for (const id of ['alice', 'bob', 'carol']) all.push(await room.join(id, {}, {}, { sync: true }))
    await room.until('data channels', () => hasWay(all, 'direct'), 10_000)
    if (!hasServer) room.world.server(SERVER).stop()
    await room.advance(1_000)
    const [alice, bob, carol] = all as [VirtualMember, VirtualMember, VirtualMember]
    const text = ({ channel }: VirtualMember) => channel.doc.getText('body')
    room.cut(alice, bob)
    text(alice).insert(0, 'alice')
    await room.until('the edit at carol', () => text(carol).length > 0, 100)
    return { room, alice, bob, carol, text }
  }

  it('[L18] comes with what another writes upon it', async () => {
    const { room, bob, carol, text } = await mesh()
    text(carol).insert(5, ' and carol')
    await room.until('both edits at bob', () => text(bob).toString() === 'alice and carol', 300)
  })

  it('[L18] comes from whoever heard it, once its writer is gone', async () => {
    const { room, alice, bob, text } = await mesh()
    alice.resident.host.kill()
    await room.until('the edit at bob', () => text(bob).toString() === 'alice', 20_000)
  })

  it('[L18] comes from whoever heard it, where the goodbye of its writer came by another way', async () => {
    const { room, alice, bob, text } = await mesh({ hasServer: true })
    await room.leave(alice)
    expect([bob.toldOf('alice').includes('leave'), text(bob).toString()]).toEqual([true, ''])
    await room.until('the edit at bob', () => text(bob).toString() === 'alice', 2_000)
  })
})
