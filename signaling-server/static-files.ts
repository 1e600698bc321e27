/**
 * The files of one small folder over HTTP. The folder is read once, into memory, and only what was found then is served,
 * by exact name: no path of a request ever reaches the file system.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { extname, join, relative, sep } from 'node:path'
import { decodePath } from './url-path.ts'

interface StaticFile {
  readonly contentType: string
  readonly body: Buffer
}

/** Files by their path in the URL, decoded. */
export type StaticFiles = ReadonlyMap<string, StaticFile>

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.map', 'application/json; charset=utf-8'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.ico', 'image/x-icon'],
  ['.webp', 'image/webp'],
  ['.woff2', 'font/woff2'],
  ['.webmanifest', 'application/manifest+json'],
])

/** Scripts and styles from here alone, so a name or an avatar that is a script does nothing (S8). */
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
    "form-action 'self'; frame-ancestors 'self'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
}

/** Every plain file of `folder`; dot files and links are left out. Rejects where there is no such folder. */
export async function readStaticFiles(folder: string): Promise<StaticFiles> {
  const files = new Map<string, StaticFile>()
  if (folder === '') return files
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const parts = relative(folder, path).split(sep)
    if (!entry.isFile() || parts.some((part) => part.startsWith('.'))) continue
    const contentType = CONTENT_TYPES.get(extname(path).toLowerCase()) ?? 'application/octet-stream'
    files.set(`/${parts.join('/')}`, { contentType, body: await readFile(path) })
  }
  const index = files.get('/index.html')
  if (index !== undefined) files.set('/', index)
  return files
}

/** Whether `path`, still percent-encoded, is one of the files; then it is answered. */
export function serveStaticFile(files: StaticFiles, path: string, response: ServerResponse): boolean {
  const file = files.get(decodePath(path) ?? '')
  if (file === undefined) return false
  const { contentType, body } = file
  response.writeHead(200, { ...PAGE_HEADERS, 'Content-Type': contentType, 'Content-Length': body.length }).end(body)
  return true
}
