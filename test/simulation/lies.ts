/**
 * What a server gone bad says: false ends, members that are none, words in the name of others, words from before, and no words
 * at all. Nobody believes it anything but an end, and that only of whom nothing else shows to be there.
 */
import { toBase64Url } from '../../lib/base/base64-url.ts'
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Dice } from '../../lib/testing/dice.ts'
import type { Scheduler } from '../../lib/testing/scheduler.ts'
import type { VirtualServer } from '../../lib/testing/virtual-server.ts'
import { RESTART_ENVELOPE } from '../../lib/wire/envelope.ts'
import { encodeServerFrame, type ServerFrame } from '../../lib/wire/relay-frame.ts'
import type { Liar } from './liar.ts'

/** Those who are lied to, and in whose name or about whom. */
export interface LieNeeds {
  readonly liar: Liar
  readonly dice: Dice
  readonly victim: ConnectionId
  readonly other: ConnectionId
  /** The victim is told that the other has left, and for so long nothing else. */
  hide(silentMs: number, forMs: number): void
  /** The victim is told of members who are none; at the end it is told that they have left. */
  invent(count: number): readonly ConnectionId[]
}

interface Lie {
  /** Which rows of the threats it tries. */
  readonly threats: readonly string[]
  tell(needs: LieNeeds): void
}

/** More than a channel has members. */
const CROWD = 140
const FLOOD = 20
const LONGEST_HIDE_MS = 8_000
const OVERSIZED_BYTES = 600_000

const times = (count: number, act: () => void): void => {
  for (let left = count; left > 0; left--) act()
}
const speak = ({ liar, victim, other }: LieNeeds, payload: Uint8Array, from = other): void =>
  liar.say(victim, (topic) => ({ kind: 'from', topic, from, payload }))
const strangers = (dice: Dice, count: number): ConnectionId[] =>
  Array.from({ length: count }, () => toBase64Url(dice.bytes(17)).slice(0, 22) as ConnectionId)

/** By name; the run counts which of them were told. */
export const LIES: Readonly<Record<string, Lie>> = {
  'an end of one who is here': {
    threats: ['T2', 'T15'],
    tell: ({ dice, hide }) => hide(0, dice.between(0, LONGEST_HIDE_MS)),
  },
  'a silence of one who is here': {
    threats: ['T2', 'T15'],
    tell: ({ dice, hide }) => hide(12_500, dice.between(0, LONGEST_HIDE_MS)),
  },
  'a crowd that is none': { threats: ['T12', 'T18'], tell: ({ invent }) => void invent(CROWD) },
  'words of one who is none': {
    threats: ['T1', 'T12'],
    tell(needs) {
      const [from] = needs.invent(1)
      for (const { payload } of needs.liar.passed()) speak(needs, payload, from)
    },
  },
  'words of one in the name of another': {
    threats: ['T1', 'T4', 'T15'],
    tell(needs) {
      for (const { from, payload } of needs.liar.passed()) if (from !== needs.other) speak(needs, payload)
    },
  },
  'all that passed, once more': {
    threats: ['T14'],
    tell(needs) {
      for (const { from, payload } of needs.liar.passed()) speak(needs, payload, from)
    },
  },
  'its own words, back to it': {
    threats: ['T14'],
    tell(needs) {
      for (const { from, to, payload } of needs.liar.passed())
        if (from === needs.victim) needs.liar.say(from, (topic) => ({ kind: 'from', topic, from: to, payload }))
    },
  },
  'copies with a bit turned': {
    threats: ['T15'],
    tell(needs) {
      const { dice, liar } = needs
      for (const { from, to, payload } of liar.passed()) {
        const at = dice.below(payload.length)
        const turned = payload.map((byte, index) => (index === at ? byte ^ (1 << dice.below(8)) : byte))
        liar.say(to, (topic) => ({ kind: 'from', topic, from, payload: turned }))
      }
    },
  },
  'requests for new keys': {
    threats: ['T15', 'T19'],
    tell: (needs) => times(FLOOD, () => speak(needs, RESTART_ENVELOPE)),
  },
  'any bytes': {
    threats: ['T8', 'T19'],
    tell(needs) {
      const { dice, liar, victim } = needs
      times(FLOOD, () => {
        liar.sayRaw(victim, dice.bytes(dice.below(120)))
        speak(needs, dice.bytes(dice.below(120)))
      })
    },
  },
  'a frame over every limit': {
    threats: ['T6', 'T19'],
    tell: ({ liar, victim }) => liar.sayRaw(victim, new Uint8Array(OVERSIZED_BYTES).fill(11)),
  },
  'words on topics that nobody joined': {
    threats: ['T17'],
    tell(needs) {
      const { dice, liar, other, victim } = needs
      const topic = dice.bytes(32)
      const [payload = new Uint8Array(1)] = liar.passed().map((passed) => passed.payload)
      const frames: ServerFrame[] = [
        { kind: 'members', topic, members: strangers(dice, 3) },
        { kind: 'joined', topic, connectionId: other },
        { kind: 'from', topic, from: other, payload },
        { kind: 'left', topic, connectionId: other, silentMs: 0 },
      ]
      for (const frame of frames) liar.sayRaw(victim, encodeServerFrame(frame))
    },
  },
  'a challenge and a welcome, once more': {
    threats: ['T19'],
    tell({ dice, liar, victim }) {
      liar.sayRaw(victim, encodeServerFrame({ kind: 'challenge', nonce: dice.bytes(32) }))
      liar.sayRaw(victim, encodeServerFrame({ kind: 'welcome' }))
    },
  },
  'a victim that meets itself': {
    threats: ['T1', 'T19'],
    tell(needs) {
      const { liar, victim } = needs
      liar.say(victim, (topic) => ({ kind: 'joined', topic, connectionId: victim }))
      for (const { from, payload } of liar.passed()) if (from === victim) speak(needs, payload, victim)
    },
  },
}

export interface Lies {
  /** The one that lies. */
  readonly server: VirtualServer
  tell(which: number, victim: ConnectionId, other: ConnectionId): void
  inventedCount(): number
  /** When the first was last told that the second has left, in ms; `Infinity` while it is told nothing else. */
  hiddenMs(victim: ConnectionId, other: ConnectionId): number
  /** Whatever was said wrongly is put right. */
  stop(): void
}

export interface LiesNeeds {
  readonly liar: Liar
  readonly server: VirtualServer
  readonly scheduler: Scheduler
  readonly dice: Dice
  onLie(name: string, threats: readonly string[]): void
}

export function createLies({ dice, liar, onLie, scheduler, server }: LiesNeeds): Lies {
  const hidden = new Map<string, { readonly victim: ConnectionId; readonly other: ConnectionId; untilMs: number }>()
  const invented: { readonly victim: ConnectionId; readonly ids: readonly ConnectionId[] }[] = []
  const names = Object.keys(LIES)

  function show(key: string): void {
    const one = hidden.get(key)
    if (one?.untilMs !== Number.POSITIVE_INFINITY) return
    one.untilMs = scheduler.nowMs()
    if (liar.members().includes(one.other))
      liar.say(one.victim, (topic) => ({ kind: 'joined', topic, connectionId: one.other }))
  }

  function hide(victim: ConnectionId, other: ConnectionId, silentMs: number, forMs: number): void {
    const key = `${victim} ${other}`
    hidden.set(key, { victim, other, untilMs: Number.POSITIVE_INFINITY })
    liar.say(victim, (topic) => ({ kind: 'left', topic, connectionId: other, silentMs }))
    scheduler.after(forMs, () => show(key))
  }

  function invent(victim: ConnectionId, count: number): readonly ConnectionId[] {
    const ids = strangers(dice, count)
    invented.push({ victim, ids })
    for (const connectionId of ids) liar.say(victim, (topic) => ({ kind: 'joined', topic, connectionId }))
    return ids
  }

  return {
    server,
    tell(which, victim, other) {
      const name = names[which % names.length] ?? ''
      onLie(name, LIES[name]?.threats ?? [])
      LIES[name]?.tell({
        ...{ liar, dice, victim, other },
        hide: (silentMs, forMs) => hide(victim, other, silentMs, forMs),
        invent: (count) => invent(victim, count),
      })
    },
    inventedCount: () => invented.reduce((sum, { ids }) => sum + ids.length, 0),
    hiddenMs: (victim, other) => hidden.get(`${victim} ${other}`)?.untilMs ?? Number.NEGATIVE_INFINITY,
    stop() {
      for (const key of hidden.keys()) show(key)
      for (const { victim, ids } of invented)
        for (const connectionId of ids)
          liar.say(victim, (topic) => ({ kind: 'left', topic, connectionId, silentMs: 0 }))
    },
  }
}
