/** Which transport a Realtime travels over, and whom it meets there: through one real server. */
import { expect, it } from 'vitest'
import { type Channel, Realtime, type RealtimeOptions } from '../../lib/index.ts'
import { createSignalingServer } from '../../signaling-server/index.ts'
import { until } from '../kit/until.ts'

it('[R18] members of the default meet by links, those of the Yjs transport meet each other, and neither meets the other', async () => {
  const server = createSignalingServer({ port: 0 })
  await server.ready
  const realtimes: Realtime[] = []
  const join = (id: string, options: RealtimeOptions = {}): Promise<Channel> => {
    const realtime = new Realtime({ participant: { id }, servers: [server.url], webrtc: false, ...options })
    realtimes.push(realtime)
    return realtime.connect('one room')
  }
  const idsOf = (channel: Channel) => channel.participant.getAll().map(({ id }) => id)
  const linked = [await join('alice'), await join('bob', { transport: 'links' })]
  const stock = [await join('yves', { transport: 'yjs' }), await join('yann', { transport: 'yjs' })]
  const all = [...linked, ...stock]
  await until('each to have met one', () => all.every((channel) => idsOf(channel).length === 2), {
    seen: () => all.map(idsOf),
  })
  expect(all.map((channel) => idsOf(channel).sort())).toEqual([
    ['alice', 'bob'],
    ['alice', 'bob'],
    ['yann', 'yves'],
    ['yann', 'yves'],
  ])
  await Promise.all(realtimes.map((realtime) => realtime.destroy()))
  await server.close()
})
