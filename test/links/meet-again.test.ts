/** Meetings of links whose far end did not prove itself in time, and ways that lead in one direction only. */
import { expect, it } from 'vitest'
import type { Clock } from '../../lib/base/clock.ts'
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createRelayMeeting, type ServerListener } from '../../lib/links/relay-meeting.ts'
import { createScheduler } from '../../lib/testing/scheduler.ts'
import { createRoom, hasWay } from './virtual-kit.ts'

const [OWN, BOB] = ['the-own-connection-id-', 'the-connection-id-of-b'] as ConnectionId[] as [
  ConnectionId,
  ConnectionId,
]

function meetBob() {
  const scheduler = createScheduler()
  const clock: Clock = {
    moment: () => ({ unixMs: scheduler.nowMs(), steadyMs: scheduler.nowMs() }),
    setTimer: (fire, delayMs) => scheduler.after(delayMs, fire),
    defer: (task) => void scheduler.after(0, task),
  }
  const carriers: { readonly atMs: number; readonly carrier: Carrier }[] = []
  const listeners: ServerListener[] = []
  const meeting = createRelayMeeting({
    ...{ own: OWN, topic: new Uint8Array(32), clock, index: 0, isRelay: true },
    server: {
      report: () => ({ url: 'wss://one.test', state: 'open' }),
      ...{ admit: () => true, hasPlenty: () => true },
      backlogBytes: () => 0,
      join(_topic, listener) {
        listeners.push(listener)
        return { isOpen: true, send: () => true, cast: () => true, leave: async () => undefined }
      },
    },
    onCarrier: (_peer, carrier) => carriers.push({ atMs: scheduler.nowMs(), carrier }),
    ...{ onBytes: () => undefined, onEnd: () => undefined },
  })
  const [listener] = listeners
  if (listener === undefined) throw new Error('the meeting joins the topic')
  listener.onMembers([BOB])
  return { scheduler, meeting, listener, carriers }
}

it('[L24] whoever is still at a meeting when its link is forgotten is met again, 1, 2, 4 and at most 60 s later', async () => {
  const { scheduler, carriers } = meetBob()
  for (let tries = 0; tries < 9; tries++) {
    const forgottenAtMs = scheduler.nowMs()
    carriers.at(-1)?.carrier.close()
    await scheduler.advance(70_000)
    expect(carriers).toHaveLength(tries + 2)
    expect((carriers.at(-1)?.atMs ?? 0) - forgottenAtMs).toBe(Math.min(1_000 * 2 ** tries, 60_000))
  }
})

it('[L24] whoever has left, or whose meeting is over, is not met again', async () => {
  for (const end of ['left', 'lost', 'over'] as const) {
    const { scheduler, carriers, listener, meeting } = meetBob()
    carriers[0]?.carrier.close()
    if (end === 'left') listener.onLeft(BOB, 0)
    else if (end === 'lost') listener.onLost(0)
    else await meeting.leave()
    expect(scheduler.pendingCount()).toBe(0)
    await scheduler.advance(120_000)
    expect(carriers).toHaveLength(1)
  }
})

it('[L24] a tab that crashed is given up, with its timers; one that was frozen for longer is met when it thaws', async () => {
  const room = createRoom()
  const [alice, bob, carol] = [
    await room.join('alice', { servers: [] }, { browser: 'home', webrtc: false }),
    await room.join('bob', { servers: [] }, { browser: 'home', webrtc: false }),
    await room.join('carol', { servers: [] }, { browser: 'home', webrtc: false }),
  ]
  await room.allSeeAll(2_000)
  const { host } = alice.resident
  await room.advance(1_000)
  const timerCount = host.timerCount()
  bob.resident.host.freeze()
  carol.resident.host.kill()
  await room.advance(20_000)
  expect(alice.ids()).toEqual(['alice'])
  await room.advance(5 * 60_000)
  expect(host.timerCount()).toBe(timerCount)
  bob.resident.host.resume()
  await room.until('the return', () => alice.ids().includes('bob') && bob.ids().includes('alice'), 15_000)
})

it('[L25] a way that leads to us only is left for one that leads both ways, though it is heard all the time', async () => {
  const room = createRoom()
  const [alice, bob] = [await room.join('alice'), await room.join('bob')]
  await room.until('data channels', () => hasWay([alice, bob], 'direct'))
  room.world.wires.cut(alice.resident.host.machine, bob.resident.host.machine)
  alice.update({ v: 'by the relay' })
  await room.until(
    'the value',
    () => {
      bob.update({ at: room.world.scheduler.nowMs() })
      return (bob.dataOf('alice') as { v?: unknown }).v === 'by the relay'
    },
    4_000,
  )
  expect([alice.comesAndGoes('bob'), bob.comesAndGoes('alice')]).toEqual([['joined-room'], ['joined-room']])
})
