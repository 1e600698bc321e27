import { describe, expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import type { JsonObject } from '../../lib/base/json.ts'
import { MAX_COUNT, MAX_ID_LENGTH, MAX_NAME_LENGTH } from '../../lib/wire/limits.ts'
import {
  foreignConnectionId,
  hasPresenceField,
  readForeignEntry,
  readPresenceField,
} from '../../lib/wire/presence-field.ts'

const FIELD = {
  connectionId: 'A'.repeat(22),
  id: 'alice',
  name: 'Alice',
  data: { x: 1 },
  timestamp: 3,
  joinedAt: 1,
  seq: 2,
  sent: 2,
}
const read = (change: JsonObject, maxDataBytes = 1_000) => {
  const field = readPresenceField({ copresence: { ...FIELD, ...change }, cursor: {} }, maxDataBytes)
  return field.ok ? field.value : field.reason
}

describe('presence field', () => {
  it('[W6] a well-formed field is read as it is, and nothing beside its own keys', () => {
    expect(read({})).toEqual(FIELD)
    expect(read({ surprise: 1 })).toEqual(FIELD)
    expect(read({ data: null, name: '' })).toEqual({ ...FIELD, data: null, name: '' })
    expect(Object.isFrozen(read({}))).toBe(true)
  })

  it('[W6] a field with a wrong type, length or count is refused whole', () => {
    const wrong: JsonObject[] = [
      { connectionId: 'short' },
      { connectionId: 'A'.repeat(25) },
      { connectionId: '!'.repeat(22) },
      { connectionId: foreignConnectionId(7 as ClientId) },
      { id: '' },
      { id: 'x'.repeat(MAX_ID_LENGTH + 1) },
      { id: 7 },
      { name: null },
      { name: 'x'.repeat(MAX_NAME_LENGTH + 1) },
      { timestamp: -1 },
      { timestamp: 1.5 },
      { joinedAt: MAX_COUNT + 1 },
      { sent: -1 },
      { seq: '1' },
    ]
    expect(wrong.map((change) => read(change))).toEqual(wrong.map(() => 'bad-presence'))
    expect(read({ data: 'x'.repeat(1_000) })).toBe('too-large')
    for (const copresence of [null, [], 'text', 1]) {
      expect(readPresenceField({ copresence }, 1_000)).toEqual({ ok: false, reason: 'bad-presence' })
    }
    expect(readPresenceField({}, 1_000).ok).toBe(false)
  })

  it('[W6] the field is looked for among the state’s own keys', () => {
    expect(hasPresenceField({ copresence: null })).toBe(true)
    expect(hasPresenceField(Object.create({ copresence: FIELD }))).toBe(false)
  })

  it('[W6] a client that is not ours is known by its client id and by `user.name`, cut to what a name may be', () => {
    const foreign = (state: JsonObject) => readForeignEntry({ clientId: 7 as ClientId, clock: 1, state })
    expect(foreign({ user: { name: 'Carol' } })).toEqual({ id: '7', name: 'Carol' })
    expect(foreign({ user: { name: 'x'.repeat(5_000) } }).name).toHaveLength(MAX_NAME_LENGTH)
    for (const user of [null, 'Carol', { name: 1 }, []]) expect(foreign({ user }).name).toBe('')
  })
})
