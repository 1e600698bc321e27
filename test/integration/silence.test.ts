/**
 * The table "how soon, how sure", where somebody or every server goes silent. These tests wait for the most part: four of
 * them run side by side, each with processes of its own.
 */
import { describe, it } from 'vitest'
import { keepRunning } from '../kit/keep-running.ts'
import { startPair, untilMet, untilTold, WORLDS } from './pairs.ts'

const LEAVE_CLEAN_MS = 1_000
const LEAVE_SILENT_MS = 15_000

const silence = (ms: number) => new Promise((resume) => setTimeout(resume, ms)) // reason: the silence itself is what is tested

describe.concurrent.each(WORLDS)('members reached $ways, $transport', { timeout: 90_000 }, (world) => {
  it('[F4] [F6] one that goes silent leaves within 15 s; back after that, it joins once, under the same connectionId', async ({
    expect,
    onTestFinished,
  }) => {
    const { alice, bob } = await startPair(keepRunning(onTestFinished), world)
    bob.child.kill('SIGSTOP')
    await untilTold(alice, 'leave', 'bob', LEAVE_SILENT_MS)
    bob.child.kill('SIGCONT')
    await untilTold(alice, 'joined-room', 'bob', 20_000, 2)
    await untilMet([alice, bob], world)
    expect(alice.toldOf('bob').filter((event) => event !== 'update')).toEqual(['joined-room', 'leave', 'joined-room'])
    const [first, , again] = alice.events.filter(({ id, event }) => id === 'bob' && event !== 'presence.update')
    expect(again?.connectionId).toBe(first?.connectionId)
    // The sleeper judges nobody by the time it slept: at most one leave and one joined there too.
    expect([['joined-room'], ['joined-room', 'leave', 'joined-room']]).toContainEqual(
      bob.toldOf('alice').filter((event) => event !== 'update'),
    )
  })

  it('[F5] one that is silent for 10 s was never gone', async ({ expect, onTestFinished }) => {
    const { alice, bob } = await startPair(keepRunning(onTestFinished), world)
    bob.child.kill('SIGSTOP')
    await silence(10_000)
    bob.child.kill('SIGCONT')
    await bob.update({ awake: true })
    await untilTold(alice, 'update', 'bob', 2_000)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update'])
    expect(bob.toldOf('alice')).toEqual(['joined-room'])
  })
})

describe.concurrent.each(['yjs', 'links'] as const)('servers that are gone, %s', { timeout: 90_000 }, (transport) => {
  it('[F2] members who have WebRTC go on without any server, updates and leaves included', async ({
    expect,
    onTestFinished,
  }) => {
    const { server, alice, bob } = await startPair(keepRunning(onTestFinished), { transport, hasWebRtc: true })
    await server.kill()
    // Longer than the hold of those who had the relay alone.
    await silence(15_000)
    await bob.update({ still: 'here' })
    await untilTold(alice, 'update', 'bob', 1_000)
    await Promise.all([bob.disconnect(), untilTold(alice, 'leave', 'bob', LEAVE_CLEAN_MS)])
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update', 'leave'])
  })

  it('[F8] members who had the relay alone are gone within 15 s of its end', async ({ expect, onTestFinished }) => {
    const { server, alice } = await startPair(keepRunning(onTestFinished), { transport, hasWebRtc: false })
    await server.kill()
    await untilTold(alice, 'leave', 'bob', LEAVE_SILENT_MS)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })
})
