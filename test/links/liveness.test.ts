/** When a link asks by which carrier, on a time of its own. */
import { describe, expect, it } from 'vitest'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createLiveness } from '../../lib/links/liveness.ts'
import { createScheduler } from '../../lib/testing/scheduler.ts'

const carrierOf = (id: string, kind: Carrier['kind']): Carrier => ({
  ...{ id, kind, isPrivate: false },
  ...{ send: () => undefined, backlogBytes: () => 0, close: () => undefined },
})

/** One end of a pair, whose far end answers by the carriers in `answering`, once by none. */
function createEnd({ isFirstToAsk = true } = {}) {
  const scheduler = createScheduler()
  const carriers = new Map<string, Carrier>()
  const answering = new Set<string>()
  const askedMs: number[] = []
  const askedBy: string[] = []
  const silences: (readonly [atMs: number, silentMs: number])[] = []
  const liveness = createLiveness({
    clock: {
      moment: () => ({ unixMs: scheduler.nowMs(), steadyMs: scheduler.nowMs() }),
      setTimer: (fire, delayMs) => scheduler.after(delayMs, fire),
      defer: (task) => void scheduler.after(0, task),
    },
    isFirstToAsk,
    ping({ id }, token) {
      askedMs.push(scheduler.nowMs())
      askedBy.push(id)
      if (!answering.has(id)) return
      liveness.answered(id, token)
      liveness.heard(id)
    },
    onSilent: (silentMs) => silences.push([scheduler.nowMs(), silentMs]),
  })
  const add = (id: string, kind: Carrier['kind']) => {
    carriers.set(id, carrierOf(id, kind))
    answering.add(id)
    liveness.vouch([...carriers.values()].some((carrier) => carrier.kind === 'relay'))
  }
  const remove = (id: string) => {
    carriers.delete(id)
    answering.delete(id)
    liveness.vouch([...carriers.values()].some((carrier) => carrier.kind === 'relay'))
    liveness.ask([...carriers.values()])
  }
  const advance = async (ms: number) => {
    for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
      await scheduler.advance(250)
      const all = [...carriers.values()]
      liveness.tick(all[0], all)
    }
  }
  const ask = () => liveness.ask([...carriers.values()])
  return { liveness, ask, answering, askedMs, askedBy, silences, add, remove, advance }
}

describe('a pair for which a server vouches', () => {
  it.each([
    ['direct', 60_000],
    ['tab', 30_000],
    ['relay', 30_000],
  ] as const)(
    '[L50] asks by its best way, %s, every %i ms while nothing is said, the second end a second later; without the server every 3 s',
    async (kind, everyMs) => {
      for (const isFirstToAsk of [true, false]) {
        const end = createEnd({ isFirstToAsk })
        const extraMs = isFirstToAsk ? 0 : 1_000
        if (kind !== 'relay') end.add(kind, kind)
        end.add('relay:0', 'relay')
        if (kind === 'relay') end.add('via:carol', 'via')
        await end.advance(2 * everyMs + 2_000)
        expect(end.askedMs).toEqual([everyMs + extraMs, 2 * (everyMs + extraMs)])
        end.remove('relay:0')
        const fromMs = 2 * everyMs + 2_000
        await end.advance(9_000)
        expect(end.askedMs.slice(2).map((ms) => ms - fromMs)).toEqual(
          isFirstToAsk ? [0, 3_000, 6_000, 9_000] : [0, 4_000, 8_000],
        )
      }
    },
  )

  it('[L50] asks 1 s after a word, or 3 s after it was last heard, until its arrival is shown by the way that it went', async () => {
    const end = createEnd()
    end.add('direct', 'direct')
    end.add('relay:0', 'relay')
    await end.advance(1_000)
    end.liveness.said('direct')
    // It was under way before, or came by another way.
    end.liveness.heard('direct')
    end.liveness.answered('relay:0', 1)
    await end.advance(10_000)
    expect(end.askedMs).toEqual([4_000])
    end.liveness.said('direct')
    await end.advance(10_000)
    expect(end.askedMs).toEqual([4_000, 12_000])
    // Said by a way that is not the best any more.
    end.liveness.said('relay:0')
    await end.advance(68_000)
    expect(end.askedMs.slice(2)).toEqual([22_000, 82_000])
    expect(end.askedBy.slice(2)).toEqual(['relay:0', 'direct'])
  })

  it('[L50] asks on every 2 s where a question is not answered', async () => {
    const end = createEnd()
    end.add('relay:0', 'relay')
    end.answering.clear()
    await end.advance(35_000)
    expect(end.askedMs).toEqual([30_000, 32_000, 34_000])
  })

  it('[F4] is silent where the server does not tell, 11.5 s after the first question, which leaves room for a gap of 10 s', async () => {
    const end = createEnd()
    end.add('relay:0', 'relay')
    end.answering.clear()
    await end.advance(45_000)
    expect(end.silences).toEqual([[41_500, 14_500]])
  })

  it('[L58] is silent within 19 s where a server hides the end, but ICE tells within 7.5 s; for longer than a gap of 10 s', async () => {
    for (const toldMs of [0, 5_000, 7_500]) {
      const end = createEnd()
      end.add('direct', 'direct')
      end.add('relay:0', 'relay')
      await end.advance(20_000)
      end.answering.clear()
      await end.advance(toldMs)
      end.ask()
      await end.advance(30_000)
      expect(end.silences).toEqual([[20_000 + toldMs + 11_500, 14_500]])
    }
  })

  it('[L51] has not been silent while it was idle, nor is when the server ends; what is not answered then counts', async () => {
    const end = createEnd()
    end.add('direct', 'direct')
    end.add('relay:0', 'relay')
    await end.advance(11_000)
    expect([end.liveness.heardAgoMs(), end.liveness.silentForMs()]).toEqual([11_000, 0])
    end.answering.clear()
    end.remove('relay:0')
    expect(end.liveness.silentForMs()).toBe(0)
    await end.advance(5_000)
    expect(end.liveness.silentForMs()).toBe(5_000)
    await end.advance(6_250)
    expect(end.silences).toEqual([])
    await end.advance(250)
    expect(end.silences).toEqual([[22_500, 14_500]])
  })

  it.each([
    [8_000, 8_000, 6_500],
    [12_500, 12_500, 2_000],
    // It is told late: there is time to answer all the same.
    [60_000, 13_000, 1_500],
  ])(
    '[L51] a silence of %i ms that it is told of counts from its beginning, and ends with a sign of life',
    async (toldMs, countedMs, leftMs) => {
      for (const isAlive of [true, false]) {
        const end = createEnd({ isFirstToAsk: false })
        end.add('direct', 'direct')
        end.add('relay:0', 'relay')
        end.answering.clear()
        await end.advance(13_750)
        end.liveness.tellSilence(toldMs)
        end.remove('relay:0')
        expect(end.liveness.silentForMs()).toBe(countedMs)
        await end.advance(leftMs - 250)
        expect(end.silences).toEqual([])
        if (isAlive) end.liveness.heard('direct')
        await end.advance(500)
        expect(end.silences.length).toBe(isAlive ? 0 : 1)
      }
    },
  )

  it('[L52] is not silent under a lease, for its time or until its owner ends it, and not for a sign of life alone', async () => {
    for (const endsBy of ['time', 'word'] as const) {
      const end = createEnd()
      end.add('relay:0', 'relay')
      end.liveness.lease(300_000)
      end.liveness.heard('relay:0')
      end.answering.clear()
      await end.advance(120_000)
      expect([end.silences.length, end.liveness.silentForMs()]).toEqual([0, 0])
      // Asked as seldom as one that answers.
      expect(end.askedMs).toHaveLength(4)
      if (endsBy === 'word') end.liveness.lease(0)
      else await end.advance(180_000)
      await end.advance(11_250)
      expect(end.silences).toEqual([])
      await end.advance(250)
      expect(end.silences).toHaveLength(1)
    }
  })

  it('[L52] is silent under a lease as under none once no server vouches, and from when the last one tells of its silence', async () => {
    for (const told of [true, false]) {
      const end = createEnd()
      end.add('direct', 'direct')
      end.add('relay:0', 'relay')
      if (told) end.add('relay:1', 'relay')
      end.liveness.lease(300_000)
      end.answering.clear()
      await end.advance(60_000)
      end.remove('relay:0')
      if (told) {
        // As long as another server stands for it, one that has lost it is not believed.
        end.liveness.tellSilence(12_500)
        expect(end.liveness.silentForMs()).toBe(0)
        end.remove('relay:1')
        end.liveness.tellSilence(12_500)
      }
      expect(end.liveness.silentForMs()).toBe(told ? 12_500 : 0)
      await end.advance(told ? 1_750 : 11_250)
      expect(end.silences).toEqual([])
      await end.advance(250)
      expect(end.silences).toHaveLength(1)
    }
  })

  it('[F4] without a server silence counts from the last sign of life', async () => {
    const end = createEnd({ isFirstToAsk: false })
    end.add('direct', 'direct')
    await end.advance(2_000)
    end.liveness.heard('direct')
    end.answering.clear()
    await end.advance(2_000)
    expect(end.liveness.silentForMs()).toBe(2_000)
    await end.advance(12_500)
    expect(end.silences).toEqual([[16_500, 14_500]])
  })
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

it('[L28] a carrier that did not answer is asked once a second while something comes by it, until it does', async () => {
  const { add, advance, answering, askedMs, liveness } = createEnd()
  add('direct', 'direct')
  const direct = carrierOf('direct', 'direct')
  const hear = async (times: number) => {
    for (let left = times; left > 0; left--) {
      liveness.heard('direct')
      liveness.askHeard(direct)
      await advance(250)
    }
  }
  await hear(4)
  expect(askedMs).toEqual([])
  answering.clear()
  liveness.ask([direct])
  askedMs.length = 0
  await hear(8)
  expect(askedMs).toEqual([])
  await hear(8)
  expect(askedMs.map((atMs) => atMs - (askedMs[0] ?? 0))).toEqual([0, 1_000])
  answering.add('direct')
  await hear(16)
  // And once more, to learn how soon it answers now.
  expect(askedMs).toHaveLength(4)
})

it('[L62] whoever was given up is believed by an answer that is newer than that, and not by one to an older question', async () => {
  const { add, answering, ask, advance, liveness } = createEnd()
  add('relay:0', 'relay')
  answering.clear()
  ask()
  liveness.estrange()
  ask()
  await advance(250)
  // Lost first, and given up now: what was asked in between was answered by who was still here.
  liveness.estrange()
  for (const token of [1, 2]) {
    liveness.answered('relay:0', token)
    expect(liveness.isEstranged()).toBe(true)
  }
  liveness.askFresh(carrierOf('relay:0', 'relay'))
  liveness.answered('relay:0', 3)
  expect(liveness.isEstranged()).toBe(false)
})

it('[L64] a way that has become slow is asked once more, is measured, and is patient from then on', async () => {
  const scheduler = createScheduler()
  let roundTripMs = 20
  let questions = 0
  const direct = carrierOf('direct', 'direct')
  const relay = carrierOf('relay:0', 'relay')
  const liveness = createLiveness({
    clock: {
      moment: () => ({ unixMs: scheduler.nowMs(), steadyMs: scheduler.nowMs() }),
      setTimer: (fire, delayMs) => scheduler.after(delayMs, fire),
      defer: (task) => void scheduler.after(0, task),
    },
    isFirstToAsk: true,
    ping({ id }, token) {
      questions += 1
      scheduler.after(roundTripMs, () => {
        liveness.answered(id, token)
        liveness.heard(id)
      })
    },
    onSilent: () => undefined,
  })
  liveness.vouch(true)
  const beat = async (beats: number) => {
    for (let left = beats; left > 0; left--) {
      await scheduler.advance(250)
      liveness.tick(direct, [direct, relay])
    }
  }
  const talk = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      scheduler.after(left, () => {
        liveness.heard('direct')
        liveness.said('direct')
      })
    }
    await beat(ms / 250)
  }
  liveness.ask([direct])
  await talk(2_000)
  expect(liveness.roundTripMs('direct')).toBe(20)
  roundTripMs = 450
  questions = 0
  // A pause in the talk: what is asked then takes longer than it may.
  await beat(2)
  expect(liveness.isSuspect('direct')).toBe(true)
  await talk(10_000)
  expect([questions, liveness.roundTripMs('direct')]).toEqual([2, 450])
  // The next pause is no reason to doubt.
  await beat(3)
  expect([questions, liveness.isSuspect('direct')]).toEqual([3, false])
})

it('[L28] an answer to a question from before the open one is none to that', async () => {
  const { add, answering, ask, advance, liveness } = createEnd()
  add('direct', 'direct')
  answering.clear()
  ask()
  await advance(2_000)
  liveness.answered('direct', 1)
  ask()
  liveness.answered('direct', 1)
  expect(liveness.roundTripMs('direct')).toBeUndefined()
  await advance(250)
  liveness.answered('direct', 2)
  expect(liveness.roundTripMs('direct')).toBe(250)
})
