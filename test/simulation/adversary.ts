/** Lets mallory try the attacks of the corpus on members of a run, and counts which were tried. Knows no frame. */
import type { ConnectionId } from '../../lib/base/ids.ts'
import type { Machine } from '../../lib/testing/wires.ts'
import type { World } from '../../lib/testing/world.ts'
import type { Target } from './attack-words.ts'
import { ATTACKS } from './attacks.ts'
import { currentStay, type Life, type Log } from './life.ts'
import { createMallory, type MalloryKeys } from './mallory.ts'

export interface Adversary {
  /**
   * Attack `which` and some others, counted round the corpus, on a member that is there, about or in the name of another
   * one; whether there was a member.
   */
  attack(which: number, victim: Life | undefined, other: Life | undefined): boolean
  isOwn(connectionId: string): boolean
  readonly machine: Machine
  /** It leaves for good, and what is shown afterwards is what would be without it. */
  stop(): void
}

export interface AdversaryNeeds {
  readonly world: World
  readonly url: string
  readonly keys: MalloryKeys
  readonly log: Log
  onAttack(name: string, threats: readonly string[]): void
}

const NAMES = Object.keys(ATTACKS)
/** Attacks at a time, so far apart in the corpus that they are of different kinds. */
const AT_ONCE = 3
const APART = 11

export function createAdversary({ world, url, keys, log, onAttack }: AdversaryNeeds): Adversary {
  const mallory = createMallory(world, url, keys)
  const dice = world.dice.fork()
  let count = 0

  return {
    machine: mallory.machine,
    isOwn: (connectionId) => connectionId === mallory.connectionId,
    attack(which, attacked, about) {
      const [victim, other] = [targetOf(attacked), targetOf(about) ?? targetOf(attacked)]
      if (victim === undefined || other === undefined) return false
      for (let index = 0; index < AT_ONCE; index++) {
        const name = NAMES[(which + index * APART) % NAMES.length] ?? ''
        log.note('mallory', name, victim.name, other.name)
        onAttack(name, ATTACKS[name]?.threats ?? [])
        ATTACKS[name]?.try({ mallory, dice, victim, other, next: () => ++count })
      }
      return true
    },
    stop: mallory.stop,
  }
}

function targetOf(life: Life | undefined): Target | undefined {
  const stay = life?.stays.at(-1)
  if (life === undefined || stay === undefined) return undefined
  const { clientID } = stay.channel.awareness
  const isThere = currentStay(life) !== undefined
  return isThere ? { connectionId: life.connectionId as ConnectionId, clientId: clientID, name: life.name } : undefined
}
