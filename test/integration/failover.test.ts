/** Three members in processes of their own update twenty times a second while one carrier after another ends. */
import { describe, expect, it } from 'vitest'
import { keepRunning } from '../kit/keep-running.ts'
import { findFreePort, type MemberProcess, startMember, startServer } from '../kit/processes.ts'
import { until } from '../kit/until.ts'

const TALK_MS = 50
const MEET_MS = 15_000
/** How soon the last value is everywhere after a carrier ended. */
const ARRIVE_MS = 1_000

const keep = keepRunning()

const untilAll = (members: MemberProcess[], way: string, isThere = true) =>
  until(
    `${way} ${isThere ? 'between' : 'away from'} all`,
    async () =>
      (await Promise.all(members.map((member) => member.inspect()))).every(
        ({ members: [, ...others] }) =>
          others.length === members.length - 1 &&
          others.every(({ paths }) => paths.some((path) => path === way) === isThere),
      ),
    { timeoutMs: MEET_MS, everyMs: 50, seen: () => Promise.all(members.map((member) => member.inspect())) },
  )

/** Each has, within the time, the value that each of the others said last; all go on talking. */
async function expectLastValues(members: MemberProcess[], step: string): Promise<void> {
  const lasts = await Promise.all(members.map((member) => member.talk(0)))
  const seen = (observer: MemberProcess) =>
    members.map(({ id }) => (observer.events.findLast((told) => told.id === id)?.data as { n?: number } | undefined)?.n)
  await until(
    `the last values everywhere after: ${step}`,
    () => members.every((observer) => seen(observer).join() === lasts.join()),
    { timeoutMs: ARRIVE_MS, seen: () => ({ lasts, seen: members.map(seen) }) },
  )
  await Promise.all(members.map((member) => member.talk(TALK_MS)))
}

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms)) // reason: they talk for a while

describe('three members who update twenty times a second', { timeout: 120_000 }, () => {
  it('[F9] hear nobody leave or join, and have the last value within 1 s, whichever carrier ends', async () => {
    const port = await findFreePort()
    let server = keep(await startServer(port))
    const members: MemberProcess[] = []
    for (const id of ['alice', 'bob', 'carol'])
      members.push(keep(await startMember(id, { room: 'failover', servers: [server.url], hasWebRtc: true })))
    const [alice, bob, carol] = members
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('three were started')
    await untilAll(members, 'direct')
    await untilAll(members, 'relay')
    await Promise.all(members.map((member) => member.talk(TALK_MS)))

    const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['one data channel closes', () => alice.closeDataChannel(bob)],
      ['the server is killed', () => server.kill()],
      ['another data channel closes, without a server', () => bob.closeDataChannel(carol)],
      [
        'the server is back',
        async () => {
          server = keep(await startServer(port))
        },
      ],
      ['a third data channel closes', () => carol.closeDataChannel(alice)],
      [
        'all data channels close at once',
        async () => {
          await untilAll(members, 'direct')
          await Promise.all([alice.closeDataChannel(bob), bob.closeDataChannel(carol), carol.closeDataChannel(alice)])
        },
      ],
    ]
    for (const [step, take] of steps) {
      await pause(500)
      await take()
      await expectLastValues(members, step)
      await pause(1_500)
      await expectLastValues(members, `a while after: ${step}`)
      await untilAll(members, 'direct')
    }
    for (const observer of members) {
      for (const { id } of members)
        expect(observer.toldOf(id).filter((event) => event !== 'update')).toEqual(['joined-room'])
      const values = observer.events.filter(({ id }) => id !== observer.id).map(({ data, id }) => [id, data] as const)
      for (const { id } of members) {
        const said = values.flatMap(([who, data]) => (who === id ? [(data as { n?: number }).n ?? 0] : []))
        expect(said).toEqual([...said].sort((one, other) => one - other))
      }
    }
  })
})
