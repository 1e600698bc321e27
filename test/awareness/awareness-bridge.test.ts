import { describe, expect, it, vi } from 'vitest'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { BRIDGE_ORIGIN, createAwarenessBridge } from '../../lib/awareness/awareness-bridge.ts'
import type { ClientId, ConnectionId, ParticipantId } from '../../lib/base/ids.ts'
import type { PresenceField } from '../../lib/wire/presence-field.ts'
import { createTestWorld } from '../kit/members.ts'

const FIELD: PresenceField = {
  connectionId: 'alice-connection-01234' as ConnectionId,
  id: 'alice' as ParticipantId,
  name: 'Alice',
  data: {},
  timestamp: 1,
  joinedAt: 1,
  seq: 0,
  sent: 0,
}

function createBridge() {
  const onOwnChange = vi.fn()
  const bridge = createAwarenessBridge({ doc: new Y.Doc(), presence: FIELD, onOwnChange })
  return { bridge, onOwnChange, awareness: bridge.awareness }
}

const bob = 77 as ClientId

describe('our own entry', () => {
  it('[A1] begins with a clock that peers can see, our field in it', () => {
    const { awareness } = createBridge()
    const peer = new Awareness(new Y.Doc())
    applyAwarenessUpdate(peer, encodeAwarenessUpdate(awareness, [awareness.clientID]), 'test')
    expect(peer.getStates().get(awareness.clientID)).toEqual({ copresence: FIELD })
    peer.destroy()
  })

  it('[A2] a binding’s fields survive our updates, and ours survives a binding that replaces or nulls the state', () => {
    const { bridge, awareness, onOwnChange } = createBridge()
    awareness.setLocalStateField('user', { name: 'A' })
    bridge.setPresence({ ...FIELD, seq: 1 })
    expect(bridge.ownState(3)).toEqual({ copresence: { ...FIELD, seq: 1, sent: 3 }, user: { name: 'A' } })
    awareness.setLocalState({ cursor: 1 })
    expect(awareness.getLocalState()).toEqual({ copresence: { ...FIELD, seq: 1 }, cursor: 1 })
    awareness.setLocalState(null)
    expect(awareness.getLocalState()).toEqual({ copresence: { ...FIELD, seq: 1 } })
    expect(onOwnChange).toHaveBeenCalledTimes(4)
  })

  it('[A3] what of a binding’s fields is not JSON, too deep or over 8 KiB stays at home; the rest travels', () => {
    const { bridge, awareness } = createBridge()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    awareness.setLocalState({
      circular,
      run: () => 1,
      big: 'x'.repeat(9_000),
      user: { name: 'A' },
      cursor: new Date(0),
    })
    expect(bridge.ownState(0)).toEqual({ copresence: FIELD, user: { name: 'A' }, cursor: '1970-01-01T00:00:00.000Z' })
  })

  it('[A4] the awareness has no interval of its own: it renews nothing, removes nobody and keeps no process alive', () => {
    const set = vi.spyOn(globalThis, 'setInterval')
    const clear = vi.spyOn(globalThis, 'clearInterval')
    createBridge()
    expect(set.mock.results.length).toBe(1)
    expect(clear.mock.calls.map(([interval]) => interval)).toEqual(set.mock.results.map(({ value }) => value))
    vi.restoreAllMocks()
  })
})

describe('others’ entries', () => {
  it('[A5] are written with change and update events of our origin, a renewal with update alone', () => {
    const { bridge, awareness } = createBridge()
    const events: unknown[] = []
    for (const name of ['change', 'update'] as const) {
      awareness.on(name, (change: object, origin: unknown) => events.push([name, change, origin]))
    }
    bridge.write([{ clientId: bob, clock: 1, state: { user: 1 } }])
    bridge.write([{ clientId: bob, clock: 2, state: { user: 1 } }])
    bridge.write([{ clientId: bob, clock: 3, state: { user: 2 } }])
    bridge.write([{ clientId: bob, clock: 4, state: null }])
    const told = (kind: 'added' | 'updated' | 'removed') => ({ added: [], updated: [], removed: [], [kind]: [bob] })
    expect(events).toEqual([
      ['change', told('added'), BRIDGE_ORIGIN],
      ['update', told('added'), BRIDGE_ORIGIN],
      ['update', told('updated'), BRIDGE_ORIGIN],
      ['change', told('updated'), BRIDGE_ORIGIN],
      ['update', told('updated'), BRIDGE_ORIGIN],
      ['change', told('removed'), BRIDGE_ORIGIN],
      ['update', told('removed'), BRIDGE_ORIGIN],
    ])
  })

  it('[A6] one who left leaves nothing behind: the meta of y-protocols would grow for ever', () => {
    const { bridge, awareness } = createBridge()
    for (let clientId = 1; clientId <= 1_000; clientId++) {
      bridge.write([{ clientId: clientId as ClientId, clock: 1, state: {} }])
      bridge.write([{ clientId: clientId as ClientId, clock: 1, state: null }])
    }
    expect([awareness.states.size, awareness.meta.size]).toEqual([1, 1])
  })

  it('[A7] a binding’s listener that throws stops neither the write nor presence; its error is reported', async () => {
    const errors: unknown[] = []
    const report = vi.spyOn(console, 'error').mockImplementation((error) => void errors.push(error))
    const world = createTestWorld()
    const alice = await world.join('alice')
    alice.channel.awareness.on('change', () => {
      throw new Error('binding')
    })
    const carol = await world.join('carol')
    alice.channel.participant.update({ a: 1 })
    await world.settle()
    report.mockRestore()
    expect(alice.channel.participant.getAll()).toHaveLength(2)
    expect(carol.told.at(-1)).toEqual(['update', 'alice', { a: 1 }])
    expect(errors.length).toBeGreaterThan(0)
  })

  it('[A9] presence goes on when the user’s code destroys the awareness or its document', async () => {
    const world = createTestWorld()
    const alice = await world.join('alice')
    const bob = await world.join('bob')
    alice.channel.doc.destroy()
    await world.clock.advance(100)
    alice.channel.participant.update({ after: 1 })
    await world.settle()
    expect(bob.told.at(-1)).toEqual(['update', 'alice', { after: 1 }])
  })

  it('[A3] at most 128 fields of bindings travel, so that our own never gets refused with them', () => {
    const { bridge, awareness } = createBridge()
    for (let field = 0; field < 300; field++) awareness.setLocalStateField(`field-${field}`, 1)
    expect(Object.keys(bridge.ownState(0))).toHaveLength(129)
  })

  it('[A8] leaves no listener on a document that is used again and again', () => {
    const doc = new Y.Doc()
    const count = () => doc._observers.get('destroy')?.size ?? 0
    const before = count()
    for (let turn = 0; turn < 10; turn++)
      createAwarenessBridge({ doc, presence: FIELD, onOwnChange: vi.fn() }).destroy()
    expect(count()).toBe(before)
  })

  it('[A8] destroy removes everybody, ourselves included, and ends the awareness; nothing is written afterwards', () => {
    const { bridge, awareness, onOwnChange } = createBridge()
    bridge.write([{ clientId: bob, clock: 1, state: {} }])
    const removed: number[] = []
    awareness.on('change', (change: { removed: number[] }) => removed.push(...change.removed))
    bridge.destroy()
    bridge.destroy()
    bridge.write([{ clientId: bob, clock: 2, state: {} }])
    bridge.setPresence(FIELD)
    expect(removed).toEqual([bob, awareness.clientID])
    expect(awareness.getStates().size).toBe(0)
    expect(onOwnChange).not.toHaveBeenCalled()
  })
})
