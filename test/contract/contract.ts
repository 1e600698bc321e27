/**
 * What users may rely on between members, whatever carries it. A world makes Realtimes that meet by its own ways alone;
 * every rule runs in every world, in real time, without a sleep. Runs in Node and in a page: knows neither.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { Channel, ChannelOptions, Realtime, RealtimeMessage, RealtimeOptions } from '../../lib/index.ts'
import { recordEvents, type Told } from '../kit/members.ts'
import { until } from '../kit/until.ts'

export interface ContractWorld {
  /** A Realtime whose only ways to others are this world's. */
  createRealtime(options: RealtimeOptions): Realtime
  close(): Promise<void>
}

export interface ContractWorldOptions {
  readonly create: () => Promise<ContractWorld>
  /** How long members may take to meet. */
  readonly meetMs: number
  /** Whether documents travel here. */
  readonly hasDocuments: boolean
}

interface Member {
  readonly id: string
  readonly realtime: Realtime
  readonly channel: Channel
  readonly told: Told[]
}

export const ROOM = 'contract room/1'

export function describeContract(name: string, { create, meetMs, hasDocuments }: ContractWorldOptions): void {
  describe(name, { timeout: 6 * meetMs + 10_000 }, () => {
    let world: ContractWorld
    let members: Member[]

    beforeEach(async () => {
      members = []
      world = await create()
    })
    afterEach(async () => {
      await Promise.all(members.map(({ realtime }) => realtime.destroy()))
      await world.close()
    })

    const join = async (
      id: string,
      options: RealtimeOptions = {},
      channelOptions: ChannelOptions = {},
    ): Promise<Member> => {
      const realtime = world.createRealtime({ participant: { id, name: id.toUpperCase() }, ...options })
      const channel = await realtime.connect(ROOM, channelOptions)
      const member = { id, realtime, channel, ...recordEvents(channel) }
      members.push(member)
      return member
    }
    const untilAllMet = (...met: Member[]) =>
      untilSees(met, (member) => member.channel.participant.getAll().length === met.length)
    const untilSees = (observers: Member[], sees: (observer: Member) => boolean) =>
      until('every observer to see it', () => observers.every(sees), {
        timeoutMs: meetMs,
        seen: () => observers.map(({ id, told, channel }) => ({ id, told, inspect: channel.inspect() })),
      })
    const viewOf = (member: Member) => member.channel.participant.getAll()
    const untilTold = (observer: Member, event: Told[0], who: string, data?: unknown) =>
      untilSees([observer], ({ told }) =>
        told.some(
          ([kind, id, value]) =>
            kind === event && id === who && (data === undefined || JSON.stringify(value) === JSON.stringify(data)),
        ),
      )
    const toldOf = (observer: Member, who: string) =>
      observer.told.filter(([, id]) => id === who).map(([event]) => event)

    it('[P14] two members: each hears the other join once with the data it has, its updates, and its leave once with the last record', async () => {
      const alice = await join('alice')
      alice.channel.participant.update({ status: 'early' })
      const bob = await join('bob')
      await untilAllMet(alice, bob)
      expect(bob.told.filter(([, who]) => who === 'alice')).toEqual([['joined-room', 'alice', { status: 'early' }]])
      bob.channel.participant.update({ x: 1 })
      await untilTold(alice, 'update', 'bob', { x: 1 })
      alice.channel.participant.update({ status: 'late' })
      await untilTold(bob, 'update', 'alice', { status: 'late' })
      await bob.channel.disconnect()
      await untilTold(alice, 'leave', 'bob', { x: 1 })
      expect(toldOf(alice, 'bob')).toEqual(['joined-room', 'update', 'leave'])
      expect(toldOf(bob, 'alice')).toEqual(['joined-room', 'update'])
    })

    it('[P14] three members who come one after another all see all, and each leave is told once to those who stay', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilAllMet(alice, bob)
      const carol = await join('carol')
      await untilAllMet(alice, bob, carol)
      await alice.channel.disconnect()
      await untilSees([bob, carol], (member) => viewOf(member).length === 2)
      for (const observer of [bob, carol]) expect(toldOf(observer, 'alice')).toEqual(['joined-room', 'leave'])
      expect(toldOf(bob, 'carol')).toEqual(['joined-room'])
    })

    it('[P20] four who come at once all see all, in the same order, with equal records', async () => {
      const all = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((id) => join(id)))
      for (const { id, channel } of all) channel.participant.update({ from: id })
      await untilSees(all, (member) => viewOf(member).filter(({ data }) => data.from !== undefined).length === 4)
      for (const member of all) expect(viewOf(member)).toEqual(viewOf(all[0] ?? member))
      for (const observer of all) {
        for (const { id } of all)
          expect(toldOf(observer, id).filter((event) => event !== 'update')).toEqual(['joined-room'])
      }
    })

    it('[P11] of a burst the last value arrives, no value goes back, and there is no leave', async () => {
      const alice = await join('alice')
      const bob = await join('bob')
      await untilAllMet(alice, bob)
      const seen: number[] = []
      bob.channel.participant.subscribe('presence.update', ({ id, data }) => id === 'alice' && seen.push(data.step))
      for (let step = 1; step <= 200; step++) {
        alice.channel.participant.update({ step })
        if (step % 20 === 0) await new Promise((resume) => setTimeout(resume, 1))
      }
      await untilTold(bob, 'update', 'alice', { step: 200 })
      expect(seen).toEqual([...seen].sort((left, right) => left - right))
      expect(new Set(seen).size).toBe(seen.length)
      expect(bob.told.some(([event]) => event === 'leave')).toBe(false)
    })

    it('[C3] messages reach everybody present and oneself, in the sender’s order, each once', async () => {
      const [alice, bob, carol] = [await join('alice'), await join('bob'), await join('carol')]
      await untilAllMet(alice, bob, carol)
      const heard = [alice, bob, carol].map(({ channel }) => {
        const list: unknown[] = []
        channel.subscribe('chat', ({ data, participantId }: RealtimeMessage) => list.push([participantId, data]))
        return list
      })
      for (let n = 1; n <= 50; n++) alice.channel.publish('chat', n)
      await until('all 50 messages', () => heard.every((list) => list.length >= 50), {
        timeoutMs: meetMs,
        seen: () => heard.map((list) => list.length),
      })
      const expected = Array.from({ length: 50 }, (_, index) => ['alice', index + 1])
      bob.channel.publish('chat', 'done')
      await until('the last message', () => heard.every((list) => list.length > 50), { timeoutMs: meetMs })
      for (const list of heard) expect(list).toEqual([...expected, ['bob', 'done']])
    })

    it('[O7] leave and rejoin at once: the same connectionId, a leave and then a joined, once each', async () => {
      const [alice, bob] = [await join('alice'), await join('bob')]
      await untilAllMet(alice, bob)
      void bob.channel.disconnect()
      const again = await bob.realtime.connect(ROOM)
      again.participant.update({ again: true })
      await untilSees(
        [alice],
        ({ told }) => told.filter(([event, who]) => event === 'joined-room' && who === 'bob').length === 2,
      )
      await untilSees([alice], () => again.participant.getAll().length === 2)
      expect(toldOf(alice, 'bob').filter((event) => event !== 'update')).toEqual([
        'joined-room',
        'leave',
        'joined-room',
      ])
      expect(viewOf(alice).find(({ id }) => id === 'bob')?.connectionId).toBe(bob.realtime.connectionId)
    })

    it('[C7] a binding’s fields travel and raise no presence event', async () => {
      const [alice, bob] = [await join('alice'), await join('bob')]
      await untilAllMet(alice, bob)
      alice.channel.awareness.setLocalStateField('user', { name: 'Alice' })
      alice.channel.participant.update({ step: 1 })
      await untilSees(
        [bob],
        ({ channel }) => channel.awareness.getStates().get(alice.channel.awareness.clientID)?.user?.name === 'Alice',
      )
      await untilTold(bob, 'update', 'alice', { step: 1 })
      const before = viewOf(bob)
      alice.channel.awareness.setLocalStateField('user', { name: 'Alicia' })
      await untilSees(
        [bob],
        ({ channel }) => channel.awareness.getStates().get(alice.channel.awareness.clientID)?.user?.name === 'Alicia',
      )
      expect(viewOf(bob)).toEqual(before)
      expect(toldOf(bob, 'alice')).toEqual(['joined-room', 'update'])
    })

    it('[P9] data of 60 kB travels where every member allows it', async () => {
      const options = { maxDataBytes: 65_536 }
      const [alice, bob] = [await join('alice', options), await join('bob', options)]
      await untilAllMet(alice, bob)
      const big = { text: 'x'.repeat(60_000) }
      alice.channel.participant.update(big)
      await untilTold(bob, 'update', 'alice', big)
    })

    it.runIf(hasDocuments)(
      '[C12] with sync on both sides the document travels, what was written before they met included',
      async () => {
        const alice = await join('alice', {}, { sync: true })
        alice.channel.doc.getText('body').insert(0, 'hello')
        const doc = new Y.Doc()
        doc.getText('body').insert(0, 'offline ')
        const bob = await join('bob', {}, { doc, sync: true })
        await untilSees([alice, bob], ({ channel }) => channel.doc.getText('body').length === 13)
        expect(alice.channel.doc.getText('body').toString()).toBe(doc.getText('body').toString())
        doc.getText('body').insert(0, '> ')
        await untilSees([alice], ({ channel }) => channel.doc.getText('body').toString().startsWith('> '))
        expect(bob.told.some(([event]) => event === 'leave')).toBe(false)
      },
    )

    it.runIf(hasDocuments)('[C12] without sync nothing of another’s document arrives', async () => {
      const alice = await join('alice', {}, { sync: true })
      alice.channel.doc.getText('body').insert(0, 'hello')
      const bob = await join('bob')
      await untilAllMet(alice, bob)
      alice.channel.doc.getText('body').insert(0, 'more ')
      alice.channel.participant.update({ written: true })
      await untilTold(bob, 'update', 'alice', { written: true })
      expect(bob.channel.doc.store.clients.size).toBe(0)
    })

    it('[P21] two connections with the same id are two entries everywhere', async () => {
      const [one, two, bob] = [await join('alice'), await join('alice'), await join('bob')]
      await untilAllMet(one, two, bob)
      expect(
        viewOf(bob)
          .map(({ id }) => id)
          .sort(),
      ).toEqual(['alice', 'alice', 'bob'])
      await one.channel.disconnect()
      await untilSees([bob, two], (member) => viewOf(member).length === 2)
    })
  })
}
