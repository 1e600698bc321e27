/** Members for whom to meet all is seconds of work, each with a processor of its own. On virtual time. */
import { expect, it } from 'vitest'
import type { Crypto } from '../../lib/identity/crypto.ts'
import type { Host } from '../../lib/testing/host.ts'
import type { Scheduler } from '../../lib/testing/scheduler.ts'
import { createRoom, type VirtualRoom } from './virtual-kit.ts'

const SIZE = 30
/** Of a hello that is said once: a key pair, an agreement, a signature and a check of one. */
const HELLO_STEPS = 6
/** On a slow phone. */
const STEP_MS = 20
const WORK_MS = (SIZE - 1) * HELLO_STEPS * STEP_MS

/** Does one thing after the other. */
function createProcessor(host: Host, scheduler: Scheduler) {
  let freeMs = 0
  return <Value>(steps: number, work: () => Promise<Value>): Promise<Value> =>
    new Promise((resolve) => {
      const nowMs = scheduler.nowMs()
      freeMs = Math.max(freeMs, nowMs) + steps * STEP_MS
      scheduler.after(freeMs - nowMs, () => host.run(() => resolve(work())))
    })
}

function onOneProcessor(crypto: Crypto, host: Host, scheduler: Scheduler): Crypto {
  const work = createProcessor(host, scheduler)
  return {
    ...crypto,
    createSigner() {
      const { publicKey, sign } = crypto.createSigner()
      return { publicKey, sign: (message) => work(1, () => sign(message)) }
    },
    verify: (...given) => work(2, () => crypto.verify(...given)),
    async createAgreement() {
      const { publicKey, agree } = await work(1, () => crypto.createAgreement())
      return { publicKey, agree: (theirs) => work(2, () => agree(theirs)) }
    },
  }
}

// Hellos of all with all are a lot to compute, where the machine is busy with others too.
it('[L59] members whose hellos take longer than the patience of a hello meet as fast as they can work', {
  timeout: 60_000,
}, async () => {
  const room: VirtualRoom = createRoom(1, {
    wrapCrypto: (crypto, host) => onOneProcessor(crypto, host, room.world.scheduler),
  })
  await Promise.all(Array.from({ length: SIZE }, (_, place) => room.join(`member ${place}`, {}, { webrtc: false })))
  await room.allSeeAll(2 * WORK_MS)
  for (const member of room.members) expect(member.told.filter(([event]) => event !== 'update')).toHaveLength(SIZE)
})
