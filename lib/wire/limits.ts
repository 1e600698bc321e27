/** Every bound on what the wire may carry. A limit is checked before anything is allocated for it. */

/** JSON bytes of one participant's data where the option says nothing (threat T6). */
export const DEFAULT_MAX_DATA_BYTES = 16_384
/** The most that `maxDataBytes` may be set to (threat T6). */
export const LARGEST_MAX_DATA_BYTES = 65_536
/** Room in an entry beside the data: id, name, and the fields of editor bindings (`user`, `cursor`, …). */
export const MAX_FIELDS_BYTES = 16_384
/** JSON bytes of one awareness entry, for a given limit of the data. */
export const maxEntryBytes = (maxDataBytes: number): number => maxDataBytes + MAX_FIELDS_BYTES
/** JSON bytes of an entry that is told as a change: a few bytes on the wire make that many to be read. */
export const MAX_CHANGED_BYTES = 16_384
/** Entries in one awareness update: a full room of members and as many again who just left it. */
export const MAX_ENTRIES_PER_FRAME = 256
/** Members of one channel, oneself included (threat T12). */
export const MAX_MEMBERS = 128
/** Counts of the wire (clocks, sequences) stay below this, so that nobody can be frozen by an inflated one (threat T3). */
export const MAX_COUNT = 2 ** 48
/**
 * Bytes of one document update that is let through to Yjs (W7): sealed, passed on by a neighbour and in the frame of a
 * server's protocol it is still no more than the 256 KiB that data channels of browsers take, and servers.
 */
export const MAX_DOCUMENT_UPDATE_BYTES = 261_120
/** Bytes of one frame between a client and the relay, or between two peers. */
export const MAX_FRAME_BYTES = 524_288
/** Characters of a channel's name, of a participant's id and of an event name of `publish`. */
export const MAX_ID_LENGTH = 64
/** Characters of a participant's name: the API sets no limit, this keeps an entry without data under 8 KiB. */
export const MAX_NAME_LENGTH = 1_024
/** Yjs client ids are unsigned integers up to this. */
export const MAX_CLIENT_ID = Number.MAX_SAFE_INTEGER
/** Bytes of one session description: an offer with a data channel and 40 candidates is under 8 KiB. */
export const MAX_DESCRIPTION_BYTES = 16_384
/** ICE candidates in one signal, of 1 KiB each: the longest that browsers make, with a host name and a password, is under 400 bytes. */
export const MAX_CANDIDATES = 16
/** How long a member may announce to be silent: some renewals of a hidden page, whose timers come once a minute. */
export const MAX_LEASE_MS = 300_000
/** Members that one list of a topic or of neighbours names; a server whose topics are larger tells them in several. */
export const MAX_LISTED_MEMBERS = 1_024
/** Receivers that one key of a sender's casts is given to, those included that it was given to again. */
export const MAX_CAST_SLOTS = 128
