/** What a server is told when it is made: where it listens, whom it lets in, and its limits. Checks, and nothing else. */
import { PresenceError, show } from '../lib/base/errors.ts'
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits, resolveLimits } from './limits.ts'

/** The limits, each with its default and unit, are the table in `limits.ts`; `copresence serve --help` lists them. */
export interface SignalingServerOptions extends Partial<Record<LimitName, number>> {
  /** Default 4444; 0: any free one. */
  port?: number
  /** Default 127.0.0.1; 0.0.0.0 or :: for every address of the machine. */
  host?: string
  /**
   * Origins of pages that may connect, e.g. `https://example.org`. Default: any. Clients that are not browsers send no
   * origin and are let in either way, since they could send any.
   */
  origins?: readonly string[]
  /**
   * The names by which clients dial this server, `host` or `host:port`, e.g. `presence.example.org`: a client whose proof
   * names another is closed with 1008 `wrong-host`. Default: any; then a server that its clients use as well could pass our
   * challenge on to them, and come in under their connectionIds. The name is the one in the client's `servers`, so it does
   * not matter what a proxy makes of the Host header.
   */
  hosts?: readonly string[]
  /** A folder whose files are served over HTTP beside the sockets, read once at the start. Default: none. */
  demo?: string
}

export interface Settings {
  readonly port: number
  readonly host: string
  readonly origins: readonly string[]
  readonly hosts: readonly string[]
  readonly demo: string
  readonly limits: Limits
}

export interface OptionRow {
  readonly name: keyof SignalingServerOptions
  /** What follows the flag in `--help`. */
  readonly unit: string
  /** As `--help` shows it. */
  readonly default: string
  readonly meaning: string
  /** Reads the flag's text; the checks come later, in `resolveSettings`. */
  readonly parse: (text: string) => unknown
}

/** Digits and nothing else: `Number('')` would be 0 and `Number('0x10')` 16. */
const parseCount = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)

const parseList = (text: string): string[] => text.split(',').map((item) => item.trim())

/** Every option once, in the order of `--help`. */
export const OPTION_ROWS: readonly OptionRow[] = [
  { name: 'port', unit: 'number', default: '4444', meaning: 'port to listen on; 0: any free one', parse: parseCount },
  {
    name: 'host',
    unit: 'address',
    default: '127.0.0.1',
    meaning: 'address to listen on; 0.0.0.0 or :: for all',
    parse: (text) => text,
  },
  {
    name: 'origins',
    unit: 'a,b',
    default: 'any',
    meaning: 'origins of the pages that may connect, others are answered 403',
    parse: parseList,
  },
  {
    name: 'hosts',
    unit: 'a,b',
    default: 'any',
    meaning: 'host[:port] by which clients dial this server; a proof for another is closed with 1008',
    parse: parseList,
  },
  { name: 'demo', unit: 'folder', default: 'none', meaning: 'folder to serve over HTTP', parse: (text) => text },
  ...LIMIT_NAMES.map((name) => ({
    name,
    unit: LIMITS[name].unit,
    default: String(LIMITS[name].default),
    meaning: LIMITS[name].meaning,
    parse: parseCount,
  })),
]

/** @throws PresenceError `invalid-option`, with the name, the value and what it must be. */
export function resolveSettings(options: SignalingServerOptions): Settings {
  if (typeof options !== 'object' || options === null)
    throw bad('the options', `are ${show(options)}, but must be an object`)
  const { port = 4444, host = '127.0.0.1', origins = [], hosts = [], demo = '' } = options
  if (!Array.isArray(origins)) throw bad('origins', `is ${show(origins)}, but must be an array`)
  if (!Array.isArray(hosts)) throw bad('hosts', `is ${show(hosts)}, but must be an array`)
  const unknown = Object.keys(options).find((name) => !OPTION_ROWS.some((row) => row.name === name))
  if (unknown !== undefined) throw bad(unknown, 'is no option of the server')
  if (!Number.isSafeInteger(port) || port < 0 || port > 65_535)
    throw bad('port', `is ${show(port)}, but must be a whole number from 0 to 65535`)
  if (typeof host !== 'string' || host === '') throw bad('host', `is ${show(host)}, but must be an address`)
  if (typeof demo !== 'string') throw bad('demo', `is ${show(demo)}, but must be a folder`)
  for (const origin of origins) {
    if (!isOrigin(origin)) throw bad('origins', `has ${show(origin)}, but must have origins like "https://example.org"`)
  }
  for (const name of hosts) {
    if (!isHost(name))
      throw bad('hosts', `has ${show(name)}, but must have hosts like "example.org" or "localhost:4444"`)
  }
  return {
    port,
    host,
    origins: [...origins],
    hosts: [...new Set(hosts.flatMap(asSigned))],
    demo,
    limits: resolveLimits(options),
  }
}

/** As browsers send it; `null` is the origin of sandboxed and local pages. */
function isOrigin(text: unknown): boolean {
  if (text === 'null') return true
  return typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text
}

/** As a URL has it: lower case, and no port that goes without saying. */
function isHost(text: unknown): boolean {
  if (typeof text !== 'string' || text === '') return false
  return ['ws', 'wss'].some(
    (scheme) => URL.canParse(`${scheme}://${text}`) && new URL(`${scheme}://${text}`).host === text,
  )
}

/** What clients sign: the port that goes without saying is another one for ws:// and wss://. */
const asSigned = (host: string): string[] => ['ws', 'wss'].map((scheme) => new URL(`${scheme}://${host}`).host)

function bad(name: string, problem: string): PresenceError {
  return new PresenceError('invalid-option', `${name} ${problem}.`)
}
