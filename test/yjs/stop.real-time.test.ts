import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../kit/until.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { createMember, freshClientId, freshRoom, startServer, untilMet, WEBRTC, watchConsole } from './kit.ts'
import { startRawRelay } from './raw-relay.ts'
import { createDirectMember } from './webrtc-kit.ts'

const CHILD = fileURLToPath(new URL('child-member.ts', import.meta.url))

/** A member in its own process: what it said, and how it ended. */
function spawnMember(servers: string, room: string, script: string) {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', CHILD, servers, room, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: Record<string, unknown>[] = []
  let noise = ''
  let ended: { code: number | null } | undefined
  child.stdout?.on('data', (data) => {
    for (const line of String(data).trim().split('\n')) lines.push(JSON.parse(line))
  })
  child.stderr?.on('data', (data) => {
    noise += data
  })
  child.on('exit', (code) => {
    ended = { code }
  })
  const said = (key: string) => lines.find((line) => key in line)
  const wait = <Value>(what: string, probe: () => Value) =>
    until(what, probe, { timeoutMs: 30_000, seen: () => ({ lines, noise, ended }) })
  return {
    child,
    noise: () => noise,
    untilSaid: (key: string) => wait(`the child to say ${key}`, () => said(key)),
    untilEnded: () => wait('the child to end by itself', () => ended),
    isRunning: () => ended === undefined,
  }
}

describe('the end', { timeout: 60_000 }, () => {
  it('[Y17] stopped with open data channels, relay and tabs, a process ends by itself, silently, and nothing is left', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const bob = createDirectMember({ room, servers: [url] })
    bob.say('b')
    const alice = spawnMember(url, room, 'stay')
    const self = { clientId: alice.child.pid as never }
    await alice.untilSaid('met')
    await until('both ways', () => bob.hasPath(self, 'direct') && bob.hasPath(self, 'relay'), { timeoutMs: 15_000 })
    alice.child.kill('SIGUSR2')
    const { clearMs, left, stopMs } = await alice.untilSaid('stopped')
    const { code } = await alice.untilEnded()
    expect({ code, left, noise: alice.noise() }).toEqual({ code: 0, left: [], noise: '' })
    // 0.5 s is the promise of `stop` itself; the pauses of a busy machine are taken off.
    expect([stopMs, clearMs]).toEqual([expect.toSatisfy((ms) => ms < 600), expect.toSatisfy((ms) => ms < 100)])
    await until('her goodbyes', () => bob.told(self).filter((told) => told.endsWith('goodbye')).length === 2, {
      seen: () => bob.told(self),
    })
  })

  it('[Y17] stopped while the providers are loading, or while no server answers, a process ends by itself too', async () => {
    const { url } = await startServer()
    const nowhere = 'ws://127.0.0.1:9'
    const members = [spawnMember(url, freshRoom(), 'stop-early'), spawnMember(nowhere, freshRoom(), 'stop-unreachable')]
    for (const member of members) {
      const { left } = await member.untilSaid('stopped')
      const { code } = await member.untilEnded()
      expect({ code, left, noise: member.noise() }).toEqual({ code: 0, left: [], noise: '' })
    }
  })

  it('[Y17] sockets to a server that does not answer the closing are cut off, so that the process ends in time all the same', async () => {
    const relay = await startRawRelay({ isDeaf: true })
    const alice = spawnMember(relay.url, freshRoom(), 'alone')
    await until('both sockets', () => relay.socketCount() === 2, { timeoutMs: 20_000 })
    await alice.untilSaid('open')
    alice.child.kill('SIGUSR2')
    const { left, stopMs } = await alice.untilSaid('stopped')
    const { code } = await alice.untilEnded()
    expect({ code, left, noise: alice.noise() }).toEqual({ code: 0, left: [], noise: '' })
    expect(stopMs).toBeLessThan(700)
  })

  it('[Y2] without servers a process ends by itself; with a server that does not answer it lives on', async () => {
    const alone = spawnMember('', freshRoom(), 'alone')
    const { code } = await alone.untilEnded()
    expect({ code, noise: alone.noise() }).toEqual({ code: 0, noise: '' })
    const waiting = spawnMember('ws://127.0.0.1:9', freshRoom(), 'alone')
    await waiting.untilSaid('started')
    const secondBorn = spawnMember('', freshRoom(), 'alone')
    await secondBorn.untilEnded()
    expect(waiting.isRunning()).toBe(true)
  })

  it('[Y8] a process that is killed is gone from the relay at once, and its open data channel is asked and closed within 3 s', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const bob = createDirectMember({ room, servers: [url] })
    bob.say('b')
    const alice = spawnMember(url, room, 'stay')
    const self = { clientId: alice.child.pid as never }
    await alice.untilSaid('met')
    await until('both ways', () => bob.hasPath(self, 'direct') && bob.hasPath(self, 'relay'), { timeoutMs: 15_000 })
    alice.child.kill('SIGKILL')
    await until('both ends', () => !bob.hasPath(self, 'direct') && !bob.hasPath(self, 'relay'), {
      timeoutMs: 3_000,
      seen: () => bob.told(self),
    })
    expect(bob.told(self).slice(-2).sort()).toEqual(['direct closed', 'relay closed'])
  })

  it('[Y17] after `stop` no evidence comes, nothing is sent, and calling again gives the same promise', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const [alice, bob] = [
      createMember({ room, servers: [url], tabs: true }),
      createMember({ room, servers: [url], tabs: true }),
    ]
    for (const member of [alice, bob]) member.say('hello')
    await untilMet([alice, bob], 'relay')
    await untilMet([alice, bob], 'tab')
    const stopping = alice.transport.stop()
    const heard = alice.evidence.length
    expect(alice.transport.stop()).toBe(stopping)
    alice.say('too late')
    alice.transport.send({ clientId: alice.clientId, seq: 1, body: 'too late' })
    bob.say('to the stopped')
    await stopping
    await until('the goodbyes', () => bob.told(alice).filter((told) => told.endsWith('goodbye')).length === 2)
    expect(alice.evidence).toHaveLength(heard)
    expect(bob.messages).toEqual([])
    expect(bob.heard(alice)).toBe('hello')
    expect(alice.transport.inspect()).toEqual({ paths: [], servers: [{ url, state: 'closed' }] })
  })

  it('[Y17] the goodbye goes up once, and an immediate stop sends it within the call', async () => {
    const relay = await startRawRelay()
    const [alice, bob] = [
      createMember({ room: 'r', servers: [relay.url] }),
      createMember({ room: 'r', servers: [relay.url] }),
    ]
    for (const [index, member] of [alice, bob].entries()) {
      member.say('hello')
      await until('the entry', () => relay.sockets[index]?.frames.length === 2)
    }
    await alice.transport.stop()
    void bob.transport.stop()
    await bob.transport.stop({ isImmediate: true })
    for (const [index, member] of [alice, bob].entries()) {
      const frames = relay.sockets[index]?.frames
      await until('the goodbye', () => frames?.at(-1)?.startsWith('gone'))
      expect(frames?.slice(2)).toEqual([expect.stringMatching(`^gone ${member.clientId}@[23]$`)])
    }
  })

  it('[Y17] stopped in the middle of connecting, nothing is printed and nothing is thrown', async () => {
    const printed = watchConsole()
    const { url } = await startServer()
    for (let round = 0; round < 5; round++) {
      const room = freshRoom()
      const members = [1, 2, 3].map(() => createDirectMember({ room, servers: [url] }))
      for (const member of members) member.say('hello')
      await until('the first connection to begin', () => members.some((member) => member.conns().size > round % 2))
      await Promise.all(members.map(({ transport }) => transport.stop()))
    }
    expect(printed).toEqual([])
  })

  it('[Y17] no timer of ours is left, whatever was going on', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const clock = createVirtualClock()
    const alice = createDirectMember({ room, servers: [url, 'ws://127.0.0.1:9'], tabs: true, clock })
    const bob = createDirectMember({ room, servers: [url] })
    for (const member of [alice, bob]) member.say('hello')
    await untilMet([alice, bob], 'direct')
    await until('a retry to be planned', () => alice.transport.inspect().servers[1]?.state === 'closed')
    expect(clock.timerCount()).toBeGreaterThan(0)
    let hasStopped = false
    const stopped = alice.transport.stop().then(() => {
      hasStopped = true
    })
    await until('the end', async () => {
      await clock.advance(10)
      return hasStopped
    })
    await stopped
    expect(clock.timerCount()).toBe(0)
  })

  it('[Y2] making a transport opens nothing and loads nothing before the next task', () => {
    let loads = 0
    const options = {
      room: freshRoom(),
      clientId: freshClientId(),
      webrtc: WEBRTC,
      loadYWebrtc: () => Promise.reject(++loads),
    }
    const before = process.getActiveResourcesInfo().length
    const alone = createMember({ ...options, servers: [] })
    alone.say('a')
    expect(alone.transport.inspect()).toEqual({ paths: [], servers: [] })
    expect(loads).toBe(0)
    expect(process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length).toBeLessThanOrEqual(before)
    const served = createMember({ ...options, servers: ['ws://127.0.0.1:9/', 'ws://127.0.0.1:9'] })
    expect(served.transport.inspect().servers).toEqual([{ url: 'ws://127.0.0.1:9', state: 'connecting' }])
  })
})
