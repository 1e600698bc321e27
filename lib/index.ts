/** The names users import; nothing else. */
export type { Unsubscribe } from './base/emitter.ts'
export { PresenceError, type PresenceErrorCode } from './base/errors.ts'
export type { Channel, ChannelOptions } from './channel.ts'
export {
  type ChannelState,
  type PresenceEvent,
  PresenceEvents,
  RealtimeChannelEvent,
  RealtimeChannelState,
  RealtimeComponentEvent,
  RealtimeComponentState,
} from './events.ts'
export type { ChannelReport } from './inspect.ts'
export type { RealtimeMessage } from './messages.ts'
export type { RealtimeOptions } from './options.ts'
export type { Presence } from './presence.ts'
export { Realtime, Realtime as default } from './realtime.ts'
export type { Participant } from './roster/participant.ts'
export { createSecret } from './secret.ts'
