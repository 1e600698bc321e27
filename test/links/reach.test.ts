/** Whether the far end of a link is in reach, and by whose word. On virtual time. */
import { describe, expect, it } from 'vitest'
import type { MemberOptions } from '../../lib/testing/world.ts'
import { createRoom, OTHER_SERVER, SERVER } from './virtual-kit.ts'

const WAYS: Readonly<Record<string, readonly [MemberOptions, string[]]>> = {
  'the relay alone': [{ webrtc: false }, [SERVER]],
  'a data channel and the relay': [{}, [SERVER]],
  'two servers': [{ webrtc: false }, [SERVER, OTHER_SERVER]],
}

async function roomOf(ways: string) {
  const [member, servers] = WAYS[ways] ?? [{}, []]
  const room = createRoom()
  const alice = await room.join('alice', { servers }, member)
  const bob = await room.join('bob', { servers }, member)
  await room.allSeeAll()
  await room.advance(5_000)
  return { room, alice, bob, host: alice.resident.host }
}

/** Bob hangs while a socket of Alice ends and she returns: he reads of both at one time. */
async function readOfReturn(ways: string, afterReturn: 'alice-hangs' | 'alice-is-killed') {
  const scene = await roomOf(ways)
  const { room, bob, host } = scene
  bob.resident.host.pause()
  room.world.server(SERVER).reset(host)
  await room.advance(2_000)
  if (afterReturn === 'alice-hangs') host.pause()
  else host.kill()
  await room.advance(1_000)
  bob.resident.host.resume()
  return scene
}

describe.each(Object.keys(WAYS))('a return by %s', (ways) => {
  it('[L66] leaves whoever answers nothing yet as one who is silent', async () => {
    const { room, alice, bob, host } = await readOfReturn(ways, 'alice-hangs')
    await room.advance(8_000)
    host.resume()
    alice.update({ v: 1 })
    await room.until('the value of alice', () => bob.toldOf('alice').includes('update'), 1_000)
    expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
  })

  it('[L66] is followed by a leave within 15 s where nothing comes', async () => {
    const { room, bob } = await readOfReturn(ways, 'alice-hangs')
    await room.until('the leave', () => bob.comesAndGoes('alice').includes('leave'), 15_000)
    expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave'])
  })

  it('[L66] does not hide one that ends once more', async () => {
    const { room, bob } = await readOfReturn(ways, 'alice-is-killed')
    await room.until('the leave', () => bob.comesAndGoes('alice').includes('leave'), 3_000)
    expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave'])
  })
})

it('[L66] a server that never told of the end takes nothing back', async () => {
  for (const resetMs of [200, 800, 1_400, 2_000]) {
    const { room, bob, host } = await roomOf('two servers')
    const { wires } = room.world
    const one = room.world.server(SERVER)
    // It goes on listing her: its way to her is dead without a word.
    wires.cut(host.machine, one.machine)
    wires.cut(one.machine, host.machine)
    await room.advance(200)
    host.kill()
    await room.advance(resetMs)
    one.reset(bob.resident.host)
    await room.until('the leave', () => bob.comesAndGoes('alice').includes('leave'), 3_000 - resetMs)
  }
})

it('[L66] one that ends once more, just after it had answered for the first end, is gone within 3 s', async () => {
  for (const ways of Object.keys(WAYS))
    for (const killMs of [300, 450, 600, 900]) {
      const { room, bob, host } = await roomOf(ways)
      room.world.server(SERVER).reset(host)
      await room.advance(killMs)
      host.kill()
      const what = `the leave by ${ways}, killed after ${killMs} ms`
      await room.until(what, () => bob.comesAndGoes('alice').includes('leave'), 3_000)
    }
})

it('[L66] an end that was answered for counts no more, also where that way never comes back', async () => {
  const { room, alice, bob, host } = await roomOf('two servers')
  const other = room.world.server(OTHER_SERVER)
  room.world.wires.cut(host.machine, other.machine)
  room.world.wires.cut(other.machine, host.machine)
  other.reset(host)
  await room.advance(60_000)
  bob.resident.host.pause()
  room.world.server(SERVER).reset(host)
  await room.advance(2_000)
  host.pause()
  await room.advance(1_000)
  bob.resident.host.resume()
  await room.advance(6_000)
  host.resume()
  alice.update({ v: 1 })
  await room.until('the value of alice', () => bob.toldOf('alice').includes('update'), 2_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
})
