/** Whether the far end of a link is in reach, and by whose word. On virtual time. */
import { expect, it } from 'vitest'
import { pair, SERVER } from './virtual-kit.ts'

/** Bob hangs while the socket of Alice ends and she returns: he reads of both at one time. */
async function readOfReturn(afterReturn: 'alice-hangs' | 'alice-is-killed') {
  const { room, alice, bob } = await pair({ webrtc: false })
  const host = alice.resident.host
  bob.resident.host.pause()
  room.world.server(SERVER).reset(host)
  await room.advance(2_000)
  if (afterReturn === 'alice-hangs') host.pause()
  else host.kill()
  await room.advance(1_000)
  bob.resident.host.resume()
  return { room, alice, bob }
}

it('[L66] whoever is back on the server, and answers nothing yet, is held as one who is silent', async () => {
  const { room, alice, bob } = await readOfReturn('alice-hangs')
  await room.advance(8_000)
  alice.resident.host.resume()
  alice.update({ v: 1 })
  await room.until('the value of alice', () => bob.toldOf('alice').includes('update'), 1_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room'])
})

it('[L66] silence counts from there: it is a leave within 15 s', async () => {
  const { room, bob } = await readOfReturn('alice-hangs')
  await room.advance(14_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave'])
})

it('[L66] one that ends once more is gone within 3 s', async () => {
  const { room, bob } = await readOfReturn('alice-is-killed')
  await room.advance(2_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave'])
})
