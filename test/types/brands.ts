/** [H12] The four identities are told apart by the compiler; this file compiles only while each mistake is one. */
import type { ClientId, ConnectionId, ParticipantId, PeerId } from '../../lib/base/ids.ts'

declare const participantId: ParticipantId
declare const connectionId: ConnectionId
declare const clientId: ClientId
declare const peerId: PeerId

declare function takesParticipantId(id: ParticipantId): void
declare function takesConnectionId(id: ConnectionId): void
declare function takesClientId(id: ClientId): void
declare function takesPeerId(id: PeerId): void

export function mistakes(): void {
  // @ts-expect-error a connectionId is not a participant's id
  takesParticipantId(connectionId)
  // @ts-expect-error a peerId is not a participant's id
  takesParticipantId(peerId)
  // @ts-expect-error a participant's id is not a connectionId
  takesConnectionId(participantId)
  // @ts-expect-error a peerId is not a connectionId
  takesConnectionId(peerId)
  // @ts-expect-error a connectionId is not a peerId
  takesPeerId(connectionId)
  // @ts-expect-error a participant's id is not a peerId
  takesPeerId(participantId)
  // @ts-expect-error any number is not a clientId
  takesClientId(7)
  // @ts-expect-error any text is not a connectionId
  takesConnectionId('kQ3v0dYtX2Zb8cRmW1pLsA')
  // @ts-expect-error a clientId is not a peerId
  takesPeerId(clientId)
}
