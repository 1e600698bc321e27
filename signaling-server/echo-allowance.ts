/**
 * Stock clients repeat every awareness update they are sent, and answer a query with everybody's. The server drops that,
 * and what a client was sent first does not count against its rates, so that a busy room cuts nobody off.
 */
import type { GuardedSocket } from './guarded-socket.ts'
import type { Limits } from './limits.ts'

export interface EchoAllowance {
  /** So much was sent to the client and may come back. */
  expect(messageCount: number, byteCount: number): void
  /** So much did come back: taken off the rates as far as it was expected. */
  forgive(messageCount: number, byteCount: number): void
}

export function createEchoAllowance(socket: GuardedSocket, limits: Limits): EchoAllowance {
  let messages = 0
  let bytes = 0
  return {
    expect(messageCount, byteCount) {
      messages = Math.min(messages + messageCount, limits.maxMessageBurst)
      bytes = Math.min(bytes + byteCount, limits.maxByteBurst)
    },
    forgive(messageCount, byteCount) {
      if (messageCount > messages || byteCount > bytes) return
      messages -= messageCount
      bytes -= byteCount
      socket.refund(messageCount, byteCount)
    },
  }
}
