/** What `copresence/testing` promises: each fault does what its name says, and one seed is one run. */
import { type Channel, PresenceEvents, type Realtime } from 'copresence'
import { createTestNetwork, type MemberOptions, type TestNetwork, type TestNetworkOptions } from 'copresence/testing'
import { describe, expect, it } from 'vitest'

interface Member {
  readonly realtime: Realtime
  readonly channel: Channel
  readonly told: string[]
  ids(): string[]
}

async function join(network: TestNetwork, id: string, options?: MemberOptions, servers?: string[]): Promise<Member> {
  const realtime = network.createRealtime(
    { participant: { id }, ...(servers === undefined ? {} : { servers }) },
    options ?? {},
  )
  const channel = await realtime.connect('room')
  const told: string[] = []
  for (const event of [PresenceEvents.JOINED_ROOM, PresenceEvents.UPDATE, PresenceEvents.LEAVE])
    channel.participant.subscribe(event, ({ id: who, data }) =>
      told.push(`${network.now()} ${event.split('.')[1]} ${who} ${JSON.stringify(data)}`),
    )
  return { realtime, channel, told, ids: () => channel.participant.getAll().map((member) => member.id) }
}

async function meet(options?: TestNetworkOptions): Promise<{ network: TestNetwork; alice: Member; bob: Member }> {
  const network = createTestNetwork(options)
  const [alice, bob] = [await join(network, 'alice'), await join(network, 'bob')]
  await network.advance(2_000)
  expect(alice.ids()).toEqual(['alice', 'bob'])
  return { network, alice, bob }
}

const leavesOf = ({ told }: Member): number => told.filter((line) => line.includes(' leave ')).length
const talk = ({ channel }: Member, v: number): void => channel.participant.update({ v })
const shown = ({ channel }: Member, who: string): unknown =>
  channel.participant.getAll().find(({ id }) => id === who)?.data

describe('a test network', () => {
  it('[V6] partition keeps two from each other, or groups, until heal; a server still serves two', async () => {
    const { network, alice, bob } = await meet()
    network.partition(alice.realtime, bob.realtime)
    await network.advance(20_000)
    talk(alice, 1)
    await network.advance(1_000)
    expect(shown(bob, 'alice')).toEqual({ v: 1 })
    network.partition([[alice.realtime], [bob.realtime, 'server']])
    await network.advance(16_000)
    expect([alice.ids(), bob.ids()]).toEqual([['alice'], ['bob']])
    network.heal()
    await network.advance(3_000)
    expect([alice.ids(), bob.ids()]).toEqual([
      ['alice', 'bob'],
      ['alice', 'bob'],
    ])
    expect([leavesOf(alice), leavesOf(bob)]).toEqual([1, 1])
  })

  it('[V6] drop costs time and no value', async () => {
    const { network, alice, bob } = await meet()
    network.drop(0.3)
    for (let v = 0; v < 20; v++) {
      talk(alice, v)
      await network.advance(300)
    }
    await network.advance(5_000)
    expect(shown(bob, 'alice')).toEqual({ v: 19 })
    const routes = new Set<string>()
    network.drop(({ carrier, from, to }) => {
      routes.add(`${from} ${to}`)
      return carrier === 'direct' && from === 'alice' && to === 'bob'
    })
    talk(alice, 100)
    await network.advance(200)
    expect(shown(bob, 'alice')).toEqual({ v: 19 })
    expect([...routes]).toContain('alice bob')
    network.heal()
    await network.advance(3_000)
    expect(shown(bob, 'alice')).toEqual({ v: 100 })
    expect(leavesOf(bob)).toBe(0)
  })

  it('[V6] kill ends a member within 3 s; pause silences it, and resume brings it back', async () => {
    const { network, alice, bob } = await meet()
    const carol = await join(network, 'carol')
    await network.advance(2_000)
    network.kill(carol.realtime)
    await network.advance(3_000)
    expect(alice.ids()).toEqual(['alice', 'bob'])
    network.pause(bob.realtime)
    await network.advance(15_500)
    expect(alice.ids()).toEqual(['alice'])
    network.resume(bob.realtime)
    await network.advance(3_000)
    expect([alice.ids(), bob.ids()]).toEqual([
      ['alice', 'bob'],
      ['alice', 'bob'],
    ])
    expect(leavesOf(bob)).toBe(1)
  })

  it('[V6] a stopped server parts nobody, and introduces nobody until it starts', async () => {
    const { network, alice } = await meet()
    network.stopServer()
    const carol = await join(network, 'carol')
    await network.advance(5_000)
    expect([carol.ids(), alice.ids()]).toEqual([['carol'], ['alice', 'bob']])
    network.startServer()
    await network.advance(5_000)
    expect(carol.ids()).toEqual(['alice', 'bob', 'carol'])
    expect(leavesOf(alice)).toBe(0)
  })

  it('[V6] tabs of one browser meet without a server, others do not; webrtc and relay can be taken away', async () => {
    const network = createTestNetwork()
    const here = { browser: 'one' }
    const [alice, tab] = [await join(network, 'alice', here, []), await join(network, 'tab', here, [])]
    const far = await join(network, 'far', { browser: 'another' }, [])
    const apart = { webrtc: false, relay: false }
    const [dave, erin] = [await join(network, 'dave', apart), await join(network, 'erin', apart)]
    await network.advance(5_000)
    expect([alice.ids(), tab.ids(), far.ids()]).toEqual([['alice', 'tab'], ['alice', 'tab'], ['far']])
    expect([dave.ids(), erin.ids()]).toEqual([['dave'], ['erin']])
  })

  it('[V7] one seed is one run: the same events at the same times; another seed is another', async () => {
    const run = async (seed: number): Promise<string[]> => {
      const { network, alice, bob } = await meet({ seed })
      network.drop(0.2)
      for (let v = 0; v < 10; v++) {
        talk(bob, v)
        await network.advance(150)
      }
      await network.advance(3_000)
      return [...alice.told, ...bob.told]
    }
    const first = await run(3)
    expect(await run(3)).toEqual(first)
    expect(await run(4)).not.toEqual(first)
  })

  it('[V8] nothing happens but in advance, and what makes no sense throws', async () => {
    const { network, alice, bob } = await meet()
    const before = network.now()
    talk(alice, 1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(shown(bob, 'alice')).toEqual({})
    expect(network.now()).toBe(before)
    const advancing = network.advance(1_000)
    await expect(network.advance(1)).rejects.toThrow('still running')
    await advancing
    expect(network.now()).toBe(before + 1_000)
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, '2000' as never])
      await expect(network.advance(ms)).rejects.toThrow(RangeError)
    expect(() => createTestNetwork({ seed: 0.5 })).toThrow('whole number')
    for (const delayMs of [5, [5], [40, 5], [-5, 5], [Number.NaN, 5]] as never[])
      expect(() => createTestNetwork({ delayMs })).toThrow('delayMs is [least, most]')
    expect(() => network.drop(2)).toThrow('from 0 to 1')
    expect(() => network.createRealtime({ transport: 'yjs' })).toThrow('needs real sockets')
    expect(() => network.partition(alice.realtime, undefined as never)).toThrow('two Realtimes, or a list of groups')
    const tabs = ['one', 'other'].map((id) => network.createRealtime({ participant: { id } }, { browser: 'Firefox' }))
    const [tab, otherTab] = tabs as [Realtime, Realtime]
    for (const groups of [
      [[tab], [otherTab]],
      [[alice.realtime], [bob.realtime, alice.realtime]],
    ])
      expect(() => network.partition(groups)).toThrow('no network parts one machine from itself')
    expect(() => network.partition(tab, otherTab)).toThrow('"Firefox"')
    const stranger = createTestNetwork().createRealtime({ participant: { id: 'stranger' } })
    expect(() => network.kill(stranger)).toThrow('not made by createRealtime of this network')
  })
})
