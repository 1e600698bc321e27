/** `publish` where it is hardest: over the relay alone, with the real server and each transport. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Channel, Realtime, RealtimeMessage } from '../../lib/index.ts'
import { until } from '../kit/until.ts'
import { createWorld, type World } from '../kit/worlds.ts'

const MEET_MS = 10_000
/** Three times what goes out at once. */
const LARGE_BURST = { count: 72, characters: 16_000 }
const MANY = 2_500
/** More than goes out at once: the rest waits while the server is away. */
const BURST = 1_500

describe.each(['links', 'yjs'] as const)('messages over %s and the relay alone', { timeout: 60_000 }, (transport) => {
  let world: World
  let realtimes: Realtime[]
  beforeEach(async () => {
    realtimes = []
    world = await createWorld({ hasRelay: true, hasWebRtc: false, hasTabs: false, transport })
  })
  afterEach(async () => {
    await Promise.all(realtimes.map((realtime) => realtime.destroy()))
    await world.close()
  })

  async function join(id: string) {
    const realtime = world.createRealtime({ participant: { id } })
    realtimes.push(realtime)
    const channel = await realtime.connect('messages')
    const heard: unknown[] = []
    const left: string[] = []
    channel.subscribe('chat', ({ data }: RealtimeMessage) => heard.push(data))
    channel.participant.subscribe('presence.leave', ({ id: who }) => left.push(who))
    return { id, channel, heard, left }
  }
  const untilMet = (...channels: Channel[]) =>
    until('all to meet', () => channels.every((each) => each.participant.getAll().length === channels.length), {
      timeoutMs: MEET_MS,
      seen: () => channels.map((each) => each.inspect()),
    })
  const untilHeard = (member: { id: string; heard: unknown[]; channel: Channel }, count: number, timeoutMs = MEET_MS) =>
    until(`${member.id} to hear ${count} messages`, () => member.heard.length >= count, {
      timeoutMs,
      seen: () => [member.heard.length, member.channel.inspect()],
    })
  const count = (to: number) => Array.from({ length: to }, (_, index) => index + 1)

  it('[M8] what is published while the server restarts reaches the members, in order, and nobody left', async () => {
    const [alice, bob, carol] = [await join('alice'), await join('bob'), await join('carol')]
    await untilMet(alice.channel, bob.channel, carol.channel)
    const restart = await world.stopServer()
    for (const n of count(20)) alice.channel.publish('chat', n)
    await restart()
    for (const member of [bob, carol]) await untilHeard(member, 20)
    alice.channel.publish('chat', 21)
    for (const member of [bob, carol]) await untilHeard(member, 21)
    for (const member of [alice, bob, carol]) expect([member.heard, member.left]).toEqual([count(21), []])
  })

  it('[M8] nor does a burst lose any that was on its way to a server that dies', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    await untilMet(alice.channel, bob.channel)
    for (const n of count(BURST)) alice.channel.publish('chat', n)
    await untilHeard(bob, 1)
    const restart = await world.stopServer()
    await restart()
    await untilHeard(bob, BURST, 30_000)
    expect([bob.heard, bob.left]).toEqual([count(BURST), []])
  })

  it('[M5] a welcome from a joined-room listener reaches each of three who come at once', async () => {
    const alice = await join('alice')
    alice.channel.participant.subscribe('presence.joined-room', ({ id }) => alice.channel.publish('chat', `hi ${id}`))
    const newcomers = await Promise.all(['bob', 'carol', 'dave'].map(join))
    for (const newcomer of newcomers) {
      await until(`${newcomer.id} to be welcomed`, () => newcomer.heard.includes(`hi ${newcomer.id}`), {
        timeoutMs: MEET_MS,
        seen: () => [newcomer.heard, newcomer.channel.inspect()],
      })
    }
  })

  it('[M6] a burst beyond the server’s rates arrives whole, in order, and cuts nobody off', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    await untilMet(alice.channel, bob.channel)
    const large = 'x'.repeat(LARGE_BURST.characters)
    for (const n of count(LARGE_BURST.count)) alice.channel.publish('chat', `${n} ${large}`)
    await untilHeard(bob, LARGE_BURST.count)
    expect(bob.heard.map((text) => Number.parseInt(String(text), 10))).toEqual(count(LARGE_BURST.count))
    bob.heard.length = 0
    for (const n of count(MANY)) alice.channel.publish('chat', n)
    await untilHeard(bob, MANY, 20_000)
    expect([bob.heard, bob.left]).toEqual([count(MANY), []])
  })
})
