/** The four identities of this field. Mixing them does not compile. Knows nothing of where they come from. */

declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

/** Self-assigned name of a participant, e.g. a user id. May repeat across tabs and devices. */
export type ParticipantId = Brand<string, 'ParticipantId'>

/** Ours: 20 to 24 URL-safe characters, one per Realtime instance. */
export type ConnectionId = Brand<string, 'ConnectionId'>

/** The Yjs number of one document in one membership, 0 to 2^53 - 1. */
export type ClientId = Brand<number, 'ClientId'>

/** The far end of one link, as the signaling names it. */
export type PeerId = Brand<string, 'PeerId'>
