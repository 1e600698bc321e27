/** An app's presence code, tested on the virtual network as its author would: no socket, no waiting, no luck. */
import type { Channel } from 'copresence'
import { createTestNetwork } from 'copresence/testing'
import { expect, it } from 'vitest'

interface Draft {
  readonly isTyping?: boolean
}

/** The app: who is typing, by name, as its status line shows it. */
function createTypingLine(channel: Channel<Draft>): { type(): void; rest(): void; text(): string } {
  return {
    type: () => channel.participant.update({ isTyping: true }),
    rest: () => channel.participant.update({ isTyping: false }),
    text() {
      const names = channel.participant.getAll().flatMap(({ data, name }) => (data.isTyping ? name : []))
      return names.length === 0 ? '' : `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing`
    },
  }
}

async function twoAtOneDraft() {
  const network = createTestNetwork({ seed: 7 })
  const alice = network.createRealtime({ participant: { id: 'alice', name: 'Alice' } })
  const bob = network.createRealtime({ participant: { id: 'bob', name: 'Bob' } })
  const lines = [
    createTypingLine(await alice.connect<Draft>('draft')),
    createTypingLine(await bob.connect<Draft>('draft')),
  ] as const
  await network.advance(2_000)
  return { network, alice, bob, lines }
}

it('[V5] an app shows what others do, on virtual time alone', async () => {
  const { network, lines } = await twoAtOneDraft()
  const [alices, bobs] = lines
  bobs.type()
  await network.advance(200)
  expect(alices.text()).toBe('Bob is typing')
  alices.type()
  await network.advance(200)
  expect(bobs.text()).toBe('Alice and Bob are typing')
  bobs.rest()
  await network.advance(200)
  expect(alices.text()).toBe('Alice is typing')
})

it('[V5] an app shows nobody who is gone, and everybody who was only cut off for a moment', async () => {
  const { network, alice, bob, lines } = await twoAtOneDraft()
  const [alices, bobs] = lines
  bobs.type()
  await network.advance(200)
  network.partition([[alice, 'server'], [bob]])
  await network.advance(9_000)
  expect(alices.text()).toBe('Bob is typing')
  network.heal()
  await network.advance(5_000)
  network.kill(bob)
  await network.advance(3_000)
  expect(alices.text()).toBe('')
})
