/** A crowd that comes in one moment, on virtual time: whether all hear of all in time, and whether their server would bear it. */
import { describe, expect, it } from 'vitest'
import { createTokenBucket, type TokenBucket } from '../../lib/base/token-bucket.ts'
import { type BlindLogicNeeds, createBlindLogic } from '../../lib/testing/blind-logic.ts'
import type { ServerLogic } from '../../lib/testing/virtual-server.ts'
import { decodeClientFrame } from '../../lib/wire/relay-frame.ts'
import { SEND_COSTS } from '../../signaling-server/blind-socket.ts'
import { LIMITS, type LimitName } from '../../signaling-server/limits.ts'
import { recordEvents } from '../kit/members.ts'
import { createRoom, SERVER, type VirtualMember, type VirtualRoom } from './virtual-kit.ts'

/** The hundred, of whom each pair is played, take minutes: they are of `npm run check:deep`. */
const SIZE = process.env.COPRESENCE_DEEP === '1' ? 100 : 40
/** [L59] */
const WITHIN_MS = 10_000
const MAX_DIRECT = 24
/** Far more links by one socket than one channel can have. */
const TEAM = 10
const CHANNELS = 45
/** Retries with full jitter: never half of those who lost a server at once are back within this. */
const AT_ONCE_MS = 100
/** Every pair of members, and every one of the others, is looked at; the machine may be busy with others too. */
const REAL_TIME_MS = 600_000

/** What the real server would make of the sockets of a virtual one. */
interface Rates {
  /** Sockets that it would have cut off. */
  tooFast: number
  /** When each socket came, in ms. */
  readonly cameMs: number[]
}

/** The logic of the virtual server, with the rates of the real one counted for each socket. */
function withRates(rates: Rates, parts: BlindLogicNeeds): ServerLogic {
  const { nowMs } = parts.scheduler
  const logic = createBlindLogic(parts)
  const bucket = (perSecond: LimitName, burst: LimitName): TokenBucket =>
    createTokenBucket({ perSecond: LIMITS[perSecond].default, burst: LIMITS[burst].default }, nowMs)
  return {
    ...logic,
    accept(socket) {
      rates.cameMs.push(nowMs())
      const messages = bucket('maxMessagesPerSecond', 'maxMessageBurst')
      const bytes = bucket('maxBytesPerSecond', 'maxByteBurst')
      const handler = logic.accept(socket)
      return {
        ...handler,
        onMessage(frame) {
          if (!messages.take(1) || !bytes.take(frame.length)) rates.tooFast += 1
          const read = decodeClientFrame(frame)
          if (read.ok && read.value.kind === 'send') messages.grant(1 - SEND_COSTS)
          handler.onMessage(frame)
        },
      }
    },
  }
}

/** All join in one moment; of every four the first `withWebRtc` have WebRTC. */
async function crowd(withWebRtc: number): Promise<{ room: VirtualRoom; rates: Rates }> {
  const rates: Rates = { tooFast: 0, cameMs: [] }
  const room = createRoom(1, { createLogic: (parts) => withRates(rates, parts) })
  const joins = Array.from({ length: SIZE }, (_, place) =>
    room.join(`member ${place}`, {}, { webrtc: place % 4 < withWebRtc }),
  )
  await Promise.all(joins)
  return { room, rates }
}

/** Who was told of somebody twice, or of a leave, or not at all. */
const wrong = ({ members }: VirtualRoom): string[] =>
  members.flatMap((member) => {
    const comings = member.told.filter(([event]) => event !== 'update')
    const whom = new Set(comings.filter(([event]) => event === 'joined-room').map(([, who]) => who))
    return comings.length === SIZE && whom.size === SIZE ? [] : [member.id]
  })

const directCount = (member: VirtualMember): number =>
  member.channel.inspect().members.filter(({ paths }) => paths.includes('direct')).length

const countWithin = (timesMs: readonly number[], fromMs: number, ms: number): number =>
  timesMs.filter((timeMs) => timeMs >= fromMs && timeMs < fromMs + ms).length

const hasAll = ({ members }: VirtualRoom, v: number): boolean =>
  members.every(({ channel }) => channel.participant.getAll().every(({ data }) => (data as { v?: unknown }).v === v))

describe('a hundred who join in the same moment', () => {
  it(
    '[L59] hear of each other once, by the relay alone; a server that is restarted is no event, and values flow again',
    async () => {
      const { room, rates } = await crowd(0)
      await room.until('all to see all', () => room.members.every(({ ids }) => ids().length === SIZE), WITHIN_MS)
      const server = room.world.server(SERVER)
      server.stop()
      await room.advance(2_000)
      rates.cameMs.length = 0
      server.start()
      for (const member of room.members) member.update({ v: 1 })
      await room.until('all values', () => hasAll(room, 1), 1_000)
      expect(wrong(room)).toEqual([])
      expect(rates.tooFast).toBe(0)
      expect(rates.cameMs).toHaveLength(SIZE)
      const atOnce = rates.cameMs.map((cameMs) => countWithin(rates.cameMs, cameMs, AT_ONCE_MS))
      expect(Math.max(...atOnce)).toBeLessThan(SIZE / 2)
    },
    REAL_TIME_MS,
  )

  it(
    '[L59] hear of each other once where most have WebRTC, of whom each has data channels to 24',
    async () => {
      const { room, rates } = await crowd(3)
      await room.until('all to see all', () => room.members.every(({ ids }) => ids().length === SIZE), WITHIN_MS)
      await room.advance(WITHIN_MS - room.world.scheduler.nowMs())
      expect(wrong(room)).toEqual([])
      expect(rates.tooFast).toBe(0)
      const counts = room.members.map(directCount)
      expect(Math.max(...counts)).toBe(MAX_DIRECT)
    },
    REAL_TIME_MS,
  )
})

describe('a team that shares many channels, by one socket each', () => {
  it(
    '[L70] keeps within a server’s rates when it comes, and when the server is restarted, which is no event',
    async () => {
      const rates: Rates = { tooFast: 0, cameMs: [] }
      const room = createRoom(1, { createLogic: (parts) => withRates(rates, parts) })
      const team = await Promise.all(
        Array.from({ length: TEAM }, (_, place) => room.join(`member ${place}`, {}, { webrtc: false })),
      )
      const places = Array.from({ length: CHANNELS }, (_, place) => place)
      const channels = await Promise.all(
        team.flatMap(({ resident }) => places.map((place) => resident.realtime.connect(`channel ${place}`))),
      )
      const told = channels.map((channel) => recordEvents(channel).told)
      const all = channels.map(({ participant }) => participant)
      const hasAllOf = (v?: number) =>
        all.every((one) => one.getAll().filter(({ data }) => (data as { v?: number }).v === v).length === TEAM)
      await room.until('all to see all', () => hasAllOf(), WITHIN_MS)
      const server = room.world.server(SERVER)
      server.stop()
      await room.advance(2_000)
      server.start()
      for (const one of all) one.update({ v: 1 })
      await room.until('all values', () => hasAllOf(1), WITHIN_MS)
      expect(rates.tooFast).toBe(0)
      for (const events of told) expect(events.filter(([event]) => event !== 'update')).toHaveLength(TEAM)
    },
    REAL_TIME_MS,
  )
})
