import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../lib/base/json.ts'
import { createLateTransport } from '../lib/late-transport.ts'
import type { Transport } from '../lib/wire/transport.ts'
import { createVirtualClock, settleMicrotasks } from './kit/virtual-clock.ts'

/** `failures`: how many loads fail first. */
function open({ failures = 0 } = {}) {
  const clock = createVirtualClock()
  const calls: unknown[] = []
  let loads = 0
  const inner: Transport = {
    publish: (state) => calls.push(['publish', state]),
    hold: (state) => calls.push(['hold', state]),
    send: ({ seq }, to) => calls.push(['send', seq, to]) > 0,
    stop: async (options) => void calls.push(['stop', options]),
    inspect: () => ({ paths: [], servers: [{ url: 'ws://a', state: 'open' }] }),
  }
  const transport = createLateTransport({
    clock,
    servers: ['ws://a'],
    async load() {
      loads += 1
      if (loads <= failures) throw new Error('offline')
      return () => inner
    },
  })
  return { clock, calls, transport, loads: () => loads }
}
const state = (n: number): JsonObject => ({ n })

describe('a transport that is loaded when it is needed', () => {
  it('[R17] says what was said last as soon as it is there, and from then on everything', async () => {
    const { calls, transport } = open()
    transport.publish(state(1))
    transport.hold(state(2))
    expect(transport.inspect().servers).toEqual([{ url: 'ws://a', state: 'connecting' }])
    await settleMicrotasks()
    transport.publish(state(3))
    transport.hold(state(4))
    transport.send({ clientId: 1 as never, seq: 5, body: '' })
    await transport.stop({ isImmediate: true })
    expect(calls).toEqual([
      ['publish', state(2)],
      ['publish', state(3)],
      ['hold', state(4)],
      ['send', 5, undefined],
      ['stop', { isImmediate: true }],
    ])
    expect(transport.inspect().servers).toEqual([{ url: 'ws://a', state: 'open' }])
  })

  it('[R17] is tried again every 5 s where it cannot be loaded', async () => {
    const { clock, calls, transport, loads } = open({ failures: 2 })
    transport.publish(state(1))
    await clock.advance(4_900)
    expect([loads(), calls]).toEqual([1, []])
    await clock.advance(10_000)
    expect([loads(), calls]).toEqual([3, [['publish', state(1)]]])
  })

  it('[R17] that is stopped first never begins, and leaves no timer', async () => {
    const early = open()
    await early.transport.stop()
    await settleMicrotasks()
    const failing = open({ failures: 9 })
    await settleMicrotasks()
    await failing.transport.stop()
    await failing.clock.advance(60_000)
    expect([early.calls, failing.loads(), failing.clock.timerCount()]).toEqual([[], 1, 0])
    expect(early.transport.inspect().servers).toEqual([{ url: 'ws://a', state: 'closed' }])
  })
})
