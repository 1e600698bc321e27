/** What becomes of a page that said, before it was frozen, that it may be silent. On virtual time. */
import { expect, it } from 'vitest'
import { pair, ROOM, SERVER, v } from './virtual-kit.ts'

const MINUTE_MS = 60_000

it('[L52] a hidden page that is frozen is no event for 5 min with a server, and silent as any other without one', async () => {
  for (const ways of ['relay', 'direct and relay', 'direct'] as const) {
    const { room, alice, bob } = await pair({ webrtc: ways !== 'relay' })
    const server = room.world.server(SERVER)
    bob.resident.hide()
    await room.advance(1_000)
    if (ways === 'direct') server.stop()
    await room.advance(1_000)
    bob.resident.host.freeze()
    room.world.wires.changed()
    if (ways === 'direct') {
      await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 15_000)
      continue
    }
    await room.advance(4 * MINUTE_MS)
    alice.update({ v: 'meanwhile' })
    await room.advance(30_000)
    expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
    bob.resident.host.resume()
    await room.until('the value', () => v(bob, 'alice') === 'meanwhile', 1_000)
    bob.resident.hide(false)
    bob.update({ v: 'again' })
    await room.until('the answer', () => v(alice, 'bob') === 'again', 1_000)
    for (const [one, other] of [['alice', bob] as const, ['bob', alice] as const])
      expect(other.comesAndGoes(one)).toEqual(['joined-room'])
  }
})

it('[L52] a page that is hidden right after its data channel died is kept by what it said to the server', async () => {
  const { room, alice, bob } = await pair({ webrtc: true })
  await room.advance(5_000)
  room.cut(alice, bob)
  bob.resident.hide()
  await room.advance(1_000)
  bob.resident.host.freeze()
  await room.advance(4 * MINUTE_MS)
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
})

it('[L52] a lease keeps nobody whose end somebody sees, nor past its time: killed, silent, frozen for longer', async () => {
  for (const webrtc of [true, false]) {
    for (const [end, dueMs] of [
      ['kill', 3_000],
      ['pause', 15_000],
      ['freeze', 5 * MINUTE_MS + 15_000],
    ] as const) {
      const { room, alice, bob } = await pair({ webrtc })
      bob.resident.hide()
      await room.advance(10 * MINUTE_MS)
      expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
      const host = bob.resident.host
      if (end !== 'kill') {
        host.freeze()
        await room.advance(MINUTE_MS)
        expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
      }
      if (end === 'kill') host.kill()
      if (end === 'pause') {
        host.machine.group = 1
        room.world.wires.changed()
      }
      await room.until(`the leave, ${end}`, () => alice.toldOf('bob').includes('leave'), dueMs)
    }
  }
}, 60_000)

it('[L52] a page that was hidden before it joined says so too', async () => {
  const { room, alice, bob } = await pair({ webrtc: false })
  bob.resident.hide()
  await room.leave(bob)
  await bob.resident.realtime.connect(ROOM)
  await room.until('the return', () => alice.ids().includes('bob'), 1_000)
  await room.advance(1_000)
  bob.resident.host.freeze()
  await room.advance(2 * MINUTE_MS)
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room', 'leave', 'joined-room'])
})

it('[L52] who comes while a page is hidden hears of its lease too', async () => {
  const { room, bob } = await pair({ webrtc: false })
  bob.resident.hide()
  const carol = await room.join('carol', {}, { webrtc: false })
  await room.advance(2_000)
  bob.resident.host.freeze()
  await room.advance(2 * MINUTE_MS)
  expect(carol.comesAndGoes('bob')).toEqual(['joined-room'])
})

it('[L52] a page whose word that it is seen again was lost says it by the next way: its silence is one', async () => {
  const { room, alice, bob } = await pair({ webrtc: false })
  const { wires } = room.world
  bob.resident.hide()
  await room.advance(2_000)
  const [machine, server] = [bob.resident.host.machine, room.world.server(SERVER).machine]
  wires.cut(machine, server)
  wires.cut(server, machine)
  await room.until('the loss', () => bob.channel.inspect().servers[0]?.state !== 'open', 9_000)
  bob.resident.hide(false)
  wires.heal()
  await room.until('the return', () => bob.waysTo(alice).includes('relay'), 5_000)
  await room.advance(5_000)
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
  bob.resident.host.freeze()
  await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 45_000)
})
