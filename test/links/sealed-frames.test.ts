/** What a link makes of frames under other keys than its own. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { createSealedLink } from '../../lib/identity/seal.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createSealedFrames } from '../../lib/links/sealed-frames.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

const crypto = createSystemCrypto()
const topic = crypto.randomBytes(32)
const carrier = { id: 'relay:0', kind: 'relay', isPrivate: false } as Carrier

/** The two ends of a link, under keys of their own. */
function createEnds() {
  const [send, receive] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const far = createSealedLink({ isInitiator: true, send, receive }, crypto, topic)
  const own = createSealedLink({ isInitiator: false, send: receive, receive: send }, crypto, topic)
  return { far, own }
}

/** Our end, and what it makes of frames: payloads, reasons, and whether keys are out of step. */
function createOwn() {
  const told: unknown[] = []
  const clock = createVirtualClock()
  const frames = createSealedFrames({
    clock,
    crypto,
    topic,
    peer: 'b'.repeat(22) as ConnectionId,
    helloSettled: () => Promise.resolve(),
    onFrame: (_carrier, frame) => told.push([...frame]),
    onCast: () => undefined,
    onUnknownCast: () => undefined,
    onReject: (reason) => told.push(reason),
    onMissed: (isOutOfStep) => told.push(isOutOfStep),
  })
  return { clock, frames, told }
}

it('[L65] what was under way when keys were renewed is lost, and no reason to renew them again; what is under unknown keys is', async () => {
  const { frames, told } = createOwn()
  const [former, current, unknown] = [createEnds(), createEnds(), createEnds()]
  frames.setKeys(former.own)
  frames.setKeys(current.own)
  for (const { far } of [former, current, unknown]) frames.receive(carrier, await far.seal(Uint8Array.of(13)), false)
  await expect.poll(() => told).toEqual(['not-authentic', false, [13], 'not-authentic', true])
})

it('[L65] whoever goes on under the former keys for 5 s has them renewed: it did not get the new ones', async () => {
  const { clock, frames, told } = createOwn()
  const [former, current] = [createEnds(), createEnds()]
  frames.setKeys(former.own)
  frames.setKeys(current.own)
  await clock.advance(4_900)
  frames.receive(carrier, await former.far.seal(Uint8Array.of(1)), false)
  await expect.poll(() => told).toEqual(['not-authentic', false])
  await clock.advance(200)
  frames.receive(carrier, await former.far.seal(Uint8Array.of(2)), false)
  await expect.poll(() => told).toEqual(['not-authentic', false, 'not-authentic', true])
})

it('[L65] whoever did not get the new keys has them renewed, though it has seen their counts under the former ones', async () => {
  const { frames, told } = createOwn()
  const [former, current] = [createEnds(), createEnds()]
  frames.setKeys(former.own)
  for (const count of [1, 2]) frames.receive(carrier, await former.far.seal(Uint8Array.of(count)), false)
  const kept = await current.far.seal(Uint8Array.of(13))
  frames.receive(carrier, kept, false)
  await expect.poll(() => told).toEqual([[1], [2], 'not-authentic', true])
})

it('[L65] a frame that comes twice is no reason to renew keys', async () => {
  const { frames, told } = createOwn()
  const { far, own } = createEnds()
  frames.setKeys(own)
  const sealed = await far.seal(Uint8Array.of(13))
  for (let times = 0; times < 2; times++) frames.receive(carrier, sealed, false)
  await expect.poll(() => told).toEqual([[13], 'replayed', false])
})
