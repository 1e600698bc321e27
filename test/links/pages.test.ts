/** Pages that are left, kept by their browser, and come back, on virtual time; in browsers of their own: test/browser. */
import { expect, it } from 'vitest'
import { createRoom, SERVER, v } from './virtual-kit.ts'

const BY_RELAY = { webrtc: false }

it('[C13] a page that is left has closed all when its last event is over, though it was asked to unload before', async () => {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice'), await room.join('bob')]
  await room.allSeeAll()
  await room.until('data channels', () => alice.waysTo(bob).includes('direct'))
  alice.update({ v: 'right before' })
  alice.resident.endPage('unloading')
  await room.advance(30)
  alice.resident.endPage('hidden-for-good')
  // The socket, which is closing: its server has yet to answer.
  expect(alice.resident.openCount()).toBe(1)
  alice.resident.host.freeze()
  await room.until('the leave', () => bob.toldOf('alice').includes('leave'), 1_000)
  await room.advance(20_000)
  alice.resident.host.resume()
  alice.resident.returnToPage()
  await room.until('alice to be back', () => bob.ids().includes('alice'), 3_000)
  expect(bob.comesAndGoes('alice')).toEqual(['joined-room', 'leave', 'joined-room'])
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
})

it('[C13] whoever was held when a page was left has all the time of a hold when it is back', async () => {
  const room = createRoom()
  const { wires } = room.world
  const server = room.world.server(SERVER)
  const [alice, bob] = [await room.join('alice', {}, BY_RELAY), await room.join('bob', {}, BY_RELAY)]
  await room.allSeeAll()
  const { host } = bob.resident
  wires.cut(host.machine, server.machine)
  wires.cut(server.machine, host.machine)
  server.reset(host)
  // Of the 1.5 s that bob has to come back alice hears the first 1.2 only.
  await room.advance(1_200)
  alice.resident.endPage('unloading')
  await room.advance(1_000)
  wires.heal()
  alice.resident.returnToPage()
  bob.update({ v: 'back' })
  await room.until('bob’s value', () => v(alice, 'bob') === 'back', 5_000)
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room'])
})

it('[C13] whoever left while a page was kept is gone within 15 s of its return', async () => {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice', {}, BY_RELAY), await room.join('bob', {}, BY_RELAY)]
  await room.allSeeAll()
  alice.resident.endPage('hidden-for-good')
  alice.resident.host.freeze()
  await room.leave(bob)
  await room.advance(60_000)
  alice.resident.host.resume()
  alice.resident.returnToPage()
  expect(alice.ids()).toEqual(['alice', 'bob'])
  await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 15_000)
  expect(alice.comesAndGoes('bob')).toEqual(['joined-room', 'leave'])
})

it('[C13] a page that ends while its application says goodbye says it at once', async () => {
  const room = createRoom()
  const alice = await room.join('alice', {}, BY_RELAY)
  const others = [await room.join('bob', {}, BY_RELAY), await room.join('carol', {}, BY_RELAY)]
  await room.allSeeAll()
  alice.update({ v: 'known by a word for several' })
  await room.advance(1_000)
  void alice.resident.realtime.destroy()
  alice.resident.endPage('hidden-for-good')
  alice.resident.host.kill()
  await room.until('the leaves', () => others.every((other) => other.toldOf('alice').includes('leave')), 1_000)
})
