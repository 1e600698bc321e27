/** Attacks on what carries: bytes, replays, hellos, neighbours, casts, signals, documents and messages (T8, T14 to T19). */
import type { ClientId } from '../../lib/base/ids.ts'
import {
  encodeCastEnvelope,
  encodeHelloEnvelope,
  encodeSealedEnvelope,
  RESTART_ENVELOPE,
} from '../../lib/wire/envelope.ts'
import * as frame from '../../lib/wire/link-frame.ts'
import { encodeQuestion } from '../../lib/wire/message-question.ts'
import { type Attack, type AttackNeeds, FLOOD, say, sayOwn, sayRaw, strangers, times } from './attack-words.ts'

const SIGNALS = ['', '{}', '7', '{"type":"offer","sdp":"v=0"}', '{"type":"answer","sdp":7}', '[{"candidate":"x"}]']

const flood = (act: (needs: AttackNeeds, index: number) => void) => (needs: AttackNeeds) =>
  times(FLOOD, (index) => act(needs, index))

export const ATTACKS_ON_LINKS: Readonly<Record<string, Attack>> = {
  'any bytes': {
    threats: ['T8'],
    try: flood((needs) => {
      say(needs, needs.dice.bytes(needs.dice.below(80)))
      sayRaw(needs, needs.dice.bytes(needs.dice.below(80)))
    }),
  },
  'a replay of what the victim said': {
    threats: ['T14'],
    try(needs) {
      for (const { from, bytes } of needs.mallory.kept()) if (from === needs.victim.connectionId) sayRaw(needs, bytes)
    },
  },
  'a replay of what others said': {
    threats: ['T14'],
    try(needs) {
      for (const { from, bytes } of needs.mallory.kept()) if (from !== needs.victim.connectionId) sayRaw(needs, bytes)
    },
  },
  'a replay of what others said, as if passed on': {
    threats: ['T14'],
    try(needs) {
      for (const { from, bytes } of needs.mallory.kept()) say(needs, frame.encodeVia(from, bytes, 'passed'))
    },
  },
  'hellos that prove nothing': {
    threats: ['T4', 'T18'],
    try: flood((needs) => sayRaw(needs, encodeHelloEnvelope(needs.dice.bytes(20 + needs.dice.below(180))))),
  },
  'sealed bytes of nobody’s keys': {
    threats: ['T8'],
    try: flood((needs) => sayRaw(needs, encodeSealedEnvelope(needs.dice.bytes(20 + needs.dice.below(80))))),
  },
  'casts of nobody’s keys': {
    threats: ['T1', 'T8'],
    try: flood((needs, index) => {
      const cast = Uint8Array.from([1 + (index % 3), index, 1, 255, ...needs.dice.bytes(110)])
      sayRaw(needs, encodeCastEnvelope(cast))
      say(needs, frame.encodeVia(needs.other.connectionId, encodeCastEnvelope(cast), 'passed'))
    }),
  },
  'keys for casts, one after the other': {
    threats: ['T3'],
    try: flood((needs, index) => {
      const [key, tagKey] = [needs.dice.bytes(32), needs.dice.bytes(32)]
      say(needs, frame.encodeCastKey({ number: 2 ** 40 - index, first: 0, slot: index, key, tagKey }))
      say(needs, frame.encodeCastAck({ number: index, slot: index }))
    }),
  },
  'a request for new keys, again and again': {
    threats: ['T15'],
    try: flood((needs) => sayRaw(needs, RESTART_ENVELOPE)),
  },
  'a request for new keys in the name of another': {
    threats: ['T15'],
    try: (needs) => say(needs, frame.encodeVia(needs.other.connectionId, RESTART_ENVELOPE, 'passed')),
  },
  'lies about others, as if passed on': {
    threats: ['T1', 'T15'],
    try: flood((needs) => {
      const { dice, other } = needs
      const bytes = dice.chance(0.5) ? encodeSealedEnvelope(dice.bytes(60)) : encodeHelloEnvelope(dice.bytes(90))
      say(needs, frame.encodeVia(other.connectionId, bytes, 'passed'))
    }),
  },
  'rubbish to be passed on': {
    threats: ['T8'],
    try: flood((needs) => say(needs, frame.encodeVia(needs.other.connectionId, needs.dice.bytes(60)))),
  },
  'members that it made up': {
    threats: ['T12', 'T18'],
    try: (needs) => say(needs, frame.encodePeers(strangers(needs.dice, 8))),
  },
  'more members than there is room for': {
    threats: ['T12', 'T18'],
    try: (needs) => say(needs, frame.encodePeers(strangers(needs.dice, 140))),
  },
  'a way to the others that leads nowhere': {
    threats: ['T15'],
    try: (needs) => say(needs, frame.encodePeers([needs.other.connectionId, needs.victim.connectionId])),
  },
  'questions for everybody': {
    threats: ['T18'],
    try: (needs) => say(needs, frame.encodeFind([...strangers(needs.dice, 8), needs.other.connectionId])),
  },
  'a word that nobody knows': {
    threats: ['T8'],
    try(needs) {
      sayOwn(needs)
      say(needs, Uint8Array.of(64, 224, 212, 3))
      // Nor is it believed to be silent for so long: no server says that it is there.
      say(needs, frame.encodeLease(2 ** 40))
      say(needs, frame.encodeLease(300_000))
    },
  },
  'pings, pongs and questions': {
    threats: ['T8', 'T19'],
    try: flood((needs, index) => {
      say(needs, index % 2 === 0 ? frame.encodePing(index) : frame.encodePong(needs.dice.below(2 ** 40)))
      say(needs, frame.ASK_FRAME)
    }),
  },
  'signals of no connection': {
    threats: ['T19'],
    try(needs) {
      for (const json of SIGNALS)
        for (const kind of ['description', 'candidates', 'restart'] as const)
          if (needs.dice.chance(0.5)) say(needs, frame.encodeSignal(kind, json))
    },
  },
  'bytes for the document': {
    threats: ['T8'],
    try(needs) {
      for (const step of [0, 1, 2] as const)
        say(needs, frame.encodeDocument(step, needs.dice.bytes(needs.dice.below(40))))
      // A count of structs that the bytes cannot hold (T30).
      say(needs, frame.encodeDocument(2, Uint8Array.of(1, 255, 255, 255, 127)))
    },
  },
  'messages in the name of another': {
    threats: ['T1', 'T4'],
    try(needs) {
      const body = JSON.stringify({ name: 'chat', data: { stay: 0, seq: 1_000 }, timestamp: 1 })
      for (const clientId of [needs.other.clientId, needs.victim.clientId] as ClientId[])
        say(needs, frame.encodeMessage({ clientId, seq: needs.next(), body }))
    },
  },
  'questions for messages that it does not miss': {
    threats: ['T24'],
    try(needs) {
      sayOwn(needs)
      for (const clientId of [66_666, needs.other.clientId] as ClientId[])
        for (const asked of [needs.victim, needs.other])
          say(needs, frame.encodeMessage(encodeQuestion(clientId, asked.connectionId, 1)))
    },
  },
}
