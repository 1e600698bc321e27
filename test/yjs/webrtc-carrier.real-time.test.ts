import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeEndedFrame } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'
import { freshRoom, loadOwnYWebrtc, startServer, untilMet } from './kit.ts'
import { startRawRelay } from './raw-relay.ts'
import { countSends, createDirectMember, untilGreeted } from './webrtc-kit.ts'

/** What nobody caught; a Node process would end over it. */
function watchRejections(): unknown[] {
  const rejections: unknown[] = []
  const listener = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  return rejections
}

async function meet(count: number, secret?: string) {
  const { url } = await startServer()
  const room = freshRoom()
  const members = Array.from({ length: count }, () =>
    createDirectMember({ room, servers: [url], ...(secret === undefined ? {} : { secret }) }),
  )
  for (const member of members) member.say('hello')
  await untilMet(members, 'direct')
  return { members, room, url }
}
const pair = async (secret?: string) => {
  const met = await meet(2, secret)
  const [alice, bob] = met.members
  if (!alice || !bob) throw new Error('two members')
  return { ...met, alice, bob }
}

describe('data channels', { timeout: 40_000 }, () => {
  it('[Y3] an update among 4 is 3 data-channel messages, and receivers send nothing (y-webrtc: N(N-1) by re-broadcast)', async () => {
    const { members } = await meet(4)
    await untilGreeted(members)
    const counts = members.map(countSends)
    const [alice] = members
    alice?.say('one')
    alice?.say('two')
    await until('everybody to hear it', () =>
      members.slice(1).every((member) => alice && member.heard(alice, 'direct') === 'two'),
    )
    expect(counts.map(({ count }) => count)).toEqual([6, 0, 0, 0])
  })

  it('[Y1] with a secret members meet too, and the goodbye comes by the data channel', async () => {
    const { alice, bob } = await pair('sesame')
    await alice.transport.stop()
    await until('the goodbye', () => bob.told(alice).includes('direct goodbye'), { seen: () => bob.told(alice) })
    expect(bob.rejects.totals()).toEqual({})
  })

  it('[Y3] all carriers send the same clock and state for one publish', async () => {
    const { alice, bob } = await pair()
    alice.say('now')
    await until('both ways', () => bob.heard(alice, 'direct') === 'now' && bob.heard(alice, 'relay') === 'now')
    const entries = bob.evidence.flatMap((told) =>
      told.kind === 'entry' && told.entry.state?.text === 'now' ? [told] : [],
    )
    expect(new Set(entries.map(({ entry }) => entry.clock)).size).toBe(1)
    expect(entries.map(({ path }) => path.kind).sort()).toEqual(['direct', 'relay'])
  })

  it('[Y11][Y27] a connection that ends is told `closed` at once and once, and when it is back the entry comes under a fresh clock', async () => {
    const { alice, bob } = await pair()
    const clocks = () =>
      bob.evidence.flatMap((told) => (told.kind === 'entry' && told.path.kind === 'direct' ? [told.entry.clock] : []))
    const before = Math.max(...clocks())
    alice.connTo(bob).peer.destroy()
    await until('bob to hear of it', () => bob.told(alice).includes('direct closed'), { timeoutMs: 3_000 })
    // Both announce at the same moment, so that both call.
    await until('the connection to be back', () => bob.hasPath(alice, 'direct') && alice.hasPath(bob, 'direct'), {
      timeoutMs: 6_000,
    })
    expect(bob.told(alice).filter((told) => told === 'direct closed')).toHaveLength(1)
    expect(alice.told(bob).filter((told) => told === 'direct closed')).toHaveLength(1)
    expect(clocks().at(-1)).toBeGreaterThan(before)
  })

  it('[Y8] told by a relay that a member’s socket ended, its data channel is asked: no answer in 1 s closes it, an answer keeps it', async () => {
    const { url } = await startServer()
    const relay = await startRawRelay()
    const room = freshRoom()
    const alice = createDirectMember({ room, servers: [url, relay.url] })
    const others = ['bob', 'carol'].map(() => createDirectMember({ room, servers: [url] }))
    const [bob, carol] = others
    if (!bob || !carol) throw new Error('two others')
    for (const member of [alice, bob, carol]) member.say('hello')
    await untilMet([alice, bob, carol], 'direct')
    // Bob is stopped as by SIGSTOP: his channel is open, and nobody is there.
    bob.connTo(alice).peer.removeAllListeners('data')
    const { ws } = await relay.socket(0)
    for (const { clientId } of others) ws.send(encodeEndedFrame(clientId))
    await until('bob’s channel to be closed', () => alice.told(bob).includes('direct closed'), { timeoutMs: 3_000 })
    expect(alice.hasPath(carol, 'direct')).toBe(true)
  })

  it('[Y18] a second transport of one page and room waits for its data channels until the first has stopped, and nothing is rejected (y-webrtc throws outside of any call)', async () => {
    const rejections = watchRejections()
    const { url } = await startServer()
    const room = freshRoom()
    const module = await loadOwnYWebrtc()
    const shared = { room, servers: [url], loadYWebrtc: async () => module }
    const [alice, second] = [createDirectMember(shared), createDirectMember(shared)]
    const bob = createDirectMember({ room, servers: [url] })
    for (const member of [alice, second, bob]) member.say('hello')
    await untilMet([alice, bob], 'direct')
    await untilMet([alice, second, bob], 'relay')
    expect(second.hasPath(bob, 'direct')).toBe(false)
    const third = createDirectMember(shared)
    third.say('hello')
    await alice.transport.stop()
    await untilMet([second, bob], 'direct')
    expect(third.hasPath(bob, 'direct')).toBe(false)
    await second.transport.stop()
    await untilMet([third, bob], 'direct')
    expect(rejections).toEqual([])
  })

  it('[Y18] transports of different rooms share y-webrtc’s socket, and the end of one does not hurt the other', async () => {
    const { url } = await startServer()
    const module = await loadOwnYWebrtc()
    const load = async () => module
    const [room, otherRoom] = [freshRoom(), freshRoom()]
    const alice = createDirectMember({ room, servers: [url], loadYWebrtc: load })
    const other = createDirectMember({ room: otherRoom, servers: [url], loadYWebrtc: load })
    await until('both to be there', () => other.peerId() !== '' && alice.peerId() !== '')
    expect(alice.provider().signalingConns).toEqual(other.provider().signalingConns)
    await other.transport.stop()
    const bob = createDirectMember({ room, servers: [url] })
    for (const member of [alice, bob]) member.say('hello')
    await untilMet([alice, bob], 'direct')
  })

  it('[Y24] y-webrtc’s and y-websocket’s listeners for the end of the page or process are gone', async () => {
    const before = process.listenerCount('exit')
    const { members } = await meet(3)
    expect(process.listenerCount('exit')).toBe(before)
    await Promise.all(members.map(({ transport }) => transport.stop()))
    expect(process.listenerCount('exit')).toBe(before)
  })

  it('[Y24] in a page, y-webrtc does not disconnect everybody when the page only asks whether to close', async () => {
    const { url } = await startServer()
    const module = await loadOwnYWebrtc()
    const listeners: string[] = []
    vi.stubGlobal('window', {
      addEventListener: (event: string) => void listeners.push(event),
      removeEventListener: (event: string) => void listeners.splice(listeners.indexOf(event), 1),
    })
    onTestFinished(() => void vi.unstubAllGlobals())
    const alice = createDirectMember({ room: freshRoom(), servers: [url], loadYWebrtc: async () => module })
    await until('her room', () => alice.peerId() !== '')
    expect(listeners).not.toContain('beforeunload')
    await alice.transport.stop()
  })

  it('[Y20] a message goes once by each data channel and reaches each member once per path', async () => {
    const { members } = await meet(3)
    const [alice, bob, carol] = members
    if (!alice || !bob || !carol) throw new Error('three members')
    await untilMet(members, 'relay')
    await untilGreeted(members)
    const sends = countSends(alice)
    alice.transport.send({ clientId: alice.clientId, seq: 1, body: 'hi' })
    await until('it to come both ways', () => [bob, carol].every(({ messages }) => messages.length === 2))
    expect(bob.messages.map(({ path }) => path.kind).sort()).toEqual(['direct', 'relay'])
    expect(sends.count).toBe(2)
  })
})
