/** The program of a member process: does what its parent asks over IPC, and tells what its channel tells. */
import { type Channel, PresenceEvents, Realtime, type RealtimeOptions } from '../../lib/index.ts'
import { type Implementation, trackDataChannels } from './data-channels.ts'

/** What a parent may ask; the answer carries the same `call`. */
export type MemberRequest = { readonly call: number } & (
  | {
      readonly do: 'join'
      readonly room: string
      readonly options: RealtimeOptions
      readonly hasWebRtc: boolean
    }
  | { readonly do: 'update'; readonly data: object }
  | { readonly do: 'getAll' }
  | { readonly do: 'inspect' }
  | { readonly do: 'disconnect' }
  /** Updates `{ n }`, counting on, so often; 0 ends it. Answers with the last `n`. */
  | { readonly do: 'talk'; readonly everyMs: number }
  /** The open data channels: by the names of both ends. */
  | { readonly do: 'dataChannels' }
  | { readonly do: 'closeDataChannel'; readonly name: string }
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
let talking: NodeJS.Timeout | undefined
let said = 0
const dataChannels = trackDataChannels()

async function loadWebRtc(): Promise<{ RTCPeerConnection: unknown }> {
  const { default: wrtc } = await import('@roamhq/wrtc')
  return { ...wrtc, RTCPeerConnection: dataChannels.track(wrtc.RTCPeerConnection as Implementation) }
}

async function answer(request: MemberRequest): Promise<unknown> {
  switch (request.do) {
    case 'join': {
      const webrtc = request.hasWebRtc ? await loadWebRtc() : false
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
    case 'talk':
      clearInterval(talking)
      talking = undefined
      if (request.everyMs > 0) talking = setInterval(() => channel?.participant.update({ n: ++said }), request.everyMs)
      return said
    case 'dataChannels':
      return dataChannels.names()
    case 'closeDataChannel':
      return dataChannels.close(request.name)
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
