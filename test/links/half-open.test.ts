/** How long somebody who does not prove itself keeps a place, on virtual time. */
import { expect, it } from 'vitest'
import type { ConnectionId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import { createMesh } from '../../lib/links/mesh.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { encodeHelloEnvelope } from '../../lib/wire/envelope.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

const STRANGER = 'z'.repeat(22) as ConnectionId
const RELAY = 'relay:0'

/** A mesh that is told of a stranger now; when its link is forgotten. */
function meetStranger() {
  const clock = createVirtualClock()
  const crypto = createTestCrypto(1)
  const identity = createIdentity(crypto)
  const forgottenAtMs: number[] = []
  const nothing = () => undefined
  const mesh = createMesh({
    ...{ clock, random: systemRandom, own: identity.connectionId, rejects: createRejectCounter() },
    hello: { crypto, identity, topic: new Uint8Array(32) },
    ...{ createPeerConnection: undefined, iceServers: [] },
    ...{
      onProved: nothing,
      onReachable: nothing,
      onUnreachable: nothing,
      onRerouted: nothing,
      onReturned: nothing,
      onFrame: nothing,
    },
    onForgotten: () => forgottenAtMs.push(clock.moment().steadyMs),
  })
  mesh.addCarrier(STRANGER, {
    ...{ id: RELAY, kind: 'relay', isPrivate: false },
    ...{ send: nothing, backlogBytes: () => 0, close: nothing },
  })
  const speak = () => mesh.receive(STRANGER, RELAY, encodeHelloEnvelope(systemRandom(120)))
  return { clock, forgottenAtMs, mesh, speak }
}

it('[T18] who says nothing is forgotten after 10 s; who speaks and proves nothing 10 s after its first word', async () => {
  const silent = meetStranger()
  const speaking = meetStranger()
  await speaking.clock.advance(8_000)
  for (let second = 0; second < 30; second++) {
    speaking.speak()
    await speaking.clock.advance(1_000)
  }
  await silent.clock.advance(30_000)
  expect(silent.forgottenAtMs).toEqual([10_250])
  expect(speaking.forgottenAtMs).toEqual([18_250])
  for (const { mesh } of [silent, speaking]) mesh.stop()
})
