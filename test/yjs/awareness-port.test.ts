import { describe, expect, it } from 'vitest'
import { type Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { ClientId } from '../../lib/base/ids.ts'
import { encodeAwarenessUpdate as ownEncode } from '../../lib/wire/awareness-update.ts'
import { createAwarenessPort } from '../../lib/yjs/awareness-port.ts'

const OWN = 7 as ClientId
function open() {
  const port = createAwarenessPort(new Y.Doc(), OWN)
  const updates: unknown[] = []
  port.on('update', (change) => void updates.push(change))
  return { port, stock: port as unknown as Awareness, updates }
}

describe('awareness port', () => {
  it('[Y5] shows a provider nothing before the first entry, then our own entry alone (a new Awareness shows {} at clock 0)', () => {
    const { port, stock } = open()
    expect([...stock.getStates().keys()]).toEqual([])
    expect(stock.getLocalState()).toBeNull()
    expect(port.entry()).toBeUndefined()
    const entry = { clientId: OWN, clock: 3, state: { a: 1 } }
    port.publish(entry)
    expect([...stock.getStates().keys()]).toEqual([OWN])
    expect(encodeAwarenessUpdate(stock, [OWN])).toEqual(ownEncode(entry))
    expect(port.entry()).toEqual(entry)
  })

  it('[Y5] a publish is one `update`, holding is none', () => {
    const { port, updates } = open()
    port.publish({ clientId: OWN, clock: 1, state: { a: 1 } })
    port.hold({ clientId: OWN, clock: 2, state: { a: 1 } })
    port.publish({ clientId: OWN, clock: 3, state: null })
    expect(updates).toEqual([
      { added: [], updated: [OWN], removed: [] },
      { added: [], updated: [], removed: [OWN] },
    ])
  })

  it('[Y5] y-protocols can remove and set nothing of others’, and cannot say anything in our name', () => {
    const { port, stock, updates } = open()
    port.publish({ clientId: OWN, clock: 1, state: { a: 1 } })
    removeAwarenessStates(stock, [8, 9], 'timeout')
    stock.setLocalState({ forged: true })
    stock.setLocalState(null)
    expect(updates).toHaveLength(1)
    expect(port.entry()).toEqual({ clientId: OWN, clock: 1, state: { a: 1 } })
  })

  it('[Y5] asked for a client that it does not hold, it answers instead of throwing in a socket (doc.clientID may change)', () => {
    const { stock } = open()
    expect(encodeAwarenessUpdate(stock, [4_711])).toEqual(
      ownEncode({ clientId: 4_711 as ClientId, clock: 0, state: null }),
    )
  })

  it('[Y5] `once` hears once, `off` ends it, and there is no timer to stop', () => {
    const { port } = open()
    const heard: string[] = []
    const listener = () => void heard.push('on')
    port.once('destroy', () => void heard.push('once'))
    port.on('destroy', listener)
    port.emit('destroy', [])
    port.off('destroy', listener)
    port.emit('destroy', [])
    expect(heard).toEqual(['once', 'on'])
    expect(port).not.toHaveProperty('_checkInterval')
  })
})
