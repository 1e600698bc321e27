/** Text as UTF-8 bytes, and back. */
const encoder = new TextEncoder()

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** How many bytes a text has. */
export const utf8Bytes = (text: string): number => utf8(text).length

/**
 * A decoder for each text: one of Safari's up to 18.4 decodes 2 GiB in all, and then nothing any more (WebKit bug 280593).
 * @throws TypeError on bytes that are no UTF-8.
 */
export const textOf = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
