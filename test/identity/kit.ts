/** Two ends that say hello, and a way between them that a test may tamper with. */
import type { Crypto } from '../../lib/identity/crypto.ts'
import { createHello, type Hello, type HelloNeeds, type HelloStep } from '../../lib/identity/hello.ts'
import { createIdentity, type Identity } from '../../lib/identity/identity.ts'
import type { LinkKeys } from '../../lib/identity/seal.ts'
import { createSystemCrypto } from '../../lib/identity/system-crypto.ts'
import { createTestCrypto } from '../../lib/testing/test-crypto.ts'

/** Each crypto that must behave alike, made afresh. */
export const CRYPTOS: readonly (readonly [string, () => Crypto])[] = [
  ['WebCrypto', () => createSystemCrypto()],
  ['noble', () => createSystemCrypto({ subtle: undefined })],
  ['the test crypto', () => createTestCrypto(1)],
]

export const TOPIC = new Uint8Array(32).fill(7)
export const SECRET_KEY = new Uint8Array(32).fill(9)

export interface Pair {
  readonly crypto: Crypto
  /** The initiator: the lower connectionId. */
  readonly alice: Identity
  readonly bob: Identity
}

export function createPair(crypto: Crypto): Pair {
  const [alice, bob] = [createIdentity(crypto), createIdentity(crypto)].sort((one, other) =>
    one.connectionId < other.connectionId ? -1 : 1,
  )
  if (alice === undefined || bob === undefined) throw new Error('two were made')
  return { crypto, alice, bob }
}

/** A connection whose id is higher than both, or lower than both. */
export function createStranger(crypto: Crypto, isRight: (stranger: Identity) => boolean): Identity {
  for (;;) {
    const stranger = createIdentity(crypto)
    if (isRight(stranger)) return stranger
  }
}

type Change = Partial<Omit<HelloNeeds, 'crypto'>>

export const helloOfAlice = ({ crypto, alice, bob }: Pair, change: Change = {}): Hello =>
  createHello({ crypto, identity: alice, peer: bob.connectionId, topic: TOPIC, attempt: 0, ...change })

export const helloOfBob = ({ crypto, alice, bob }: Pair, change: Change = {}): Hello =>
  createHello({ crypto, identity: bob, peer: alice.connectionId, topic: TOPIC, attempt: 0, ...change })

export async function first(hello: Hello): Promise<Uint8Array> {
  const bytes = await hello.start()
  if (bytes === undefined) throw new Error('only the initiator speaks first')
  return bytes
}

/** What is to be sent, or an error that tells why there is nothing. */
export function sendOf(step: HelloStep): Uint8Array {
  if (!step.ok || step.send === undefined) throw new Error(`nothing to send: ${JSON.stringify(step)}`)
  return step.send
}

export function keysOf(step: HelloStep): LinkKeys {
  if (!step.ok || step.keys === undefined) throw new Error(`no keys: ${JSON.stringify(step)}`)
  return step.keys
}

export const reasonOf = (step: HelloStep): string => (step.ok ? 'ok' : step.reason)

/** A whole hello: what was said, and the keys that both ends have. */
export async function converse(alice: Hello, bob: Hello) {
  const hello1 = await first(alice)
  const hello2 = sendOf(await bob.receive(hello1))
  const atAlice = await alice.receive(hello2)
  const hello3 = sendOf(atAlice)
  return { hello1, hello2, hello3, alice: keysOf(atAlice), bob: keysOf(await bob.receive(hello3)) }
}

/** A copy with one byte changed. */
export function flip(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ mask
  return changed
}
