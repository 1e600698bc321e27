/** What must not compile; each line is an error under every way to resolve modules. */
import { type Channel, type PresenceErrorCode, PresenceEvents, Realtime } from 'copresence'
import { createSignalingServer } from 'copresence/signaling-server'
import { createTestNetwork } from 'copresence/testing'

declare const channel: Channel<{ name: string }>

export function misuse(): void {
  // @ts-expect-error a participant needs an id
  new Realtime({ participant: { name: 'alice' } })
  // @ts-expect-error servers are a list
  new Realtime({ servers: 'wss://presence.example.org' })
  // @ts-expect-error true is no implementation of WebRTC
  new Realtime({ webrtc: true })
  // @ts-expect-error data is what the channel was typed with
  channel.participant.update({ name: 7 })
  // @ts-expect-error there is no such event
  channel.participant.subscribe('presence.joined', () => undefined)
  // @ts-expect-error records are read-only for whoever is handed one
  channel.participant.getAll().at(0).data.name.length = 1
  // @ts-expect-error the state is told, not set
  channel.state = 'CONNECTED'
  // @ts-expect-error the codes are a closed union
  const code: PresenceErrorCode = 'something-else'
  // @ts-expect-error event names are constants
  PresenceEvents.LEAVE = 'presence.update'
  // @ts-expect-error a port is a number
  createSignalingServer({ port: '4444' })
  // @ts-expect-error a network has its own WebRTC
  createTestNetwork().createRealtime({ webrtc: false })
  console.log(code)
}
