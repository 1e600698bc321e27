/** What happens in one run, drawn from a seed as plain data: so it can be printed, repeated and cut down. */
import { createDice, type Dice } from '../../lib/testing/dice.ts'
import { drawScene, type SceneBounds } from './scenes.ts'
import { WITHOUT_PAGES } from './seeds.ts'

export interface MemberPlan {
  /** Members of one browser are tabs of it. */
  readonly browser: string | undefined
  readonly webrtc: boolean
  /** Servers that it is given, by index. */
  readonly servers: readonly number[]
  /** What its wall clock is off by, in ms. */
  readonly skewMs: number
  /** Whether its document travels, where any does. */
  readonly isSynced: boolean
}

/** One step for each of the kinds, so that each can be told by its kind. */
type Kinds<Kind extends string, Rest> = Kind extends string
  ? { readonly kind: Kind; readonly atMs: number } & Readonly<Rest>
  : never

export type Step =
  | Kinds<'join' | 'leave' | 'rejoin' | 'destroy' | 'kill', { member: number }>
  | Kinds<'update' | 'publish' | 'edit', { member: number; count: number }>
  | Kinds<'freeze' | 'sleep' | 'minute' | 'second' | 'hide' | 'offline', { member: number; forMs: number }>
  /** A page is about to be left, and was not, which it knows after so long; or is left, kept by its browser, and brought back. */
  | Kinds<'unload' | 'away', { member: number; forMs: number }>
  /** A page that is hidden is frozen until it is looked at. */
  | Kinds<'suspend', { member: number }>
  | Kinds<'slow' | 'distant' | 'clock', { member: number; forMs: number; byMs: number }>
  | Kinds<'cut' | 'one-way', { member: number; other: number; forMs: number }>
  | Kinds<'unserved', { member: number; server: number; forMs: number }>
  | Kinds<'reset', { member: number; server: number }>
  | Kinds<'split', { group: readonly number[]; servers: readonly number[]; forMs: number }>
  | Kinds<'crash' | 'disorder', { server: number; forMs: number }>
  | Kinds<'loss', { rate: number; forMs: number }>
  | Kinds<'attack', { attack: number; member: number; other: number }>
  | Kinds<'lie', { lie: number; member: number; other: number }>

export interface Schedule {
  readonly seed: number
  readonly members: readonly MemberPlan[]
  readonly serverCount: number
  readonly hasAdversary: boolean
  /** Whether the first server lies. */
  readonly hasLiar: boolean
  /** The troubles that meet in it, by name. */
  readonly scene: string | undefined
  /** Whether the channel has a secret; the adversary may have it, or only know the topic. */
  readonly hasSecret: boolean
  readonly isAdversaryOutside: boolean
  /** Whether cryptography takes time of its own, as threads do. */
  readonly hasSlowCrypto: boolean
  readonly steps: readonly Step[]
  /** When the last fault is over at the latest. */
  readonly endMs: number
}

/** Every kind of step, each as often as it is drawn. */
const KINDS = [
  ...(['join', 'join', 'leave', 'rejoin', 'rejoin', 'destroy', 'kill', 'kill'] as const),
  ...(['update', 'publish', 'freeze', 'freeze', 'sleep', 'minute', 'offline', 'offline', 'slow', 'clock'] as const),
  ...(['cut', 'cut', 'one-way', 'unserved', 'reset', 'split', 'split', 'crash', 'crash', 'loss', 'disorder'] as const),
]
export const STEP_KINDS: readonly Step['kind'][] = [
  ...new Set(KINDS),
  ...(['edit', 'attack', 'lie', 'second', 'hide', 'suspend', 'unload', 'away', 'distant'] as const),
]

const MAX_MEMBERS = 6
/** The faults of one run begin within this. */
const ACTIVE_MS = 30_000
/** What a seed draws beside the first things has dice of its own: so that the first remain what they were. */
const SECOND_DICE = 2 ** 40
const THIRD_DICE = 2 ** 41
const FOURTH_DICE = 2 ** 42

/** Long and short ones: below and above the 10 s that nobody may notice. */
const drawGapMs = (dice: Dice): number => (dice.chance(0.65) ? dice.between(200, 9_500) : dice.between(9_500, 26_000))

export function drawSchedule(seed: number): Schedule {
  const dice = createDice(seed)
  const memberCount = 2 + Math.floor(dice.fraction() * dice.fraction() * (MAX_MEMBERS - 1))
  const serverCount = dice.chance(0.2) ? 2 : 1
  const hasWebRtc = dice.chance(0.75)
  const members = Array.from({ length: memberCount }, (_, index): Omit<MemberPlan, 'isSynced'> => {
    const all = Array.from({ length: serverCount }, (_, server) => server)
    return {
      browser: dice.chance(0.25) ? `browser ${dice.below(2)}` : undefined,
      webrtc: hasWebRtc && dice.chance(0.85),
      servers: index === 0 || serverCount === 1 || dice.chance(0.7) ? all : [dice.below(serverCount)],
      skewMs: dice.chance(0.3) ? dice.between(-86_400_000, 86_400_000) : 0,
    }
  })
  const hasAdversary = dice.chance(0.25)
  const steps: Step[] = members.flatMap((_, member) =>
    dice.chance(0.85) ? [{ kind: 'join', member, atMs: dice.between(0, 2_000) } as const] : [],
  )
  // Some runs have few faults, so that each is seen alone; some have many, so that they meet.
  const density = dice.pick([3, 8, 20])
  for (let left = density; left > 0; left--) steps.push(drawStep(dice, { memberCount, serverCount, hasAdversary }))
  // Values flow all the time.
  for (let left = memberCount * 5; left > 0; left--) {
    const kind = dice.chance(0.75) ? 'update' : 'publish'
    steps.push({ kind, member: dice.below(memberCount), count: 1 + dice.below(3), atMs: dice.between(0, ACTIVE_MS) })
  }
  const hasSlowCrypto = dice.chance(0.3)
  const { isSynced, more, ...beside } = drawBeside(createDice(seed + SECOND_DICE), { memberCount, serverCount })
  steps.push(...more, ...drawSlowness(createDice(seed + THIRD_DICE), { memberCount, serverCount }))
  if (!WITHOUT_PAGES.includes(seed)) steps.push(...drawPages(createDice(seed + FOURTH_DICE), memberCount))
  steps.sort((one, other) => one.atMs - other.atMs)
  const endMs = Math.max(ACTIVE_MS, ...steps.map((step) => step.atMs + ('forMs' in step ? step.forMs : 0)))
  const plans = members.map((plan, index) => ({ ...plan, isSynced: isSynced[index] === true }))
  return { seed, members: plans, serverCount, hasAdversary, hasSlowCrypto, steps, endMs, ...beside }
}

/** A secret, documents, a server that lies, and troubles that meet: each in some of the runs. */
function drawBeside(dice: Dice, bounds: SceneBounds) {
  const { memberCount } = bounds
  const more: Step[] = []
  const hasSecret = dice.chance(0.2)
  const isAdversaryOutside = hasSecret && dice.chance(0.5)
  const hasDocuments = dice.chance(0.25)
  const isSynced = Array.from({ length: memberCount }, () => hasDocuments && dice.chance(0.9))
  const hasLiar = dice.chance(0.15)
  for (let left = hasDocuments ? memberCount * 3 : 0; left > 0; left--)
    more.push({
      ...{ kind: 'edit', member: dice.below(memberCount), count: 1 + dice.below(3) },
      atMs: dice.between(0, ACTIVE_MS),
    })
  for (let left = hasLiar ? dice.pick([2, 6, 12]) : 0; left > 0; left--) {
    const member = dice.below(memberCount)
    const other = (member + 1 + dice.below(memberCount - 1)) % memberCount
    more.push({ kind: 'lie', lie: dice.below(1_000), member, other, atMs: dice.between(1_500, ACTIVE_MS) })
  }
  const scene = dice.chance(0.4) ? drawScene(dice, bounds) : undefined
  more.push(...(scene?.steps ?? []))
  return { hasSecret, isAdversaryOutside, hasLiar, isSynced, scene: scene?.name, more }
}

/** Pages that nobody looks at, and lines to the other end of the world: a round trip of half a second and more. */
function drawSlowness(dice: Dice, { memberCount, serverCount }: SceneBounds): Step[] {
  const steps: Step[] = []
  const draw = () => ({ member: dice.below(memberCount), atMs: dice.between(1_500, ACTIVE_MS) })
  if (dice.chance(0.15)) steps.push({ kind: 'second', forMs: dice.between(5_000, 60_000), ...draw() })
  if (dice.chance(0.15))
    steps.push({ kind: 'distant', forMs: drawGapMs(dice), byMs: dice.between(150, 350), ...draw() })
  if (dice.chance(0.12)) {
    const { member } = draw()
    // Some of them are frozen when the faults are over: nothing else may be why they are missed.
    const atMs = dice.between(8_000, 1.5 * ACTIVE_MS)
    const suspendMs = atMs + dice.between(1_500, 6_000)
    steps.push({ kind: 'hide', member, forMs: dice.between(34_000, 60_000), atMs })
    steps.push({ kind: 'suspend', member, atMs: suspendMs })
    if (dice.chance(0.3))
      steps.push({
        ...{ kind: 'crash', server: dice.below(serverCount), forMs: dice.between(500, 20_000) },
        atMs: suspendMs + dice.between(500, 4_000),
      })
  }
  return steps
}

/** A page that was asked to unload takes it after so long that it was not left. */
const STAYED_AFTER_MS = 1_000

/** Pages that are left and come back, and some that were not left after all. */
function drawPages(dice: Dice, memberCount: number): Step[] {
  const steps: Step[] = []
  const draw = () => ({ member: dice.below(memberCount), atMs: dice.between(1_500, ACTIVE_MS) })
  if (dice.chance(0.15)) {
    const { atMs, member } = draw()
    // Where nobody asks a page to unload it is left all the same.
    if (dice.chance(0.7)) steps.push({ kind: 'unload', member, forMs: STAYED_AFTER_MS, atMs })
    steps.push({ kind: 'away', member, forMs: drawGapMs(dice), atMs: atMs + dice.pick([0, 30, 300]) })
  }
  if (dice.chance(0.05)) steps.push({ kind: 'unload', forMs: STAYED_AFTER_MS, ...draw() })
  return steps
}

interface Bounds {
  readonly memberCount: number
  readonly serverCount: number
  readonly hasAdversary: boolean
}

function drawStep(dice: Dice, { memberCount, serverCount, hasAdversary }: Bounds): Step {
  const atMs = dice.between(1_500, ACTIVE_MS)
  const member = dice.below(memberCount)
  const other = (member + 1 + dice.below(memberCount - 1)) % memberCount
  const server = dice.below(serverCount)
  const forMs = drawGapMs(dice)
  if (hasAdversary && dice.chance(0.5)) return { kind: 'attack', attack: dice.below(1_000), member, other, atMs }
  const kind = dice.pick(KINDS)
  switch (kind) {
    case 'update':
    case 'publish':
      return { kind, member, count: 1 + dice.below(30), atMs }
    case 'freeze':
    case 'sleep':
    case 'offline':
      return { kind, member, forMs, atMs }
    case 'minute':
      return { kind, member, forMs: dice.between(5_000, 150_000), atMs }
    case 'slow':
      return { kind, member, forMs, byMs: dice.between(20, 80), atMs }
    case 'clock':
      return { kind, member, forMs, byMs: dice.between(-3_600_000, 3_600_000), atMs }
    case 'cut':
    case 'one-way':
      return { kind, member, other, forMs, atMs }
    case 'unserved':
      return { kind, member, server, forMs, atMs }
    case 'reset':
      return { kind, member, server, atMs }
    case 'crash':
    case 'disorder':
      return { kind, server, forMs, atMs }
    case 'split': {
      const group = Array.from({ length: memberCount }, (_, index) => index).filter(() => dice.chance(0.5))
      const servers = Array.from({ length: serverCount }, (_, index) => index).filter(() => dice.chance(0.5))
      return { kind, group, servers, forMs, atMs }
    }
    case 'loss':
      return { kind, rate: dice.between(0.02, 0.2), forMs, atMs }
    default:
      return { kind, member, atMs }
  }
}
