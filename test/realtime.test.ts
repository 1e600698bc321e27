import { describe, expect, it, vi } from 'vitest'
import { systemRandom } from '../lib/base/random.ts'
import Default, { createSecret, PresenceError, Realtime, RealtimeComponentEvent } from '../lib/index.ts'
import type { RealtimeOptions } from '../lib/options.ts'
import { createRealtime } from '../lib/realtime.ts'
import { createSignalingServer } from '../signaling-server/index.ts'
import { createTestWorld } from './kit/members.ts'
import { createMemoryNetwork } from './kit/memory-network.ts'
import { type TestTransportNeeds, travelOver } from './kit/travel.ts'
import { createVirtualClock, settleMicrotasks } from './kit/virtual-clock.ts'

const errorOf = (run: () => unknown): PresenceError => {
  try {
    run()
  } catch (error) {
    if (error instanceof PresenceError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A Realtime whose transports are only looked at. */
function createWatched(first?: unknown, second?: RealtimeOptions) {
  const needs: TestTransportNeeds[] = []
  const network = createMemoryNetwork()
  const clock = createVirtualClock()
  const realtime: Realtime = Reflect.construct(Realtime, [
    first,
    second,
    {
      clock,
      random: systemRandom,
      page: undefined,
      createTravel: travelOver((given) => {
        needs.push(given)
        return network.createTransport(given)
      }),
    },
  ])
  return { realtime, needs, clock }
}

describe('construction', () => {
  it('[R1] takes options, or the auth argument of the documented API: its string or clientId is the app, options.app wins', async () => {
    const roomOf = async (first?: unknown, second?: RealtimeOptions) => {
      const { realtime, needs } = createWatched(first, second)
      await realtime.connect('room')
      return needs[0]?.room
    }
    expect(Default).toBe(Realtime)
    expect(await roomOf()).toBe('room')
    expect(await roomOf({ app: 'shop' })).toBe('shop:room')
    expect(await roomOf('key')).toBe('key:room')
    expect(await roomOf('key', { app: 'shop' })).toBe('shop:room')
    expect(await roomOf({ clientId: 'client', secret: 'never used' })).toBe('client:room')
    expect(await roomOf({ clientId: 'client', secret: 's' }, { app: 'shop' })).toBe('shop:room')
    expect(await roomOf(undefined, { app: 'shop' })).toBe('shop:room')
  })

  it('[R1] two arguments of which the first is no auth are refused', () => {
    for (const first of [5, null, { participant: { id: 'luke' } }]) {
      expect(errorOf(() => Reflect.construct(Realtime, [first, {}])).code).toBe('invalid-option')
    }
  })

  it('[R1] the secret of the auth argument is ignored, that of the options is used', async () => {
    const { realtime, needs } = createWatched({ clientId: 'client', secret: 'hosted' })
    await realtime.connect('room')
    expect(needs[0]?.settings.secret).toBeUndefined()
    const other = createWatched({ clientId: 'client', secret: 'hosted' }, { secret: 'ours' })
    await other.realtime.connect('room')
    expect(other.needs[0]?.settings.secret).toBe('ours')
  })

  it('[R2] a bad participant id or name throws at once, with its code and the value', () => {
    for (const id of ['', 'a', 'x'.repeat(65), 'no:colon', 7, null, undefined]) {
      const error = errorOf(() => new Realtime({ participant: { id: id as string } }))
      expect([error.code, error instanceof Error]).toEqual(['invalid-id', true])
    }
    expect(errorOf(() => new Realtime({ participant: { id: 'no:colon' } })).message).toContain('"no:colon"')
    const named = errorOf(() => new Realtime({ participant: { id: 'luke', name: 7 as unknown as string } }))
    expect([named.code, named.message]).toEqual(['invalid-name', expect.stringContaining('7')])
    for (const id of ['ab', 'x'.repeat(64), 'Ünï-_&@+=,(){}[]/«».|\'"# 9', 'a\tb'])
      new Realtime({ participant: { id } })
  })

  it('[R11] a bad option throws invalid-option and says which, the value and what would do', () => {
    const bad: [RealtimeOptions, string][] = [
      [{ servers: 'ws://x' as never }, '"ws://x"'],
      [{ servers: ['http://x'] }, '"http://x"'],
      [{ servers: ['ws://x?y=1'] }, 'query'],
      [{ servers: [' ws://x'] }, '" ws://x"'],
      [{ servers: ['ws://x#'] }, 'query'],
      [{ servers: new Array(1) }, 'undefined'],
      [{ maxDataBytes: 1 }, '1'],
      [{ maxDataBytes: null as never }, 'null'],
      [{ iceServers: [5] as never }, 'iceServers'],
      [{ app: 'half \ud800' }, 'app'],
      [{ servers: ['not a url'] }, '"not a url"'],
      [{ updateIntervalMs: -1 }, '-1'],
      [{ updateIntervalMs: Number.NaN }, 'NaN'],
      [{ maxDataBytes: 65_537 }, '65537'],
      [{ maxDataBytes: 0.5 }, '0.5'],
      [{ webrtc: true as never }, 'true'],
      [{ transport: 'carrier pigeon' as never }, 'carrier pigeon'],
      [{ webrtc: { RTCPeerConnection: 'x' } }, 'webrtc'],
      [{ iceServers: {} as never }, 'iceServers'],
      [{ iceServers: [{}] as never }, 'iceServers'],
      [{ iceServers: [{ urls: 'http://x' }] }, 'stun: or turn:'],
      [{ iceServers: [{ urls: [] }] }, 'stun: or turn:'],
      [{ iceServers: [{ urls: 'stun:' }] }, 'stun: or turn:'],
      [{ iceServers: [{ urls: 'turn:x', username: '', credential: '' }] }, 'stun: or turn:'],
      [{ iceServers: [{ urls: ['stun:x', 'turn:x'] }] }, 'with username and credential'],
      [{ iceServers: [{ urls: 'turn:x', username: 'me', credential: 5 as never }] }, '(not shown)'],
      [{ app: 7 as never }, '7'],
      [{ debug: 'yes' as never }, '"yes"'],
      [{ participant: 'luke' as never }, '"luke"'],
      [{ token: 'abc' } as never, 'token'],
      [null as never, 'null'],
      [{ secrt: 'hush' } as never, 'no option named "secrt"'],
      [{ participant: { id: 'luke' }, server: [] } as never, 'no option named "server"'],
    ]
    for (const [options, shown] of bad) {
      const error = errorOf(() => new Realtime(options))
      expect([options, error.code]).toEqual([options, 'invalid-option'])
      expect(error.message).toContain(shown)
    }
    new Realtime({
      environment: 'dev',
      debug: false,
      updateIntervalMs: 0,
      maxDataBytes: 65_536,
      webrtc: false,
      servers: ['wss://x/path/'],
      ...({ unknownYet: undefined } as object),
    })
  })

  it('[R12] without a participant the id is sv- and 30 of [a-z0-9], without a name it is empty', async () => {
    const { realtime } = createWatched()
    const channel = await realtime.connect('room')
    const [self] = channel.participant.getAll()
    expect(self?.id).toMatch(/^sv-[a-z0-9]{30}$/)
    expect(self?.name).toBe('')
  })

  it('[R14] neither an error nor the debug log shows a secret or a payload', async () => {
    expect(errorOf(() => new Realtime({ secret: 'x'.repeat(2_000) })).message).not.toContain('xx')
    expect(errorOf(() => new Realtime({ servers: ['ws://x?token=hush'] })).message).not.toContain('hush')
    const channelOptions = { sync: 'yes', doc: { text: 'hush' } } as never
    expect(errorOf(() => void createWatched().realtime.connect('room', channelOptions)).message).not.toContain('hush')
    expect(errorOf(() => new Realtime({ clientId: 7 as unknown as string, secret: 'hush' })).message).not.toContain(
      'hush',
    )
    const lines: unknown[][] = []
    const debug = vi.spyOn(console, 'debug').mockImplementation((...line) => void lines.push(line))
    const world = createTestWorld()
    const alice = await world.join('alice', { debug: true, secret: 'hush-hush' })
    const bob = await world.join('bob', { secret: 'hush-hush' })
    bob.channel.participant.update({ card: 'payload-4711' })
    bob.channel.publish('chat', 'payload-4711')
    await world.settle()
    await bob.destroy()
    await world.settle()
    debug.mockRestore()
    expect(alice.told).toHaveLength(4)
    expect(lines.length).toBeGreaterThan(1)
    expect(JSON.stringify(lines)).not.toMatch(/hush-hush|payload-4711/)
  })

  it('[R19] the debug log tells every state of a server, also of one that cannot be reached', async () => {
    const lines: string[] = []
    const debug = vi.spyOn(console, 'debug').mockImplementation((line: string) => void lines.push(line))
    const realtime = new Realtime({ servers: ['ws://127.0.0.1:1'], webrtc: false, debug: true })
    await realtime.connect('room')
    const states = () => ['connecting', 'closed'].filter((state) => lines.some((line) => line.includes(`"${state}"`)))
    await expect.poll(states, { timeout: 5_000 }).toEqual(['connecting', 'closed'])
    await realtime.destroy()
    debug.mockRestore()
  })

  it('[R19] the debug log tells why a server refuses us, where it says so', async () => {
    const server = createSignalingServer({ port: 0, hosts: ['presence.example.org'] })
    await server.ready
    const lines: string[] = []
    const debug = vi.spyOn(console, 'debug').mockImplementation((line: string) => void lines.push(line))
    const realtime = new Realtime({ servers: [server.url], webrtc: false, debug: true })
    await realtime.connect('room')
    await expect.poll(() => lines.join('\n'), { timeout: 5_000 }).toContain('"refusal":"wrong-host"')
    await realtime.destroy()
    await server.close()
    debug.mockRestore()
  })

  it('[R15] the servers default to the page’s own origin, and to none where there is no page', async () => {
    const serversOf = async () => {
      const { realtime, needs } = createWatched()
      await realtime.connect('room')
      return needs[0]?.settings.servers
    }
    expect(await serversOf()).toEqual([])
    vi.stubGlobal('location', { protocol: 'https:', host: 'app.example.org:8443' })
    expect(await serversOf()).toEqual(['wss://app.example.org:8443'])
    vi.stubGlobal('location', { protocol: 'file:', host: '' })
    expect(await serversOf()).toEqual([])
    vi.unstubAllGlobals()
  })

  it('[R15] a path of a server is dialled as it is given, and one without a path without a slash', async () => {
    const { realtime, needs } = createWatched({ servers: ['wss://x', 'wss://x/', 'wss://x/a', 'wss://x/a/'] })
    await realtime.connect('room')
    expect(needs[0]?.settings.servers).toEqual(['wss://x', 'wss://x', 'wss://x/a', 'wss://x/a/'])
  })
})

describe('connect', () => {
  it('[R3] a bad name throws before any promise exists, destroyed or not', async () => {
    const { realtime } = createWatched()
    const connectBadly = () => errorOf(() => void realtime.connect('no:colon'))
    expect([connectBadly().code, connectBadly().message]).toEqual([
      'invalid-name',
      expect.stringContaining('"no:colon"'),
    ])
    await realtime.destroy()
    expect(connectBadly().code).toBe('invalid-name')
    expect(errorOf(() => void realtime.connect('room', { doc: 7 as never })).code).toBe('invalid-option')
    const misspelt = errorOf(() => void realtime.connect('room', { sycn: true } as never))
    expect(misspelt.message).toContain('no channel option named "sycn"')
  })

  it('[R4] the same name is the same live channel; after disconnect it is a fresh live one', async () => {
    const { realtime } = createWatched()
    const [first, again] = await Promise.all([realtime.connect('room'), realtime.connect('room')])
    expect(again).toBe(first)
    expect(await realtime.connect('other')).not.toBe(first)
    void first.disconnect()
    const fresh = await realtime.connect('room')
    expect(fresh).not.toBe(first)
    expect([first.state, fresh.state]).toEqual(['DISCONNECTED', 'CONNECTED'])
    await first.disconnect()
    expect(await realtime.connect('room')).toBe(fresh)
  })

  it('[R4] who connects again while the channel ends gets a fresh one', async () => {
    const { realtime } = createWatched()
    const first = await realtime.connect('room')
    let again: Promise<unknown> | undefined
    first.awareness.on('destroy', () => {
      again = realtime.connect('room')
    })
    await first.disconnect()
    const fresh = await realtime.connect('room')
    expect(again).toBeDefined()
    expect(await again).toBe(fresh)
    expect([first.state, fresh.state]).toEqual(['DISCONNECTED', 'CONNECTED'])
  })

  it('[R4] a live channel is not handed out with another doc than asked for', async () => {
    const { realtime } = createWatched()
    const channel = await realtime.connect('room')
    expect(await realtime.connect('room', { doc: channel.doc })).toBe(channel)
    const other = createWatched()
    const { doc } = await other.realtime.connect('room')
    expect(errorOf(() => void realtime.connect('room', { doc })).code).toBe('invalid-option')
  })

  it('[R5] after destroy connect rejects with destroyed', async () => {
    const { realtime } = createWatched()
    const channel = await realtime.connect('room')
    expect(realtime.destroy()).toBe(realtime.destroy())
    await realtime.destroy()
    expect(channel.state).toBe('DISCONNECTED')
    await expect(realtime.connect('room')).rejects.toMatchObject({ name: 'PresenceError', code: 'destroyed' })
  })

  it('[R5] a connect that is pending at destroy rejects with destroyed, and a destroy from inside a destroy is told once', async () => {
    const { realtime, clock } = createWatched()
    const channel = await realtime.connect('room')
    const told: string[] = []
    realtime.subscribe('realtime-component.state-changed', (state) => told.push(state))
    channel.awareness.on('update', () => void realtime.destroy())
    const pending = realtime.connect('late')
    await realtime.destroy()
    await expect(pending).rejects.toMatchObject({ code: 'destroyed' })
    await clock.advance(1_000)
    expect(told).toEqual(['STARTED', 'STOPPED'])
  })

  it('[R4] a live channel is not handed out with another sync than asked for', async () => {
    const { realtime } = createWatched()
    await realtime.connect('room')
    expect(errorOf(() => void realtime.connect('room', { sync: true })).code).toBe('invalid-option')
    await realtime.connect('room', { sync: false })
  })

  it('[R6] connect waits for no timer, server or peer: it resolves within the microtasks of its call', async () => {
    const realtime = createRealtime({ servers: ['ws://127.0.0.1:9'], webrtc: false }, { page: undefined })
    let isJoined = false
    void realtime.connect('room').then(() => {
      isJoined = true
    })
    await settleMicrotasks()
    expect(isJoined).toBe(true)
    await realtime.destroy()
  })
})

describe('identity and life', () => {
  it('[R7] a connectionId has 20 to 24 URL-safe characters, is shared by the channels and no one else’s', async () => {
    const { realtime } = createWatched()
    const other = createWatched().realtime
    expect(realtime.connectionId).toMatch(/^[A-Za-z0-9_-]{20,24}$/)
    expect(other.connectionId).not.toBe(realtime.connectionId)
    const channels = await Promise.all([realtime.connect('one room'), realtime.connect('two rooms')])
    for (const channel of channels) expect(channel.participant.getAll()[0]?.connectionId).toBe(realtime.connectionId)
  })

  it('[R8] STARTED and STOPPED are each told once, asynchronously; unknown events throw', async () => {
    const { realtime, clock } = createWatched()
    const told: string[] = []
    const event = RealtimeComponentEvent.REALTIME_STATE_CHANGED
    realtime.subscribe(event, (state) => told.push(state))
    expect(told).toEqual([])
    await clock.advance(1_000)
    expect(told).toEqual(['STARTED'])
    void realtime.destroy()
    void realtime.destroy()
    expect(told).toEqual(['STARTED'])
    await clock.advance(1_000)
    expect(told).toEqual(['STARTED', 'STOPPED'])
    const unknown = 'realtime.gone' as typeof event
    expect(errorOf(() => realtime.subscribe(unknown, () => undefined)).code).toBe('unknown-event')
    expect(errorOf(() => realtime.unsubscribe(unknown)).code).toBe('unknown-event')
  })

  it('[R8] unsubscribe drops all listeners or one', async () => {
    const { realtime, clock } = createWatched()
    const [one, other] = [vi.fn(), vi.fn()]
    for (const listener of [one, other]) realtime.subscribe('realtime-component.state-changed', listener)
    realtime.unsubscribe('realtime-component.state-changed', one)
    await clock.advance(1)
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([0, 1])
    realtime.unsubscribe('realtime-component.state-changed')
    void realtime.destroy()
    await clock.advance(1)
    expect(other).toHaveBeenCalledTimes(1)
  })

  it('[R13] the same channel name in another app is another channel', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice', { app: 'shop' })
    const bob = await world.join('bob', { app: 'forum' })
    const carol = await world.join('carol', { app: 'shop' })
    await world.settle()
    expect(alice.channel.participant.getAll().map(({ id }) => id)).toEqual(['alice', 'carol'])
    expect(bob.channel.participant.getAll().map(({ id }) => id)).toEqual(['bob'])
    expect(carol.channel.participant.getAll()).toHaveLength(2)
  })

  it('[R16] createSecret makes 22 URL-safe characters that never repeat', () => {
    const secrets = new Set(Array.from({ length: 1_000 }, () => createSecret()))
    expect(secrets.size).toBe(1_000)
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{22}$/)
  })
})
