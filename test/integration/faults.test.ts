/** The table "how soon, how sure", against real processes that are killed and restarted. */
import { describe, expect, it } from 'vitest'
import { keepRunning } from '../kit/keep-running.ts'
import { findFreePort, startServer } from '../kit/processes.ts'
import { join, startPair, untilTold, WORLDS } from './pairs.ts'

const LEAVE_CLEAN_MS = 1_000
const LEAVE_KILLED_MS = 3_000

const keep = keepRunning()

describe.each(WORLDS)('members reached $ways, $transport', { timeout: 90_000 }, (world) => {
  it('[F7] a clean leave is known within 1 s', async () => {
    const { alice, bob } = await startPair(keep, world)
    await Promise.all([bob.disconnect(), untilTold(alice, 'leave', 'bob', LEAVE_CLEAN_MS)])
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })

  it('[F3] a killed process leaves once, within 3 s', async () => {
    const { alice, bob } = await startPair(keep, world)
    await bob.end()
    await untilTold(alice, 'leave', 'bob', LEAVE_KILLED_MS)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'leave'])
  })

  it('[F1] a server killed and back within seconds tells nobody anything; values flow on, and a newcomer is in within 3 s', async () => {
    const port = await findFreePort()
    const { server, alice, bob } = await startPair(keep, world, port)
    await server.kill()
    await bob.update({ while: 'down' })
    const second = keep(await startServer(port))
    const carol = await join(keep, 'carol', second, world)
    await untilTold(alice, 'joined-room', 'carol', 3_000)
    await untilTold(alice, 'update', 'bob', 2_000)
    await bob.update({ while: 'up again' })
    await untilTold(alice, 'update', 'bob', 1_000, 2)
    await untilTold(carol, 'joined-room', 'bob', 3_000)
    expect(alice.toldOf('bob')).toEqual(['joined-room', 'update', 'update'])
    expect(bob.toldOf('alice')).toEqual(['joined-room'])
  })
})
