/**
 * What peers may say through the signaling server, rebuilt field by field so that nothing else reaches y-webrtc.
 *
 *   data      = { type: 'announce', from } | { type: 'signal', from, to, token, signal }
 *   signal    = { type: 'offer' | 'answer', sdp } | { type: 'candidate', candidate }
 *   sealed    = base64( 'AES-GCM':varString iv:varUint8Array cipher:varUint8Array )     of `data` as lib0 `any`
 *
 * Knows shapes and sizes; which of them is welcome now, the guard decides.
 */
import * as buffer from 'lib0/buffer'
import * as decoding from 'lib0/decoding'
import { skipAny } from '../wire/document-any.ts'
import { accept, type Result, reject } from '../wire/result.ts'

/** One text from the signaling server: an SDP of a data channel is 1 to 2 kB, and its candidates come apart. */
export const MAX_SIGNALING_CHARS = 65_536
const MAX_SDP_CHARS = 32_768
const MAX_PEER_ID_CHARS = 64
const CANDIDATE =
  /^(candidate:\S{1,64} \d{1,5} (udp|tcp) \d{1,10} \S{1,256} \d{1,5} typ (host|srflx|prflx|relay).{0,1024})?$/i

export type Signal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | {
      readonly type: 'candidate'
      readonly candidate: { readonly candidate: string; readonly sdpMLineIndex?: number; readonly sdpMid?: string }
    }

export type SignalingData =
  | { readonly type: 'announce'; readonly from: string }
  | {
      readonly type: 'signal'
      readonly from: string
      readonly to: string
      readonly token: number
      readonly signal: Signal
    }

export function readSignalingData(data: unknown): Result<SignalingData> {
  if (!isRecord(data) || !isPeerId(data.from)) return refused
  const { type, from, to, token } = data
  if (type === 'announce') return accept({ type, from })
  if (type !== 'signal' || !isPeerId(to) || typeof token !== 'number' || !Number.isFinite(token)) return refused
  const signal = readSignal(data.signal)
  return signal === undefined ? refused : accept({ type, from, to, token, signal })
}

/** Renegotiation and transceivers are for media, which nobody sends here: they are refused like any other shape. */
function readSignal(signal: unknown): Signal | undefined {
  if (!isRecord(signal)) return undefined
  const { type, sdp, candidate } = signal
  if (type === 'offer' || type === 'answer') {
    return typeof sdp === 'string' && sdp.length <= MAX_SDP_CHARS ? { type, sdp } : undefined
  }
  if (type !== 'candidate' || !isRecord(candidate)) return undefined
  const { candidate: line, sdpMLineIndex, sdpMid } = candidate
  if (typeof line !== 'string' || !CANDIDATE.test(line)) return undefined
  const hasIndex = Number.isSafeInteger(sdpMLineIndex)
  const hasMid = typeof sdpMid === 'string' && sdpMid.length <= 16
  if (!hasIndex && !hasMid) return undefined
  return {
    type,
    candidate: {
      candidate: line,
      ...(hasIndex ? { sdpMLineIndex: sdpMLineIndex as number } : {}),
      ...(hasMid ? { sdpMid } : {}),
    },
  }
}

/** Opens a sealed message. Never rejects: another password, cut or made-up bytes are `signaling-refused`. */
export async function openSealed(sealed: unknown, key: CryptoKey): Promise<Result<SignalingData>> {
  try {
    if (typeof sealed !== 'string') return refused
    const decoder = decoding.createDecoder(buffer.fromBase64(sealed))
    if (decoding.readVarString(decoder) !== 'AES-GCM') return refused
    const iv = new Uint8Array(decoding.readVarUint8Array(decoder))
    const cipher = new Uint8Array(decoding.readVarUint8Array(decoder))
    const plain = new Uint8Array(await globalThis.crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, cipher))
    skipAny(decoding.createDecoder(plain))
    return readSignalingData(decoding.readAny(decoding.createDecoder(plain)))
  } catch {
    // WebCrypto does not tell why it could not decrypt, and the sender is to blame for all of it.
    return refused
  }
}

const refused = reject('signaling-refused')

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPeerId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_PEER_ID_CHARS
}
