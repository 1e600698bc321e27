/** base64 in its URL-safe alphabet, without padding (RFC 4648 section 5). The one of lib0 fails in a worker. */
export function toBase64Url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
