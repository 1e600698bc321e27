/**
 * How long until an observer knows: a partner that leaves, is killed, goes silent; and a server that is killed and comes
 * back. Each figure is the median of several pairs, each in its own room with its own processes; all of a kind at once, and few kinds side by side.
 *
 * Partners say something right before they go, as people do. Stock clients count 30 s from the last word of a member,
 * which a renewal is too: with nobody active the same fault takes them between 15 s and these figures.
 */
import { until } from '../kit/until.ts'
import { createFaultWorld, type FaultWorld, type FaultWorldOptions } from './fault-worlds.ts'
import type { BenchMember } from './members.ts'
import { median, printTable, progress, rounded, writeSection } from './report.ts'

const PAIRS = 5
/** Stock clients forget a silent one after 30 s and look every 3 s. */
const LONGEST_LEAVE_MS = 45_000
/** Stock y-websocket clients see each other again after up to 17.5 s. */
const LONGEST_RETURN_MS = 30_000
/** After a meeting, or the end of a server, until the fault. */
const SETTLE_MS = 1_500

type Kind = Omit<FaultWorldOptions, 'pairs' | 'meetings'>

/** Those of one round side by side: with all of them at once the machine itself would be what is measured. */
const ROUNDS: readonly (readonly Kind[])[] = [
  [
    { name: 'oursRelay', stack: 'ours-relay' },
    { name: 'ours', stack: 'ours' },
  ],
  [{ name: 'oursWithoutServer', stack: 'ours', isServerless: true }],
  [
    { name: 'oursYjsRelay', stack: 'ours-yjs-relay' },
    { name: 'oursYjs', stack: 'ours-yjs' },
  ],
  [{ name: 'oursYjsWithoutServer', stack: 'ours-yjs', isServerless: true }],
  [
    { name: 'yWebrtc', stack: 'y-webrtc' },
    { name: 'yWebsocket', stack: 'y-websocket' },
  ],
]

/** All of them, or those that are named on the command line, which are printed and not kept. */
const chosen = process.argv.slice(2)

type Heard = BenchMember['told'][number]

interface Figure {
  readonly medianMs: number
  readonly medianSeconds: number
  readonly minMs: number
  readonly maxMs: number
  readonly runs: number
  /** Runs in which it did not happen within `LONGEST_LEAVE_MS`; they are in no other number. */
  readonly never: number
}

interface Restart {
  /** Leaves that all observers together were told of, with nobody gone. */
  readonly falseLeaves: number
  /** How long the server was away the first time: the start of a process is in it. */
  readonly downMs: number
  /** From the moment the server listens until the partner is in view, with its served socket; 0 if it never was out. */
  readonly backInView: Figure
  /** From the same moment until a value is heard that was set while the server was down; 0 if it did not wait for it. */
  readonly firstValue: Figure
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function figure(runs: readonly (number | undefined)[]): Figure {
  const times = runs.filter((time) => time !== undefined)
  const medianMs = median(times)
  const medianSeconds = rounded(medianMs / 1000, 3)
  return {
    medianMs,
    medianSeconds,
    minMs: Math.min(...times),
    maxMs: Math.max(...times),
    runs: runs.length,
    never: runs.length - times.length,
  }
}

/** Resolves with the Unix ms at which the observer was told it. */
async function toldAt(observer: BenchMember, limitMs: number, isIt: (told: Heard) => boolean) {
  const told = await until(`${observer.id} to be told`, () => observer.told.find(isIt), {
    timeoutMs: limitMs,
    everyMs: 20,
    seen: () => ({ told: observer.told, views: observer.views }),
  })
  return told.at
}

/** Does the fault to every partner of a world, and measures until its observer was told that it left. */
async function measureLeaves(
  { name, observers, partners }: FaultWorld,
  fault: (partner: BenchMember) => Promise<number>,
): Promise<Figure> {
  const times = observers.map(async (observer, pair) => {
    const partner = partners[pair]
    if (partner === undefined) throw new Error(`${observer.id} is alone.`)
    await partner.update({ said: 'last' })
    await toldAt(observer, LONGEST_RETURN_MS, ({ who, data }) => who === partner.id && isLastWord(data))
    const startedAt = await fault(partner)
    const hasLeft = ({ event, who, at }: Heard) => event === 'leave' && who === partner.id && at >= startedAt
    const leftAt = await toldAt(observer, LONGEST_LEAVE_MS, hasLeft).catch((error: Error) => {
      progress(`${name}: ${error.message}`)
      return undefined
    })
    return leftAt === undefined ? undefined : leftAt - startedAt
  })
  return figure(await Promise.all(times))
}

const isLastWord = (data: unknown) => (data as { said?: string }).said === 'last'

async function leaveCleanly(partner: BenchMember): Promise<number> {
  return partner.leave()
}

async function crash(partner: BenchMember): Promise<number> {
  const at = Date.now()
  await partner.kill()
  return at
}

async function fallSilent(partner: BenchMember): Promise<number> {
  partner.child.kill('SIGSTOP')
  return Date.now()
}

async function measureRestart(world: FaultWorld): Promise<Restart> {
  const { observers, partners } = world
  const leaves = () =>
    observers.reduce((sum, { told }) => sum + told.filter(({ event }) => event === 'leave').length, 0)
  const leavesBefore = leaves()
  await world.killServer()
  const downAt = Date.now()
  const upAt = await world.startServer()
  const backInView = await Promise.all(observers.map((observer) => backInViewMs(observer, upAt)))
  await wait(SETTLE_MS)
  const falseLeaves = leaves() - leavesBefore

  await world.killServer()
  await Promise.all(partners.map((partner) => partner.update({ set: 'while down' })))
  const upAgainAt = await world.startServer()
  const firstValue = await Promise.all(
    observers.map((observer) =>
      toldAt(observer, LONGEST_RETURN_MS, ({ data }) => (data as { set?: string }).set === 'while down'),
    ),
  )
  const since = firstValue.map((at) => Math.max(0, at - upAgainAt))
  return { falseLeaves, downMs: upAt - downAt, backInView: figure(backInView), firstValue: figure(since) }
}

/** 0 for an observer that had its partner in view all the time. */
async function backInViewMs(observer: BenchMember, upAt: number): Promise<number> {
  await until(`${observer.id} to be served and to see its partner`, () => isBack(observer), {
    timeoutMs: LONGEST_RETURN_MS,
    seen: () => observer.view(),
  })
  const isOutOfView = observer.views.findLastIndex(({ seen }) => seen < 2)
  const back = observer.views[isOutOfView + 1]
  return back === undefined || back.at < upAt ? 0 : back.at - upAt
}

const isBack = (observer: BenchMember) => observer.view().isServed && observer.view().seen === 2

interface Found {
  readonly clean: Record<string, Figure>
  readonly crash: Record<string, Figure>
  readonly silent: Record<string, Figure>
  readonly restart: Record<string, Restart>
}

/** All faults of the kinds of one round. */
async function measureRound(kinds: readonly Kind[]): Promise<Found> {
  const worlds: FaultWorld[] = []
  const inEveryWorld = async <Value>(
    what: string,
    measure: (world: FaultWorld) => Promise<Value>,
    chosenWorlds = worlds,
  ) => {
    progress(what)
    const values = await Promise.all(chosenWorlds.map(async (world) => [world.name, await measure(world)] as const))
    return Object.fromEntries(values) as Record<string, Value>
  }
  /** Fresh pairs; the serverless ones then lose their server. */
  const meet = async (isFaultServerless: boolean) => {
    await inEveryWorld('pairs meet', async (world) => {
      await world.startServer()
      await world.meet()
      if (world.isServerless && isFaultServerless) await world.killServer()
    })
    await wait(SETTLE_MS)
  }
  try {
    for (const kind of kinds) {
      progress(`${kind.name}: starting ${PAIRS * 4} processes`)
      worlds.push(await createFaultWorld({ ...kind, pairs: PAIRS, meetings: 3 }))
    }
    await meet(false)
    const withServer = worlds.filter(({ isServerless }) => !isServerless)
    const restart = await inEveryWorld('servers are killed and come back, twice', measureRestart, withServer)
    await Promise.all(worlds.filter(({ isServerless }) => isServerless).map((world) => world.killServer()))
    await wait(SETTLE_MS)
    const clean = await inEveryWorld('partners leave', (world) => measureLeaves(world, leaveCleanly))
    await meet(true)
    const crashed = await inEveryWorld('partners are killed', (world) => measureLeaves(world, crash))
    await meet(true)
    const silent = await inEveryWorld('partners fall silent', (world) => measureLeaves(world, fallSilent))
    return { clean, crash: crashed, silent, restart }
  } finally {
    await Promise.all(worlds.map((world) => world.close()))
  }
}

function print({ clean, crash: crashed, silent, restart }: Found): void {
  const text = (found: Figure | undefined) =>
    found === undefined
      ? '–'
      : `${found.medianMs.toFixed(0)} (${found.minMs}–${found.maxMs})${found.never === 0 ? '' : ` ${found.never} never`}`
  printTable(
    `Until the observer knows, ms: median of ${PAIRS} pairs (least–most)`,
    ['', 'clean leave', 'killed', 'silent', 'server back after ms', 'false leaves', 'in view again', 'first value'],
    Object.keys(clean).map((name) => [
      name,
      text(clean[name]),
      text(crashed[name]),
      text(silent[name]),
      restart[name]?.downMs.toString() ?? '–',
      restart[name]?.falseLeaves.toString() ?? '–',
      text(restart[name]?.backInView),
      text(restart[name]?.firstValue),
    ]),
  )
}

let all: Found = { clean: {}, crash: {}, silent: {}, restart: {} }
for (const round of ROUNDS) {
  const kinds = round.filter(({ name }) => chosen.length === 0 || chosen.includes(name))
  if (kinds.length === 0) continue
  const found = await measureRound(kinds)
  all = {
    clean: { ...all.clean, ...found.clean },
    crash: { ...all.crash, ...found.crash },
    silent: { ...all.silent, ...found.silent },
    restart: { ...all.restart, ...found.restart },
  }
}
print(all)
if (chosen.length === 0) writeSection('faults', { pairs: PAIRS, ...all })
