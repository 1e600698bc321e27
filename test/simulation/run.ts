/** Runs one schedule with the real library and checks every invariant while it runs. The same seed gives the same run. */
import type { Crypto } from '../../lib/identity/crypto.ts'
import { createBlindLogic } from '../../lib/testing/blind-logic.ts'
import type { Host } from '../../lib/testing/host.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'
import { createWorld, type World } from '../../lib/testing/world.ts'
import type { Coverage } from './coverage.ts'
import { createLiar } from './liar.ts'
import type { Log } from './life.ts'
import { play } from './play.ts'
import { drawSchedule, type Schedule } from './schedule.ts'
import { slowCrypto } from './slow-crypto.ts'
import { FIRST_SERVER } from './stage.ts'

export interface Outcome {
  readonly seed: number
  readonly schedule: Schedule
  /** What was broken, in order; empty where all is well. */
  readonly failures: readonly string[]
  /** Everything that was told and when, as one number. */
  readonly hash: number
  readonly coverage: Coverage
}

export interface RunOptions {
  readonly schedule?: Schedule
  readonly onNote?: (line: string) => void
  /** Goes on after the first failure. */
  readonly isThorough?: boolean
}

class Stopped extends Error {}

export async function runSchedule(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const schedule = options.schedule ?? drawSchedule(seed)
  const failures: string[] = []
  const coverage: Coverage = new Map()
  let hash = 0x811c9dc5
  const liar = createLiar(createTestCrypto(seed))
  const world: World = createWorld({
    seed,
    createLogic(parts, url) {
      const honest = createBlindLogic(parts)
      return schedule.hasLiar && url === FIRST_SERVER ? liar.front(honest) : honest
    },
    ...(schedule.hasSlowCrypto && {
      wrapCrypto: (crypto: Crypto, host: Host) => slowCrypto(crypto, host, world.scheduler, world.dice.fork()),
    }),
  })
  const log: Log = {
    nowMs: world.scheduler.nowMs,
    fail(what) {
      const line = `at ${Math.round(world.scheduler.nowMs())} ms: ${what}`
      options.onNote?.(`!! ${line}`)
      failures.push(line)
    },
    note(...parts) {
      const line = `${world.scheduler.nowMs().toFixed(3)} ${parts.join(' ')}`
      for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193)
      options.onNote?.(line)
    },
  }
  const stopIfFailed = () => {
    if (failures.length > 0 && options.isThorough !== true) throw new Stopped()
  }
  try {
    await play({ schedule, world, log, coverage, liar: schedule.hasLiar ? liar : undefined, stopIfFailed })
    stopIfFailed()
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return { seed, schedule, failures, hash: hash >>> 0, coverage }
}
