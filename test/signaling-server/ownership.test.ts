/** Who may write which entry, without a socket. */
import { expect, it } from 'vitest'
import type { ClientId } from '../../lib/base/ids.ts'
import type { AwarenessSpan } from '../../lib/wire/awareness-update.ts'
import { createOwnership } from '../../signaling-server/ownership.ts'

const span = (clientId: number, clock = 1, isGone = false): AwarenessSpan => ({
  clientId: clientId as ClientId,
  clock,
  isGone,
  start: 1,
  end: 11,
  json: new Uint8Array(),
})

it('[S35] the first client that nobody holds is bound, and stays bound', () => {
  const ownership = createOwnership<string>()
  expect(ownership.claim('alice', [span(1), span(2)])).toMatchObject({ kind: 'own', isFirst: true, span: span(1) })
  expect(ownership.claim('bob', [span(1), span(2)])).toMatchObject({ kind: 'own', isFirst: true, span: span(2) })
  expect(ownership.claim('alice', [span(2, 9), span(3, 9)])).toEqual({ kind: 'echo' })
  expect(ownership.claim('alice', [span(2, 9), span(1, 3)])).toMatchObject({ isFirst: false, span: span(1, 3) })
  expect(ownership.claim('alice', [span(1, 2, true)])).toMatchObject({ kind: 'own' })
  expect(ownership.bindingOf('alice')).toEqual({ clientId: 1, clock: 3, isGone: true, bytes: 10 })
  expect(ownership.totalBytes()).toBe(20)
})

it('[S36] who claims only what others hold is refused, and may have it when they are gone', () => {
  const ownership = createOwnership<string>()
  ownership.claim('alice', [span(1)])
  expect(ownership.claim('carol', [span(1, 7)])).toEqual({ kind: 'refused', holders: ['alice'] })
  expect(ownership.claim('carol', [span(5, 7, true)])).toEqual({ kind: 'echo' })
  expect(ownership.release('alice')).toMatchObject({ clientId: 1 })
  expect(ownership.release('alice')).toBeUndefined()
  expect(ownership.claim('carol', [span(1, 7)])).toMatchObject({ kind: 'own', isFirst: true })
})

it('[S43] an heir goes on as its client, or becomes another, which ends the former', () => {
  const ownership = createOwnership<string>()
  ownership.claim('alice', [span(1, 4)])
  ownership.move('alice', 'again')
  expect(ownership.bindingOf('alice')).toBeUndefined()
  expect(ownership.claim('mallory', [span(1)])).toEqual({ kind: 'refused', holders: ['again'] })
  expect(ownership.claim('again', [span(1, 5)])).toMatchObject({ kind: 'own', isFirst: false })
  expect(ownership.claim('again', [span(8)])).toEqual({ kind: 'echo' })
  ownership.move('again', 'third')
  expect(ownership.claim('third', [span(8)])).toMatchObject({ isFirst: true, former: { clientId: 1, clock: 5 } })
  expect(ownership.claim('alice', [span(1)])).toMatchObject({ kind: 'own', isFirst: true })
  ownership.move('nobody', 'alice')
  expect(ownership.bindingOf('alice')).toMatchObject({ clientId: 1 })
})
