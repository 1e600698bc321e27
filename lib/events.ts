/** The names of the documented events and states. Knows strings and nothing else. */
import { PresenceError, show } from './base/errors.ts'

export const PresenceEvents = {
  JOINED_ROOM: 'presence.joined-room',
  LEAVE: 'presence.leave',
  UPDATE: 'presence.update',
} as const
export type PresenceEvent = (typeof PresenceEvents)[keyof typeof PresenceEvents]

export const RealtimeComponentState = { STARTED: 'STARTED', STOPPED: 'STOPPED' } as const
export type RealtimeComponentState = (typeof RealtimeComponentState)[keyof typeof RealtimeComponentState]

export const RealtimeComponentEvent = { REALTIME_STATE_CHANGED: 'realtime-component.state-changed' } as const
export type RealtimeComponentEvent = (typeof RealtimeComponentEvent)[keyof typeof RealtimeComponentEvent]

export const RealtimeChannelState = {
  CONNECTING: 'CONNECTING',
  CONNECTED: 'CONNECTED',
  DISCONNECTED: 'DISCONNECTED',
} as const
export type RealtimeChannelState = (typeof RealtimeChannelState)[keyof typeof RealtimeChannelState]
export type ChannelState = RealtimeChannelState

export const RealtimeChannelEvent = { REALTIME_CHANNEL_STATE_CHANGED: 'realtime-channel.state-changed' } as const
export type RealtimeChannelEvent = (typeof RealtimeChannelEvent)[keyof typeof RealtimeChannelEvent]

/** @throws PresenceError `unknown-event` unless `event` is one of `known`. */
export function checkEvent(event: unknown, known: readonly string[]): void {
  if (known.includes(event as string)) return
  throw new PresenceError(
    'unknown-event',
    `There is no event ${show(event)}; the events here are ${known.join(', ')}.`,
    {
      hint: 'Check the spelling, or use the constants that the package exports.',
    },
  )
}

/** @throws PresenceError `invalid-option` unless `listener` is a function. */
export function checkListener(listener: unknown): void {
  if (typeof listener === 'function') return
  throw new PresenceError('invalid-option', `A listener must be a function, this is ${show(listener)}.`)
}

/** @throws PresenceError `invalid-option` unless it is an AbortSignal or undefined. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new PresenceError('invalid-option', `Option signal must be an AbortSignal, this is ${show(signal)}.`)
}
