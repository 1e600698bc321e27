/**
 * Two ends of a link prove to each other, in three messages over any carrier, who they are and that they have the same
 * secret, and agree on the link's keys. Knows no timers and no carriers: its user sends what it is handed, and begins
 * anew, with another attempt, where no answer came.
 *
 * A message that is refused changes nothing: whoever can only inject messages cannot end a hello.
 */
import type { ConnectionId } from '../base/ids.ts'
import type { RejectReason, Result } from '../wire/result.ts'
import { isEqualBytes } from './bytes.ts'
import { connectionIdOf } from './connection-id.ts'
import type { Agreement, Crypto } from './crypto.ts'
import {
  decodeHello,
  encodeHello2,
  encodeHello3,
  encodeOpening,
  HELLO_NONCE_BYTES,
  type HelloMessage,
} from './hello-message.ts'
import { createRun, type Run } from './hello-run.ts'
import type { Identity } from './identity.ts'
import type { LinkKeys } from './seal.ts'

export interface HelloNeeds {
  readonly crypto: Crypto
  readonly identity: Identity
  /** 32 bytes. */
  readonly topic: Uint8Array
  /** 32 bytes, where the channel has a secret. */
  readonly secretKey?: Uint8Array | undefined
  /** Who the far end has to be. The lower connectionId of the two is the initiator. */
  readonly peer: ConnectionId
  /** 0 to 2^48: which try of the initiator this is. The responder answers to whichever try comes. */
  readonly attempt: number
}

export type HelloStep =
  | {
      readonly ok: true
      /** To be sent to the far end. */
      readonly send?: Uint8Array
      /** The far end has proved itself: once for the initiator, once for each of the initiator's hellos for the responder. */
      readonly keys?: LinkKeys
    }
  | { readonly ok: false; readonly reason: RejectReason }

export interface Hello {
  /** The initiator's first message, the same on every call; undefined for the responder, who speaks when spoken to. */
  start(): Promise<Uint8Array | undefined>
  /**
   * Takes one message after the other, in the order of calls; nobody changes the bytes meanwhile. Never rejects. `way`: what it
   * came by; whoever says hellos of his own by one way crowds out none of another's.
   */
  receive(bytes: Uint8Array, way?: string): Promise<HelloStep>
}

/** Runs of a responder that wait for the initiator's proof, by each way: anybody on the carrier can begin one. */
const MAX_OPEN_RUNS = 4
/** Messages of one way that wait for their turn; further ones are refused. */
const MAX_WAITING = 16

export const createHello = (needs: HelloNeeds): Hello =>
  needs.identity.connectionId < needs.peer ? createInitiator(needs) : createResponder(needs)

function createInitiator(needs: HelloNeeds): Hello {
  const { crypto, identity, peer, attempt, topic, secretKey } = needs
  let begun: Promise<{ agreement: Agreement; hello1: Uint8Array }> | undefined
  let isDone = false

  const begin = async () => {
    const agreement = await crypto.createAgreement()
    return { agreement, hello1: encodeOpening('hello1', ownOpening(needs, agreement, attempt)) }
  }
  const beginOnce = () => {
    begun ??= begin()
    return begun
  }

  async function answer(message: HelloMessage): Promise<HelloStep> {
    if (message.kind !== 'hello2') return refuse('bad-hello')
    const { opening, head, proof } = message
    if (opening.attempt !== attempt) return refuse('stale')
    if (isDone) return refuse('replayed')
    if (!isOfPeer(needs, opening.publicKey)) return refuse('wrong-peer')
    const { agreement, hello1 } = await beginOnce()
    const run = await createRun({
      ...{ crypto, topic, secretKey, agreement, hello1, head2: head, theirAgreementKey: opening.agreementKey },
      initiatorId: identity.connectionId,
      responderId: peer,
    })
    if (run === undefined) return refuse('bad-hello')
    const problem = await run.check('R', opening.publicKey, proof)
    if (problem !== undefined) return refuse(problem)
    isDone = true
    return { ok: true, send: encodeHello3(attempt, await run.prove('I', identity)), keys: run.linkKeys('I') }
  }
  return { start: async () => (await beginOnce()).hello1, receive: createTurns(answer) }
}

/** What a responder has answered and not yet seen proved. */
interface OpenRun {
  readonly way: string
  readonly attempt: number
  readonly publicKey: Uint8Array
  readonly hello1: Uint8Array
  readonly hello2: Uint8Array
  readonly run: Run
}

function createResponder(needs: HelloNeeds): Hello {
  const { crypto, identity, peer, topic, secretKey } = needs
  /** The newest first. */
  let open: OpenRun[] = []
  let finished: { hello1: Uint8Array; hello3: Uint8Array } | undefined

  async function meet(
    message: Extract<HelloMessage, { kind: 'hello1' }>,
    bytes: Uint8Array,
    way: string,
  ): Promise<HelloStep> {
    const { publicKey, agreementKey, attempt } = message.opening
    if (!isOfPeer(needs, publicKey)) return refuse('wrong-peer')
    if (finished !== undefined && isEqualBytes(finished.hello1, bytes)) return refuse('replayed')
    const known = open.find(({ hello1 }) => isEqualBytes(hello1, bytes))
    if (known !== undefined) return { ok: true, send: known.hello2 }
    const agreement = await crypto.createAgreement()
    const hello1 = bytes.slice()
    const head2 = encodeOpening('hello2', ownOpening(needs, agreement, attempt))
    const run = await createRun({
      ...{ crypto, topic, secretKey, agreement, hello1, head2, theirAgreementKey: agreementKey },
      initiatorId: peer,
      responderId: identity.connectionId,
    })
    if (run === undefined) return refuse('bad-hello')
    const hello2 = encodeHello2(head2, await run.prove('R', identity))
    const others = open.filter((one) => one.way !== way)
    const ofWay = open.filter((one) => one.way === way).slice(0, MAX_OPEN_RUNS - 1)
    open = [{ way, attempt, publicKey: publicKey.slice(), hello1, hello2, run }, ...ofWay, ...others]
    return { ok: true, send: hello2 }
  }

  async function finish(message: Extract<HelloMessage, { kind: 'hello3' }>, bytes: Uint8Array): Promise<HelloStep> {
    if (finished !== undefined && isEqualBytes(finished.hello3, bytes)) return refuse('replayed')
    let reason: RejectReason = 'stale'
    for (const { attempt, publicKey, hello1, run } of open) {
      if (attempt !== message.attempt) continue
      const problem = await run.check('I', publicKey, message.proof)
      if (problem === undefined) {
        // The initiator is past all other runs: none of them can be finished any more.
        open = []
        finished = { hello1, hello3: bytes.slice() }
        return { ok: true, keys: run.linkKeys('R') }
      }
      if (reason !== 'wrong-secret') reason = problem
    }
    return refuse(reason)
  }

  return {
    start: async () => undefined,
    receive: createTurns(async (message, bytes, way) => {
      if (message.kind === 'hello1') return meet(message, bytes, way)
      return message.kind === 'hello3' ? finish(message, bytes) : refuse('bad-hello')
    }),
  }
}

const refuse = (reason: RejectReason): HelloStep => ({ ok: false, reason })

const ownOpening = ({ crypto, identity }: HelloNeeds, agreement: Agreement, attempt: number) => ({
  attempt,
  publicKey: identity.publicKey,
  agreementKey: agreement.publicKey,
  nonce: crypto.randomBytes(HELLO_NONCE_BYTES),
})

/** Whether a key is the far end's, and not our own come back. */
const isOfPeer = ({ crypto, identity, peer }: HelloNeeds, publicKey: Uint8Array): boolean =>
  connectionIdOf(publicKey, crypto) === peer && peer !== identity.connectionId

/** One message at a time: what arrives while another is being checked waits for its turn. */
function createTurns(
  take: (message: HelloMessage, bytes: Uint8Array, way: string) => Promise<HelloStep>,
): Hello['receive'] {
  let last: Promise<unknown> = Promise.resolve()
  const waiting = new Map<string, number>()
  return (bytes, way = '') => {
    const message: Result<HelloMessage> = decodeHello(bytes)
    if (!message.ok) return Promise.resolve(message)
    const before = waiting.get(way) ?? 0
    if (before === MAX_WAITING) return Promise.resolve(refuse('bad-hello'))
    waiting.set(way, before + 1)
    const step = last.then(() => take(message.value, bytes, way))
    last = step.finally(() => {
      const left = (waiting.get(way) ?? 1) - 1
      if (left === 0) waiting.delete(way)
      else waiting.set(way, left)
    })
    return step
  }
}
