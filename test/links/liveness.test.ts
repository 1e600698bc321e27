/** When a link asks by which carrier, on a time of its own. */
import { expect, it } from 'vitest'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createLiveness } from '../../lib/links/liveness.ts'
import { createScheduler } from '../../lib/testing/scheduler.ts'

const carrierOf = (id: string, kind: Carrier['kind']): Carrier => ({
  ...{ id, kind, isPrivate: false },
  ...{ send: () => undefined, backlogBytes: () => 0, close: () => undefined },
})

it('[L28] a better carrier that did not answer is asked again every 5 s, whatever else is asked, until it does', async () => {
  const scheduler = createScheduler()
  const [relay, via] = [carrierOf('relay:0', 'relay'), carrierOf('via:bob', 'via')]
  const askedMs: number[] = []
  const liveness = createLiveness({
    clock: {
      moment: () => ({ unixMs: scheduler.nowMs(), steadyMs: scheduler.nowMs() }),
      setTimer: (fire, delayMs) => scheduler.after(delayMs, fire),
      defer: (task) => void scheduler.after(0, task),
    },
    isFirstToAsk: true,
    ping({ id }, token) {
      if (id === relay.id) askedMs.push(scheduler.nowMs())
      else liveness.answered(id, token)
    },
    onSilent: () => undefined,
  })
  const beat = async (beats: number) => {
    for (let left = beats; left > 0; left--) {
      await scheduler.advance(250)
      liveness.tick(via, [relay, via])
      liveness.askSuspects(liveness.isSuspect(relay.id) ? [relay] : [])
    }
  }
  liveness.ask([relay])
  await beat(80)
  expect(askedMs).toEqual([0, 2_000, 7_000, 12_000, 17_000])
  liveness.answered(relay.id)
  await beat(40)
  expect(askedMs).toHaveLength(5)
})
