/** What a run did, counted by name: so that many runs can be asked whether they did exercise everything. */
import type { RejectReason } from '../../lib/wire/result.ts'
import type { PathKind } from '../../lib/wire/transport.ts'
import { ATTACKS } from './attacks.ts'
import { LIES } from './lies.ts'
import { SCENE_NAMES } from './scenes.ts'
import { STEP_KINDS } from './schedule.ts'

export type Coverage = Map<string, number>

/** What observers were told, and what happened of itself. */
const OUTCOMES = [
  ...([
    'joined',
    'update',
    'leave',
    'message',
    'ended',
    'returned',
    'back',
    'gap over 10 s',
    'gap of 2 to 10 s',
  ] as const),
  ...(['slow crypto', 'a secret', 'documents', 'an edit of another', 'one word for several'] as const),
]
const WAYS: readonly PathKind[] = ['direct', 'tab', 'relay', 'via']
/** The rows of the threats that somebody on the network tries; T11 is none, T16 is somebody without the secret. */
const THREATS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19].map((row) => `T${row}`)
/** What the attacks and the faults must have run into, or they were none. No run has members enough to fill a room. */
const REFUSALS: readonly RejectReason[] = [
  ...(['malformed', 'too-large', 'bad-presence', 'not-owner', 'own-entry', 'stale', 'unknown-frame'] as const),
  ...(['document-refused', 'bad-hello', 'wrong-secret', 'replayed', 'not-authentic'] as const),
]

export const everything = (): string[] => [
  ...OUTCOMES,
  ...WAYS.map((kind) => `way ${kind}`),
  ...STEP_KINDS.map((kind) => `step ${kind}`),
  ...SCENE_NAMES.map((name) => `scene ${name}`),
  ...Object.keys(ATTACKS).map((name) => `attack ${name}`),
  ...Object.keys(LIES).map((name) => `lie ${name}`),
  ...THREATS.map((row) => `threat ${row}`),
  ...REFUSALS.map((reason) => `refused ${reason}`),
]

export function count(coverage: Coverage, name: string, by = 1): void {
  coverage.set(name, (coverage.get(name) ?? 0) + by)
}

export function addCoverage(total: Coverage, more: Coverage): void {
  for (const [name, by] of more) count(total, name, by)
}
