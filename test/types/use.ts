/** The public contract as a program writes it; compiled under every way to resolve modules. */
import DefaultRealtime, {
  type Channel,
  type ChannelOptions,
  type ChannelState,
  createSecret,
  type Participant,
  type Presence,
  PresenceError,
  type PresenceErrorCode,
  type PresenceEvent,
  PresenceEvents,
  Realtime,
  RealtimeChannelEvent,
  RealtimeChannelState,
  RealtimeComponentEvent,
  RealtimeComponentState,
  type RealtimeMessage,
  type RealtimeOptions,
  type Unsubscribe,
} from 'copresence'
import { createSignalingServer } from 'copresence/signaling-server'
import {
  createTestNetwork,
  type MemberOptions,
  type Packet,
  type TestGroup,
  type TestNetwork,
  type TestNetworkOptions,
} from 'copresence/testing'

interface Profile {
  name: string
  status?: 'online' | 'away'
}

export async function use(): Promise<void> {
  const options: RealtimeOptions = { participant: { id: 'luke-long', name: 'Luke Long' }, servers: [], webrtc: false }
  const realtime: DefaultRealtime = new Realtime(options)
  new Realtime('app', options)
  new Realtime({ clientId: 'app', secret: createSecret() })
  const channelOptions: ChannelOptions = {}
  const channel: Channel<Profile> = await realtime.connect<Profile>('channel-name', channelOptions)
  const presence: Presence<Profile> = channel.participant
  const state: ChannelState = channel.state
  const isConnected: boolean = state === RealtimeChannelState.CONNECTED
  const event: PresenceEvent = PresenceEvents.UPDATE
  presence.update({ status: 'online' })
  presence.update({ name: 'John' }, { replace: isConnected })
  const off: Unsubscribe = presence.subscribe(event, ({ data, timestamp }) => {
    const name: string = data.name
    const at: number = timestamp
    console.log(name, at)
  })
  presence.subscribe('presence.leave', () => off(), { signal: new AbortController().signal })
  const everyone: Participant<Profile>[] = presence.getAll()
  channel.subscribe(RealtimeChannelEvent.REALTIME_CHANNEL_STATE_CHANGED, (next: ChannelState) =>
    console.log(next, everyone),
  )
  channel.subscribe<{ x: number }>('pointer', (message: RealtimeMessage<{ x: number }>) => console.log(message.data.x))
  channel.publish('pointer', { x: 1 })
  realtime.subscribe(RealtimeComponentEvent.REALTIME_STATE_CHANGED, (next) =>
    console.log(next === RealtimeComponentState.STARTED),
  )
  const clientId: number = channel.awareness.clientID === channel.doc.clientID ? channel.doc.clientID : 0
  try {
    await channel.disconnect()
  } catch (error) {
    const code: PresenceErrorCode | undefined = error instanceof PresenceError ? error.code : undefined
    console.log(code, clientId)
  }
  await realtime.destroy()
  const server = createSignalingServer({ port: 0, host: '127.0.0.1' })
  await server.ready
  const url: string = server.url
  const connections: number = server.stats().connections
  console.log(url, connections)
  await server.close()
}

export async function useTesting(): Promise<void> {
  const options: TestNetworkOptions = { seed: 1, delayMs: [5, 40] }
  const network: TestNetwork = createTestNetwork(options)
  const member: MemberOptions = { browser: 'one', webrtc: false, relay: true }
  const alice: Realtime = network.createRealtime({ participant: { id: 'alice' } }, member)
  const bob = network.createRealtime()
  const group: TestGroup = [alice, 'server']
  network.partition(alice, bob)
  network.partition([group, [bob]])
  network.drop(0.1)
  network.drop(({ carrier, byteLength }: Packet) => carrier === 'relay' && byteLength > 100)
  network.heal()
  network.pause(bob)
  network.resume(bob)
  network.stopServer()
  network.startServer()
  network.kill(bob)
  await network.advance(1_000)
  const now: number = network.now()
  console.log(now)
}
