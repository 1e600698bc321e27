/**
 * The frames that travel between Yjs providers, and the two that we add for our own members.
 *
 *   frame     = sync | awareness | query | message | ended
 *   sync      = 0 step:varUint payload:varUint8Array     step 0 = state vector, 1 = answer, 2 = update
 *   awareness = 1 update:varUint8Array
 *   query     = 3                                        "tell your awareness"
 *   message   = 100 clientId:varUint seq:varUint body:varString     a `publish`; only to members who are ours
 *   ended     = 101 clientId:varUint silentMs:varUint    relay to our members: that client's socket ended, by itself
 *                                                       (0) or cut off after so long a silence
 *
 * Stock providers log an unknown frame and go on, so frames 100 and 101 are sent to our own members alone.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { ClientId } from '../base/ids.ts'
import { MAX_COUNT, MAX_FRAME_BYTES } from './limits.ts'
import { accept, attempt, type Result, reject } from './result.ts'

const SYNC = 0
const AWARENESS = 1
const AUTH = 2
const QUERY = 3
const BROADCAST_PEER_ID = 4
const MESSAGE = 100
const ENDED = 101

export type SyncStep = 0 | 1 | 2

/** A `publish` on its way: `seq` counts the sender's messages; a document that is back counts on. */
export interface MessageFrame {
  readonly clientId: ClientId
  readonly seq: number
  readonly body: string
}

export type Frame =
  | { readonly kind: 'sync'; readonly step: SyncStep; readonly payload: Uint8Array }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'query' }
  | ({ readonly kind: 'message' } & MessageFrame)
  | { readonly kind: 'ended'; readonly clientId: ClientId; readonly silentMs: number }
  /** Frames of the stock providers that mean nothing here: their auth reply and their tab introductions. */
  | { readonly kind: 'ignored' }

/** Reads one frame. Payloads are views of `bytes`, not copies. */
export function decodeFrame(bytes: Uint8Array): Result<Frame> {
  if (bytes.length > MAX_FRAME_BYTES) return reject('too-large')
  return attempt(() => {
    const decoder = decoding.createDecoder(bytes)
    const frame = readFrame(decoder)
    return frame.ok && frame.value.kind !== 'ignored' && decoding.hasContent(decoder) ? reject('malformed') : frame
  })
}

function readFrame(decoder: decoding.Decoder): Result<Frame> {
  switch (decoding.readVarUint(decoder)) {
    case SYNC: {
      const step = decoding.readVarUint(decoder)
      if (step !== 0 && step !== 1 && step !== 2) return reject('malformed')
      return accept({ kind: 'sync', step, payload: decoding.readVarUint8Array(decoder) })
    }
    case AWARENESS:
      return accept({ kind: 'awareness', update: decoding.readVarUint8Array(decoder) })
    case QUERY:
      return accept({ kind: 'query' })
    case MESSAGE: {
      const clientId = decoding.readVarUint(decoder) as ClientId
      const seq = decoding.readVarUint(decoder)
      if (seq > MAX_COUNT) return reject('malformed')
      return accept({ kind: 'message', clientId, seq, body: decoding.readVarString(decoder) })
    }
    case ENDED:
      return accept({
        kind: 'ended',
        clientId: decoding.readVarUint(decoder) as ClientId,
        silentMs: decoding.readVarUint(decoder),
      })
    case AUTH:
    case BROADCAST_PEER_ID:
      return accept({ kind: 'ignored' })
    default:
      return reject('unknown-frame')
  }
}

/** An awareness update in its frame. */
export const encodeAwarenessFrame = (update: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AWARENESS)
    encoding.writeVarUint8Array(encoder, update)
  })

export const encodeMessageFrame = ({ clientId, seq, body }: MessageFrame): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, MESSAGE)
    encoding.writeVarUint(encoder, clientId)
    encoding.writeVarUint(encoder, seq)
    encoding.writeVarString(encoder, body)
  })

export const encodeEndedFrame = (clientId: ClientId, silentMs = 0): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, ENDED)
    encoding.writeVarUint(encoder, clientId)
    encoding.writeVarUint(encoder, silentMs)
  })

/** "Tell your awareness." */
export const QUERY_FRAME: Uint8Array = Uint8Array.of(QUERY)
/** An awareness frame without entries: keeps a silent socket of a stock client from reconnecting. */
export const KEEP_ALIVE_FRAME: Uint8Array = Uint8Array.of(AWARENESS, 1, 0)
/** Sync step 1 with an empty state vector: asks for the whole document. */
export const EMPTY_SYNC_STEP_1_FRAME: Uint8Array = Uint8Array.of(SYNC, 0, 1, 0)
/** Sync step 2 with an empty V1 update: a client that is alone becomes synced. */
export const EMPTY_SYNC_STEP_2_FRAME: Uint8Array = Uint8Array.of(SYNC, 1, 2, 0, 0)
