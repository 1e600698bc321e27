/** The table "how soon, how sure", against real processes that are killed, stopped and restarted. */
import { beforeEach, describe, expect, it } from 'vitest'
import { keepRunning } from '../kit/keep-running.ts'
import { findFreePort, type MemberProcess, type ServerProcess, startMember, startServer } from '../kit/processes.ts'
import { until } from '../kit/until.ts'

const MEET_MS = 15_000
const LEAVE_CLEAN_MS = 1_000
const LEAVE_KILLED_MS = 3_000
const LEAVE_SILENT_MS = 15_000

const keep = keepRunning()
let transport: 'links' | 'yjs' = 'yjs'
const join = async (id: string, server: ServerProcess, hasWebRtc: boolean) =>
  keep(await startMember(id, { room: 'faults', servers: [server.url], hasWebRtc, options: { transport } }))

/** Waits until each has the other by every way that this world has. */
const untilMet = (members: MemberProcess[], hasWebRtc: boolean) =>
  until(
    'all to meet by every way',
    async () => {
      const reports = await Promise.all(members.map((member) => member.inspect()))
      const wanted = hasWebRtc ? ['direct', 'relay'] : ['relay']
      return reports.every(
        ({ members: [, ...others] }) =>
          others.length === members.length - 1 &&
          others.every(({ paths }) => wanted.every((kind) => paths.includes(kind as 'relay'))),
      )
    },
    { timeoutMs: MEET_MS, seen: () => Promise.all(members.map((member) => member.inspect())) },
  )
const untilTold = async (observer: MemberProcess, event: string, who: string, timeoutMs: number, count = 1) => {
  const startedAt = Date.now()
  await until(
    `${observer.id} to hear ${event} of ${who}`,
    () => observer.toldOf(who).filter((told) => told === event).length >= count,
    {
      timeoutMs,
      seen: () => observer.events,
    },
  )
  return Date.now() - startedAt
}

describe.each([
  { travel: 'yjs', ways: 'by the relay alone', hasWebRtc: false },
  { travel: 'yjs', ways: 'by WebRTC and the relay', hasWebRtc: true },
  { travel: 'links', ways: 'by the relay alone', hasWebRtc: false },
  { travel: 'links', ways: 'by WebRTC and the relay', hasWebRtc: true },
] as const)('members reached $ways, $travel', { timeout: 90_000 }, ({ hasWebRtc, travel }) => {
  beforeEach(() => {
    transport = travel
  })

  it('[F7] a clean leave is known within 1 s', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, hasWebRtc), await join('bob', server, hasWebRtc)]
    await untilMet([alice, bob], hasWebRtc)
    await Promise.all([bob.disconnect(), untilTold(alice, 'leave', 'bob', LEAVE_CLEAN_MS)])
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })

  it('[F3] a killed process leaves once, within 3 s', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, hasWebRtc), await join('bob', server, hasWebRtc)]
    await untilMet([alice, bob], hasWebRtc)
    await bob.end()
    await untilTold(alice, 'leave', 'bob', LEAVE_KILLED_MS)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })

  it('[F1] a server killed and back within seconds tells nobody anything; values flow on, and a newcomer is in within 3 s', async () => {
    const port = await findFreePort()
    const first = keep(await startServer(port))
    const [alice, bob] = [await join('alice', first, hasWebRtc), await join('bob', first, hasWebRtc)]
    await untilMet([alice, bob], hasWebRtc)
    await first.kill()
    await bob.update({ while: 'down' })
    const second = keep(await startServer(port))
    const carol = await join('carol', second, hasWebRtc)
    await untilTold(alice, 'joined-room', 'carol', 3_000)
    await untilTold(alice, 'update', 'bob', 2_000)
    await bob.update({ while: 'up again' })
    await untilTold(alice, 'update', 'bob', 1_000, 2)
    await untilTold(carol, 'joined-room', 'bob', 3_000)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update', 'update'])
    expect(bob.toldOf('alice')).toEqual(['joined-room'])
  })

  it('[F4] [F6] one that goes silent leaves within 15 s; back after that, it joins once, under the same connectionId', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, hasWebRtc), await join('bob', server, hasWebRtc)]
    await untilMet([alice, bob], hasWebRtc)
    bob.child.kill('SIGSTOP')
    await untilTold(alice, 'leave', 'bob', LEAVE_SILENT_MS)
    bob.child.kill('SIGCONT')
    await untilTold(alice, 'joined-room', 'bob', 20_000, 2)
    await untilMet([alice, bob], hasWebRtc)
    expect(alice.toldOf('bob').filter((event) => event !== 'update')).toEqual(['joined-room', 'leave', 'joined-room'])
    const [first, , again] = alice.events.filter(({ id, event }) => id === 'bob' && event !== 'presence.update')
    expect(again?.connectionId).toBe(first?.connectionId)
    // The sleeper judges nobody by the time it slept: at most one leave and one joined there too.
    expect([['joined-room'], ['joined-room', 'leave', 'joined-room']]).toContainEqual(
      bob.toldOf('alice').filter((event) => event !== 'update'),
    )
  })

  it('[F5] one that is silent for 10 s was never gone', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, hasWebRtc), await join('bob', server, hasWebRtc)]
    await untilMet([alice, bob], hasWebRtc)
    bob.child.kill('SIGSTOP')
    await new Promise((resume) => setTimeout(resume, 10_000)) // reason: the silence itself is what is tested
    bob.child.kill('SIGCONT')
    await bob.update({ awake: true })
    await untilTold(alice, 'update', 'bob', 2_000)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update'])
    expect(bob.toldOf('alice')).toEqual(['joined-room'])
  })
})

describe.each(['yjs', 'links'] as const)('servers that are gone, %s', { timeout: 90_000 }, (travel) => {
  beforeEach(() => {
    transport = travel
  })

  it('[F2] members who have WebRTC go on without any server, updates and leaves included', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, true), await join('bob', server, true)]
    await untilMet([alice, bob], true)
    await server.kill()
    await new Promise((resume) => setTimeout(resume, 15_000)) // reason: longer than the hold of those who had the relay alone
    await bob.update({ still: 'here' })
    await untilTold(alice, 'update', 'bob', 1_000)
    await Promise.all([bob.disconnect(), untilTold(alice, 'leave', 'bob', LEAVE_CLEAN_MS)])
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update', 'leave'])
  })

  it('[F8] members who had the relay alone are gone within 15 s of its end', async () => {
    const server = keep(await startServer())
    const [alice, bob] = [await join('alice', server, false), await join('bob', server, false)]
    await untilMet([alice, bob], false)
    await server.kill()
    await untilTold(alice, 'leave', 'bob', LEAVE_SILENT_MS)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })
})
