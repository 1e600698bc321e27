/** `copresence/signaling-server`: the names that programs import. */
export type { CountedEvent } from './counts.ts'
export type { LimitName, Limits } from './limits.ts'
export type { SignalingServerOptions } from './options.ts'
export { createSignalingServer, type SignalingServer, type SignalingServerStats } from './server.ts'
