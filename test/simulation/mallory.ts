/**
 * A member gone bad on the virtual network: it holds a valid identity, says true hellos over a server, and then whatever it
 * is told to, well-formed or not. Keeps what it hears, to say it again. Knows no attack.
 */
import type { ConnectionId } from '../../lib/base/ids.ts'
import { createIdentity } from '../../lib/identity/identity.ts'
import type { SealedLink } from '../../lib/identity/seal.ts'
import { createHandshake, type Handshake } from '../../lib/links/handshake.ts'
import { createSignalingClient } from '../../lib/signaling/signaling-client.ts'
import { createHost } from '../../lib/testing/host.ts'
import { createSockets } from '../../lib/testing/virtual-socket.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'
import { decodeEnvelope, encodeSealedEnvelope } from '../../lib/wire/envelope.ts'
import { decodeLinkFrame, encodeCastAck, encodePong } from '../../lib/wire/link-frame.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'

/** Envelopes that are kept for a replay: the newest. */
const MAX_KEPT = 40

export interface Mallory {
  readonly connectionId: ConnectionId
  readonly machine: Machine
  /** Seals and sends one frame of the link, once there are keys: says hello before, where there are none. */
  say(peer: ConnectionId, frame: Uint8Array): void
  /** Sends bytes as they are. */
  sayRaw(peer: ConnectionId, bytes: Uint8Array): void
  /** Envelopes of others that it has heard. */
  kept(): readonly { readonly from: ConnectionId; readonly bytes: Uint8Array }[]
  /** Leaves for good. */
  stop(): void
}

interface Line {
  readonly handshake: Handshake
  sealed: SealedLink | undefined
  waiting: Uint8Array[]
}

/** What it knows of the channel: the topic, and the key of its secret where it was let in. */
export interface MalloryKeys {
  readonly topic: Uint8Array
  readonly secretKey: Uint8Array | undefined
}

export function createMallory(world: World, url: string, { topic, secretKey }: MalloryKeys): Mallory {
  const { crypto, scheduler, wires } = world
  const dice = world.dice.fork()
  const machine = world.createMachine('mallory')
  const host = createHost({ scheduler, dice: dice.fork(), machine, startUnixMs: world.startUnixMs })
  const { WebSocketClass } = createSockets({ host, wires, scheduler, findServer: world.server })
  const identity = createIdentity(crypto)
  const lines = new Map<ConnectionId, Line>()
  const kept: { from: ConnectionId; bytes: Uint8Array }[] = []
  const client = createSignalingClient({
    ...{ url, identity, clock: host.clock, random: dice.bytes, rejects: createRejectCounter() },
    platform: {
      loadWebSocket: async () => WebSocketClass,
      onOnline: () => () => undefined,
      holdProcess: () => () => undefined,
    },
    onStatus: () => undefined,
  })
  const nothing = () => undefined
  const handle = client.join(topic, {
    ...{ onMembers: nothing, onJoined: nothing, onLeft: nothing, onLost: nothing },
    onFrame: (from, payload) => void receive(from, Uint8Array.from(payload)),
  })

  const lineOf = (peer: ConnectionId): Line => {
    const known = lines.get(peer)
    if (known !== undefined) return known
    const line: Line = {
      ...{ sealed: undefined, waiting: [] },
      handshake: createHandshake({
        hello: { crypto, identity, topic, peer, secretKey },
        ...{ clock: host.clock, random: dice.bytes, isInitiator: identity.connectionId < peer },
        send: (envelope) => void handle.send(peer, envelope),
        onKeys(sealed) {
          line.sealed = sealed
          for (const frame of line.waiting.splice(0)) void seal(peer, sealed, frame)
        },
        onReject: nothing,
      }),
    }
    lines.set(peer, line)
    return line
  }

  async function seal(peer: ConnectionId, sealed: SealedLink, frame: Uint8Array): Promise<void> {
    handle.send(peer, encodeSealedEnvelope(await sealed.seal(frame)))
  }

  async function receive(from: ConnectionId, bytes: Uint8Array): Promise<void> {
    kept.push({ from, bytes })
    if (kept.length > MAX_KEPT) kept.shift()
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok) return
    const { handshake } = lineOf(from)
    if (envelope.value.kind === 'hello') return handshake.receive(envelope.value.bytes)
    if (envelope.value.kind === 'restart') return handshake.restart()
    await handshake.settled()
    const { sealed } = lineOf(from)
    const opened = await sealed?.open(envelope.value.bytes)
    const frame = opened?.ok ? decodeLinkFrame(opened.value) : undefined
    // It answers as anybody does, or the others would soon have nothing to do with it.
    if (frame?.ok !== true || sealed === undefined) return
    if (frame.value.kind === 'ping') await seal(from, sealed, encodePong(frame.value.token))
    if (frame.value.kind === 'castKey') await seal(from, sealed, encodeCastAck(frame.value))
  }

  return {
    connectionId: identity.connectionId,
    machine,
    say(peer, frame) {
      const line = lineOf(peer)
      if (line.sealed !== undefined) return void seal(peer, line.sealed, frame)
      line.waiting.push(frame)
      line.handshake.begin()
    },
    sayRaw: (peer, bytes) => void handle.send(peer, bytes),
    kept: () => kept,
    stop() {
      for (const { handshake } of lines.values()) handshake.stop()
      void client.stop()
    },
  }
}
