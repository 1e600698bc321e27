/** By which way a goodbye goes first. */

import { expect, it } from 'vitest'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createGoodbye } from '../../lib/links/goodbye.ts'
import { createLinkCarriers } from '../../lib/links/link-carriers.ts'
import { createRoom } from './virtual-kit.ts'

const SERVERS = ['relay:0', 'relay:1'] as const

const relay = (id: string): Carrier => ({
  ...{ id, kind: 'relay' as const, isPrivate: false },
  ...{ send: () => undefined, backlogBytes: () => 0, close: () => undefined },
})

function createEnd() {
  const suspects = new Set<string>()
  const said: string[] = []
  const liveness = {
    ...{ forget: () => undefined, vouch: () => undefined, roundTripMs: () => undefined },
    isProven: () => true,
    isSuspect: (id: string) => suspects.has(id),
  }
  const carriers = createLinkCarriers(liveness)
  const [one, other] = SERVERS.map(relay) as [Carrier, Carrier]
  carriers.add(one)
  carriers.add(other)
  const goodbye = createGoodbye({ carriers, liveness, frames: { sayGoodbye: ({ id }) => void said.push(id) } })
  return { carriers, goodbye, one, said, suspects }
}

it('[L12] a goodbye goes by the server that the last words went by, though the far end asked by the other since', () => {
  const { carriers, goodbye, one, said } = createEnd()
  carriers.use(one)
  carriers.favour('relay:1')
  expect(carriers.best()?.id).toBe('relay:1')
  goodbye.say('best')
  expect(said).toEqual(['relay:0'])
  goodbye.say('others')
  expect(said).toEqual(['relay:0', 'relay:1'])
})

it('[L12] a goodbye goes by the best way where the one that the last words went by is gone or does not answer', () => {
  for (const end of ['is gone', 'does not answer'] as const) {
    const { carriers, goodbye, one, said, suspects } = createEnd()
    carriers.use(one)
    if (end === 'is gone') carriers.remove(one.id)
    else suspects.add(one.id)
    goodbye.say('best')
    expect(said).toEqual(['relay:1'])
  }
})

it('[L12] of one whose timers come once a minute whoever asks by a server hears by it', async () => {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice'), await room.join('bob')]
  await room.allSeeAll()
  await room.until('data channels', () => alice.waysTo(bob).includes('direct'))
  bob.update({ v: 'by a data channel' })
  await room.advance(3_000)
  bob.resident.host.setPace('minute')
  // Without a word: the goodbye goes by it.
  room.cut(alice, bob)
  const ended = bob.channel.disconnect()
  await room.until('the leave', () => alice.toldOf('bob').includes('leave'), 6_000)
  await room.advance(60_000)
  await ended
})

it('[L12] a way that becomes the last or the best while goodbyes are said is told too', () => {
  const { carriers, goodbye, one, said, suspects } = createEnd()
  carriers.use(one)
  goodbye.say('best')
  suspects.add(one.id)
  goodbye.say('others')
  expect(said).toEqual(['relay:0', 'relay:1'])
})
