import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import { encodeAwarenessUpdate } from '../../lib/wire/awareness-update.ts'
import { encodeAwarenessFrame, encodeEndedFrame, encodeMessageFrame, QUERY_FRAME } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'
import { createMember, freshRoom, untilMet } from './kit.ts'
import { describe as inWords } from './raw-relay.ts'

const BOB = { clientId: 5 as ClientId }
const entryFrame = (clock: number, state: object | null, clientId: ClientId = BOB.clientId) =>
  encodeAwarenessFrame(encodeAwarenessUpdate({ clientId, clock, state: state as never }))

/** A tab under the test's hand. */
function openTab(room: string) {
  const channel = new BroadcastChannel(`copresence:${room}`)
  const frames: string[] = []
  channel.onmessage = (event) => void frames.push(inWords((event as MessageEvent<Uint8Array>).data))
  onTestFinished(() => channel.close())
  return { frames, post: (data: unknown) => channel.postMessage(data) }
}

describe('tabs', () => {
  it('[Y1] members of one process meet without a server, and hear values, messages and the goodbye', async () => {
    const room = freshRoom()
    const [alice, bob] = [createMember({ room, tabs: true }), createMember({ room, tabs: true })]
    alice.say('a')
    bob.say('b')
    await untilMet([alice, bob], 'tab')
    alice.transport.send({ clientId: alice.clientId, seq: 1, body: 'hi' })
    alice.say('a2')
    await until('the value', () => bob.heard(alice, 'tab') === 'a2')
    expect(bob.messages.map(({ path, message }) => [path.kind, message.body])).toEqual([['tab', 'hi']])
    await alice.transport.stop()
    await until('the goodbye', () => bob.told(alice).at(-1) === 'tab goodbye')
  })

  it('[Y3] a start is one query, a publish is one post, and a query is answered under a fresh clock', async () => {
    const room = freshRoom()
    const tab = openTab(room)
    const alice = createMember({ room, tabs: true })
    alice.say('a')
    tab.post(QUERY_FRAME)
    await until('three posts', () => tab.frames.length === 3)
    expect(tab.frames).toEqual(['query', `entry ${alice.clientId}@1 "a"`, `entry ${alice.clientId}@2 "a"`])
  })

  it('[Y10] posts that are no frames are counted, and the tab goes on', async () => {
    const room = freshRoom()
    const tab = openTab(room)
    const alice = createMember({ room, tabs: true })
    for (const junk of [
      'text',
      null,
      { a: 1 },
      new ArrayBuffer(4),
      Uint8Array.of(1, 200),
      encodeEndedFrame(BOB.clientId),
    ]) {
      tab.post(junk)
    }
    tab.post(encodeMessageFrame({ clientId: BOB.clientId, seq: 1, body: 'too early' }))
    tab.post(entryFrame(1, { text: 'fine' }))
    await until('the good frame', () => alice.heard(BOB, 'tab') === 'fine')
    expect(alice.rejects.totals()).toEqual({ malformed: 5, 'unknown-frame': 1, 'not-owner': 1 })
  })

  it('[Y21] a tab that is silent for 30 s is asked once, and closed 5 s later only if it does not answer', async () => {
    const room = freshRoom()
    const clock = createVirtualClock()
    const tab = openTab(room)
    const alice = createMember({ room, tabs: true, clock })
    const CAROL = { clientId: 6 as ClientId }
    tab.post(entryFrame(1, {}))
    tab.post(entryFrame(1, {}, CAROL.clientId))
    await until('both', () => alice.hasPath(BOB, 'tab') && alice.hasPath(CAROL, 'tab'))
    await clock.advance(29_000)
    expect(tab.frames).toEqual(['query'])
    await clock.advance(2_000)
    await until('the question', () => tab.frames.length === 2)
    tab.post(entryFrame(2, { text: 'still here' }, CAROL.clientId))
    await until('the answer', () => alice.heard(CAROL) === 'still here')
    await clock.advance(5_000)
    expect(alice.told(BOB)).toEqual(['tab entry', 'tab closed'])
    expect(alice.told(CAROL)).toEqual(['tab entry', 'tab entry'])
  })

  it('[Y19] the entry is renewed 15 s after it was last sent, under a fresh clock', async () => {
    const room = freshRoom()
    const clock = createVirtualClock()
    const tab = openTab(room)
    const alice = createMember({ room, tabs: true, clock })
    alice.say('a')
    await clock.advance(10_000)
    alice.say('b')
    await clock.advance(14_900)
    await until('two entries', () => tab.frames.length === 3)
    await clock.advance(200)
    await until('the renewal', () => tab.frames.length === 4)
    await clock.advance(15_000)
    await until('the next renewal', () => tab.frames.length === 5)
    expect(tab.frames.slice(1).map((frame) => frame.slice(-5))).toEqual(['1 "a"', '2 "b"', '3 "b"', '4 "b"'])
  })

  it('[Y19] with timers that stand still, as in a hidden tab, any frame that comes makes up for the renewal', async () => {
    const room = freshRoom()
    const clock = createVirtualClock()
    const tab = openTab(room)
    const alice = createMember({ room, tabs: true, clock })
    alice.say('a')
    clock.sleep(16_000)
    tab.post(entryFrame(1, {}))
    await until('the renewal', () => tab.frames.length === 3, { seen: () => tab.frames })
    tab.post(entryFrame(2, { text: 'again' }))
    await until('the second frame', () => alice.heard(BOB) === 'again')
    expect(tab.frames).toEqual(['query', `entry ${alice.clientId}@1 "a"`, `entry ${alice.clientId}@2 "a"`])
  })

  it('[Y16] who has another secret, or none, is not met', async () => {
    const room = freshRoom()
    const [alice, bob, carol, stranger] = ['sesame', 'sesame', 'other', undefined].map((secret) =>
      createMember({ room, tabs: true, ...(secret === undefined ? {} : { secret }) }),
    )
    if (!alice || !bob || !carol || !stranger) throw new Error('four members')
    for (const member of [alice, bob, carol, stranger]) member.say('hello')
    await untilMet([alice, bob], 'tab')
    for (const member of [carol, stranger]) expect(member.evidence).toEqual([])
    expect(alice.told(carol)).toEqual([])
  })

  it('[Y26] without BroadcastChannel, or where it is forbidden, there are no tabs and nothing throws', async () => {
    const forbidden = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    for (const substitute of [undefined, forbidden]) {
      vi.stubGlobal('BroadcastChannel', substitute)
      onTestFinished(() => void vi.unstubAllGlobals())
      const alice = createMember({ room: freshRoom(), tabs: true })
      alice.say('a')
      await alice.transport.stop()
      expect(alice.transport.inspect()).toEqual({ paths: [], servers: [] })
    }
  })
})
