/** Paths of requests. */

/** The percent-decoded path, or undefined where its escapes are no UTF-8. */
export function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    // Bad escapes: the caller answers 400 or 404.
    return undefined
  }
}
