/** The document frames of a room: who is asked, who is answered, and what is said once. */
import { expect, it } from 'vitest'
import { EMPTY_SYNC_STEP_1_FRAME } from '../../lib/wire/frame.ts'
import { until } from '../kit/until.ts'
import { joinStock, type Probe, startServer } from './kit.ts'

const updateFrame = Uint8Array.of(0, 2, 2, 0, 0)

it('[S30] a document frame goes to the others of the room, byte for byte, and to no other room', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  const carol = await joinStock(server, 'other')
  alice.send(updateFrame)
  await bob.sees('sync 2')
  expect(bob.received.at(-1)).toEqual(updateFrame)
  expect(alice.frames()).not.toContain('sync 2')
  expect(carol.frames()).toEqual([])
})

it('[S31] a question for the document is answered at once where nobody else is', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  alice.send(EMPTY_SYNC_STEP_1_FRAME)
  await alice.isHandled()
  expect(alice.frames()).toEqual(['sync 1'])
})

it('[S31] with others it goes to them, and an empty answer comes only if theirs may be missing', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  await alice.isHandled()
  const heardMs: number[] = []
  bob.ws.on('message', () => heardMs.push(performance.now()))
  const askedMs = performance.now()
  bob.send(Uint8Array.of(0, 0, 2, 7, 7))
  await alice.sees('sync 0')
  expect(alice.received.at(-1)).toEqual(Uint8Array.of(0, 0, 2, 7, 7))
  await bob.sees('sync 1')
  // Not before the time that the others have for theirs. Timers keep whole ms, and may come a moment too soon.
  expect(bob.frames()).toEqual(['sync 0', 'sync 1'])
  expect(Number(heardMs.at(-1)) - askedMs).toBeGreaterThanOrEqual(999)
})

it('[S32] a newcomer is asked for its document, unless it is alone', async () => {
  const server = await startServer()
  const alice = await joinStock(server)
  const bob = await joinStock(server)
  await bob.sees('sync 0')
  expect(bob.received[0]).toEqual(EMPTY_SYNC_STEP_1_FRAME)
  expect(alice.frames()).not.toContain('sync 0')
})

it('[S33] the same answer said by several members is forwarded once, until somebody joins or asks', async () => {
  const server = await startServer()
  const [alice, bob, carol] = [await joinStock(server), await joinStock(server), await joinStock(server)]
  const answer = Uint8Array.of(0, 1, 3, 1, 2, 3)
  const answers = (probe: Probe) => probe.received.filter((data) => Buffer.from(data).equals(answer)).length
  alice.send(answer)
  await alice.isHandled()
  bob.send(answer)
  await bob.isHandled()
  await carol.isHandled()
  expect([answers(bob), answers(carol)]).toEqual([1, 1])
  expect(server.stats().counts['dropped-repeated-answer']).toBe(1)
  carol.send(EMPTY_SYNC_STEP_1_FRAME)
  await carol.isHandled()
  bob.send(answer)
  await until('the answer to what carol asked', () => answers(carol) === 2)
  const dave = await joinStock(server)
  bob.send(answer)
  await until('the answer for the newcomer', () => answers(dave) === 1)
})
