import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { type CastKey, type CastReceiver, createCastReceiver, createCastSender } from '../../lib/identity/cast.ts'
import type { Crypto } from '../../lib/identity/crypto.ts'
import { REPLAY_WINDOW } from '../../lib/identity/seal.ts'
import { decodeCast, encodeCast } from '../../lib/wire/cast.ts'
import { MAX_CAST_SLOTS } from '../../lib/wire/limits.ts'
import { CRYPTOS, flip, TOPIC } from './kit.ts'

const ALICE = 'alice-0000000000000000' as ConnectionId
const CAROL = 'carol-0000000000000000' as ConnectionId
const utf8 = (text: string) => new TextEncoder().encode(text)

async function open(receiver: CastReceiver, bytes: Uint8Array): Promise<string> {
  const cast = decodeCast(bytes)
  if (!cast.ok) return cast.reason
  const opened = await receiver.open(cast.value)
  if (opened === undefined) return 'for others'
  return opened.ok ? new TextDecoder().decode(opened.value) : opened.reason
}

function createScene(crypto: Crypto) {
  const needs = { crypto, topic: TOPIC, senderId: ALICE }
  const sender = createCastSender(needs, 1)
  const give = (): CastKey => {
    const given = sender.give()
    if (given === undefined) throw new Error('no slot is left')
    return given
  }
  const [bobs, mallorys] = [give(), give()]
  const bob = createCastReceiver(needs, bobs)
  return { crypto, needs, sender, give, bobs, mallorys, bob, mallory: createCastReceiver(needs, mallorys) }
}

describe.each(CRYPTOS)('a cast by %s', (_name, createCrypto) => {
  const scene = () => createScene(createCrypto())

  it('[N24] is opened once by each whom it is for, and by nobody else', async () => {
    const { sender, bob, bobs, mallory } = scene()
    const toBob = await sender.seal(utf8('hello'), [bobs])
    expect(await open(bob, toBob)).toBe('hello')
    expect(await open(bob, toBob)).toBe('replayed')
    expect(await open(mallory, toBob)).toBe('for others')
  })

  it('[N24] of copies that come at once one is opened, and none that is older than the window or than the key', async () => {
    const { needs, sender, bob, bobs, give } = scene()
    const casts = []
    for (let index = 0; index <= REPLAY_WINDOW; index++) casts.push(await sender.seal(utf8(`${index}`), [bobs]))
    const [oldest = bobs.key, , newest = bobs.key] = [casts[0], casts[1], casts[REPLAY_WINDOW]]
    const opened = await Promise.all([open(bob, newest), open(bob, newest)])
    expect(opened.sort()).toEqual([`${REPLAY_WINDOW}`, 'replayed'])
    expect(await open(bob, oldest)).toBe('replayed')
    const later = give()
    expect(later.first).toBe(REPLAY_WINDOW + 1)
    // Bob again, who has lost what he had: what was said before stays closed to him, even were it for his slot.
    const again = createCastReceiver(needs, { ...later, slot: bobs.slot, tagKey: bobs.tagKey })
    expect(await open(again, newest)).toBe('replayed')
    expect(await open(again, await sender.seal(utf8('new'), [bobs]))).toBe('new')
  })

  it('[N25] another member, who has the key, can forge for itself alone (T1)', async () => {
    const { crypto, sender, bob, bobs, mallory, mallorys } = scene()
    const cast = decodeCast(await sender.seal(utf8('true'), [bobs, mallorys]))
    if (!cast.ok) throw new Error(cast.reason)
    // All that mallory has: the key, and the tags of a true cast.
    const forger = createCastSender(
      { crypto: { ...crypto, randomBytes: () => mallorys.key }, topic: TOPIC, senderId: ALICE },
      1,
    )
    for (let counter = 0; counter < 5; counter++) {
      const forged = decodeCast(await forger.seal(utf8('false'), [mallorys]))
      if (!forged.ok) throw new Error(forged.reason)
      for (const tag of [...cast.value.tags.values(), ...forged.value.tags.values()])
        expect(await open(bob, encodeCast({ ...forged.value, tags: new Map([[bobs.slot, tag]]) }))).toBe(
          'not-authentic',
        )
    }
    expect(await open(bob, encodeCast(cast.value))).toBe('true')
    expect(await open(mallory, await forger.seal(utf8('false'), [mallorys]))).toBe('false')
  })

  it('[N25] changed anywhere, of another topic, sender or key number, it is refused and the true one still opens', async () => {
    const { crypto, needs, sender, bob, bobs } = scene()
    const sealed = await sender.seal(utf8('true'), [bobs])
    for (let offset = 0; offset < sealed.length; offset++)
      expect(['not-authentic', 'malformed', 'too-large', 'for others'], `byte ${offset}`).toContain(
        await open(bob, flip(sealed, offset)),
      )
    for (const other of [
      { ...needs, topic: new Uint8Array(32) },
      { ...needs, senderId: CAROL },
    ])
      expect(await open(createCastReceiver(other, bobs), sealed)).toBe('not-authentic')
    const cast = decodeCast(sealed)
    if (!cast.ok) throw new Error(cast.reason)
    expect(await open(bob, encodeCast({ ...cast.value, number: 2 }))).toBe('not-authentic')
    expect(await open(bob, sealed)).toBe('true')
    const next = createCastSender({ ...needs, crypto }, 2)
    await next.seal(utf8('its first count is spent here'), [])
    expect(await open(bob, await next.seal(utf8('under another key'), [bobs]))).toBe('not-authentic')
  })

  it('[N26] a slot that comes behind a later one, by a slower way, is no step back', async () => {
    const { sender, bob, bobs, give } = scene()
    const [second, third] = [give(), give()]
    expect([bob.move(third), bob.move(second), bob.move(bobs), bob.move(third)]).toEqual([true, false, false, true])
    expect(await open(bob, await sender.seal(utf8('for the former'), [second]))).toBe('for others')
    expect(await open(bob, await sender.seal(utf8('hello'), [third]))).toBe('hello')
  })

  it('[N26] a slot is given once, and there are 128 of them', () => {
    const { sender, bobs, mallorys } = scene()
    const slots = [bobs, mallorys]
    for (let given = sender.give(); given !== undefined; given = sender.give()) slots.push(given)
    expect(new Set(slots.map(({ slot }) => slot)).size).toBe(MAX_CAST_SLOTS)
    expect(new Set(slots.map(({ tagKey }) => String(tagKey))).size).toBe(MAX_CAST_SLOTS)
    expect(slots).toHaveLength(MAX_CAST_SLOTS)
  })
})
