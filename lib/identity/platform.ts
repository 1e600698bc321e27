/** What the platform's own cryptography needs of us. Knows where it is, not what it is used for. */

/** WebCrypto, where this page or process has it: plain-http pages of a LAN do not. */
export const systemSubtle = (): SubtleCrypto | undefined => globalThis.crypto.subtle as SubtleCrypto | undefined

/** Our bytes as WebCrypto's types want them: they never lie in memory that is shared between threads. */
export const asSource = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>
