/** The canary: where the awareness clock stands still, every test on fake time would be green for nothing. */
import { getUnixTime } from 'lib0/time'
import { expect, it } from 'vitest'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { advance, FAKE_START_MS } from './fake-time.ts'

/** y-protocols' own constant: 30 s without a renewal, looked at every 3 s. */
const AWARENESS_TIMEOUT_MS = 30_000
const AWARENESS_CHECK_MS = 3_000

it('[H10] the clock that lib0 keeps from import moves with the fake one', async () => {
  expect(getUnixTime()).toBe(Date.now())
  const before = getUnixTime()
  await advance(12_345)
  expect(getUnixTime() - before).toBe(12_345)
  expect(getUnixTime()).toBeGreaterThanOrEqual(FAKE_START_MS + 12_345)
})

it('[H10] a silent awareness entry goes after its timeout of fake time, and not before', async () => {
  const alice = new Awareness(new Y.Doc())
  const bob = new Awareness(new Y.Doc())
  bob.setLocalState({ name: 'bob' })
  applyAwarenessUpdate(alice, encodeAwarenessUpdate(bob, [bob.clientID]), 'test')
  bob.destroy()
  await advance(AWARENESS_TIMEOUT_MS - AWARENESS_CHECK_MS)
  expect(alice.getStates().has(bob.clientID)).toBe(true)
  await advance(2 * AWARENESS_CHECK_MS)
  expect(alice.getStates().has(bob.clientID)).toBe(false)
  alice.destroy()
})
