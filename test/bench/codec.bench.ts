/**
 * One cursor that moves beside a profile of 214 bytes, encoded by its owner, decoded, and written into an Awareness that
 * knows 100 members: ours as a change and as a whole entry, beside y-protocols. Bytes without seals, envelopes and frames of
 * a carrier. The kinds take turns, so that a machine that slows down slows them all.
 */
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import { Doc } from 'yjs'
import { createAwarenessBridge } from '../../lib/awareness/awareness-bridge.ts'
import type { ClientId, ConnectionId, ParticipantId } from '../../lib/base/ids.ts'
import type { JsonObject } from '../../lib/base/json.ts'
import {
  type AwarenessEntry,
  decodeAwarenessUpdate,
  encodeAwarenessUpdate as encodeEntry,
} from '../../lib/wire/awareness-update.ts'
import {
  changed,
  decodeEntryChange,
  encodeEntryChange,
  entryOf,
  type Version,
  versionOf,
} from '../../lib/wire/entry-change.ts'
import { PRESENCE_FIELD, type PresenceField, readPresenceField } from '../../lib/wire/presence-field.ts'
import { median, printTable, rounded, writeSection } from './report.ts'
import { PROFILE } from './update-cost.ts'

const CLIENTS = 100
const MAX_BYTES = 65_536
const ROUNDS = 15
const UPDATES_PER_ROUND = 5_000

/** One update of that member, there and in; returns the bytes that travel. */
type Turn = (member: number, step: number) => number

const members = Array.from({ length: CLIENTS }, (_, index) => index)
const clientIdOf = (member: number): ClientId => (4_000_000_000 + member) as ClientId
const cursorAt = (step: number) => ({ x: (step * 37) % 1_920, y: (step * 23) % 1_080 })

function stock(): Turn {
  const observer = new Awareness(new Doc())
  const owners = members.map((member) => {
    const doc = new Doc()
    doc.clientID = clientIdOf(member)
    return new Awareness(doc)
  })
  for (const awareness of [observer, ...owners]) clearInterval(awareness._checkInterval)
  return (member, step) => {
    const owner = owners[member] as Awareness
    owner.setLocalState({ profile: PROFILE, cursor: cursorAt(step) })
    const update = encodeAwarenessUpdate(owner, [owner.clientID])
    applyAwarenessUpdate(observer, update, 'bench')
    return update.length
  }
}

const fieldOf = (member: number, step: number): PresenceField => ({
  connectionId: `${member}`.padStart(22, '0') as ConnectionId,
  id: `member ${member}` as ParticipantId,
  name: `Member ${member}`,
  data: { profile: PROFILE, cursor: cursorAt(step) },
  ...{ timestamp: 1_795_000_000_000 + step * 50, joinedAt: 1_795_000_000_000, seq: step, sent: 0 },
})

const entryAt = (member: number, step: number): AwarenessEntry => ({
  clientId: clientIdOf(member),
  clock: step + 1,
  state: { [PRESENCE_FIELD]: fieldOf(member, step) as unknown as JsonObject },
})

/** What comes in is checked as the roster checks it, then written. */
function ours(travel: (entry: AwarenessEntry, member: number) => { bytes: number; heard: AwarenessEntry }): Turn {
  const bridge = createAwarenessBridge({ doc: new Doc(), presence: fieldOf(CLIENTS, 0), onOwnChange: () => undefined })
  return (member, step) => {
    const { bytes, heard } = travel(entryAt(member, step), member)
    if (heard.state === null || !readPresenceField(heard.state, MAX_BYTES).ok) throw new Error('It was not taken.')
    bridge.write([heard])
    return bytes
  }
}

function oursWhole(): Turn {
  return ours((entry) => {
    const update = encodeEntry(entry)
    const decoded = decodeAwarenessUpdate(update, MAX_BYTES)
    const [heard] = decoded.ok ? decoded.value : []
    if (heard === undefined) throw new Error('It did not decode.')
    return { bytes: update.length, heard }
  })
}

function oursAsChange(): Turn {
  const said = members.map((member) => versionOf(entryAt(member, 0)))
  const known = [...said]
  return ours((entry, member) => {
    const version = versionOf(entry)
    const frame = encodeEntryChange(said[member] as Version, version)
    said[member] = version
    const change = decodeEntryChange(frame)
    const next = change.ok ? changed(known[member] as Version, change.value) : change
    const heard = next.ok ? entryOf(next.value) : next
    if (!next.ok || !heard.ok) throw new Error('It did not decode.')
    known[member] = next.value
    return { bytes: frame.length, heard: heard.value }
  })
}

const kinds = { yProtocols: stock(), oursWhole: oursWhole(), ours: oursAsChange() }
type Kind = keyof typeof kinds
const rates: Record<Kind, number[]> = { yProtocols: [], oursWhole: [], ours: [] }
const bytes: Record<Kind, number> = { yProtocols: 0, oursWhole: 0, ours: 0 }

for (let round = 0; round <= ROUNDS; round++) {
  for (const kind of Object.keys(kinds) as Kind[]) {
    const startedAt = performance.now()
    for (let turn = 0; turn < UPDATES_PER_ROUND; turn++) {
      const step = 1 + round * (UPDATES_PER_ROUND / CLIENTS) + Math.floor(turn / CLIENTS)
      bytes[kind] = kinds[kind](turn % CLIENTS, step)
    }
    // The first round is for the engine to warm up.
    if (round > 0) rates[kind].push((UPDATES_PER_ROUND / (performance.now() - startedAt)) * 1_000)
  }
}

const stockRate = median(rates.yProtocols)
const result = (kind: Kind) => ({
  perSecond: Math.round(median(rates[kind])),
  ratio: rounded(median(rates[kind]) / stockRate, 2),
  bytes: bytes[kind],
})
const results = { yProtocols: result('yProtocols'), oursWhole: result('oursWhole'), ours: result('ours') }
printTable(
  `one cursor of ${CLIENTS}: encoded, decoded, checked and written`,
  ['what', 'per second', 'of y-protocols', 'bytes'],
  Object.entries(results).map(([kind, { perSecond, ratio, bytes }]) => [kind, perSecond, ratio, bytes]),
)
writeSection('codec', results)
