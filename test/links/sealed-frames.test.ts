/** What a link makes of frames under other keys than its own. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { createSealedLink } from '../../lib/identity/seal.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createSealedFrames } from '../../lib/links/sealed-frames.ts'

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

it('[L65] what was under way when keys were renewed is lost, and no reason to renew them again; what is under unknown keys is', async () => {
  const told: unknown[] = []
  const frames = createSealedFrames({
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
  const [former, current, unknown] = [createEnds(), createEnds(), createEnds()]
  frames.setKeys(former.own)
  frames.setKeys(current.own)
  // A count that the current keys have not seen.
  await unknown.far.seal(Uint8Array.of(13))
  for (const { far } of [former, current, unknown]) frames.receive(carrier, await far.seal(Uint8Array.of(13)), false)
  await expect.poll(() => told).toEqual(['not-authentic', false, [13], 'not-authentic', true])
})
