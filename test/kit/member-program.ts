/** The program of a member process: does what its parent asks over IPC, and tells what its channel tells. */
import { type Channel, PresenceEvents, Realtime, type RealtimeOptions } from '../../lib/index.ts'

/** What a parent may ask; the answer carries the same `call`. */
export type MemberRequest = { readonly call: number } & (
  | { readonly do: 'join'; readonly room: string; readonly options: RealtimeOptions; readonly hasWebRtc: boolean }
  | { readonly do: 'update'; readonly data: object }
  | { readonly do: 'getAll' }
  | { readonly do: 'inspect' }
  | { readonly do: 'disconnect' }
)

/** What a member tells by itself. `at` is Unix ms. */
export interface MemberEvent {
  readonly event: string
  readonly id: string
  readonly connectionId: string
  readonly data: unknown
  readonly at: number
}

let channel: Channel | undefined

async function answer(request: MemberRequest): Promise<unknown> {
  switch (request.do) {
    case 'join': {
      const webrtc = request.hasWebRtc ? (await import('@roamhq/wrtc')).default : false
      const realtime = new Realtime({ ...request.options, webrtc })
      channel = await realtime.connect(request.room)
      for (const event of Object.values(PresenceEvents)) {
        channel.participant.subscribe(event, ({ id, connectionId, data }) => {
          const told: MemberEvent = { event, id, connectionId, data, at: Date.now() }
          process.send?.(told)
        })
      }
      return realtime.connectionId
    }
    case 'update':
      return channel?.participant.update(request.data)
    case 'getAll':
      return channel?.participant.getAll()
    case 'inspect':
      return channel?.inspect()
    case 'disconnect':
      await channel?.disconnect()
      return undefined
  }
}

process.on('message', (request: MemberRequest) => {
  void answer(request).then(
    (value) => process.send?.({ call: request.call, value }),
    (error) => process.send?.({ call: request.call, error: String(error) }),
  )
})
