/** The command `copresence`: flags to options, one line when it listens, and an exit code. Its flags are the options' table. */
import { networkInterfaces } from 'node:os'
import { parseArgs } from 'node:util'
import { PresenceError } from '../lib/base/errors.ts'
import { OPTION_ROWS, type SignalingServerOptions } from './options.ts'
import { createSignalingServer } from './server.ts'

export interface CommandIo {
  print(line: string): void
  printError(line: string): void
  /** Resolves when the command shall end. */
  ended(): Promise<unknown>
}

/** Exit codes: 0 ended as asked, 1 could not listen, 2 used wrongly. */
export async function run(argv: readonly string[], io: CommandIo): Promise<0 | 1 | 2> {
  const parsed = parse(argv)
  if (typeof parsed === 'string') {
    io.printError(`copresence: ${parsed}\nSee: copresence serve --help`)
    return 2
  }
  if (parsed.isHelp) {
    io.print(helpText())
    return 0
  }
  return serve(parsed.options, io)
}

async function serve(options: SignalingServerOptions, io: CommandIo): Promise<0 | 1 | 2> {
  let server: ReturnType<typeof createSignalingServer>
  try {
    server = createSignalingServer(options)
  } catch (error) {
    if (!(error instanceof PresenceError)) throw error
    io.printError(`copresence: ${error.message}\nSee: copresence serve --help`)
    return 2
  }
  // Before it listens: a signal in between must find somebody.
  const ended = io.ended()
  try {
    await server.ready
  } catch (error) {
    io.printError(`copresence: cannot listen: ${error instanceof Error ? error.message : String(error)}`)
    io.printError('Choose another --port (0: any free one) or --host.')
    return 1
  }
  const page = server.url.replace(/^ws/, 'http')
  const demo = options.demo === undefined ? '' : `, demo at ${page}/`
  const others = elsewhere(options.demo === undefined ? server.url : `${page}/`, options.host)
  const forOthers = others.length === 0 ? '' : `; for others of the network: ${others.join(' ')}`
  io.print(`copresence listens on ${server.url}${demo}${forOthers}`)
  await ended
  await server.close()
  return 0
}

/** The same address as others of the network reach it, where it listens on every address of the machine. */
function elsewhere(url: string, host: string | undefined): string[] {
  if (host !== '0.0.0.0' && host !== '::') return []
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all)
  return addresses
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => url.replace(/\/\/.*:/, `//${address}:`))
}

/** The options of `serve`, or what is wrong with the arguments. */
function parse(argv: readonly string[]): { isHelp: boolean; options: SignalingServerOptions } | string {
  const flags = Object.fromEntries(OPTION_ROWS.map(({ name }) => [flagOf(name), { type: 'string' as const }]))
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...flags, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    // parseArgs names the flag and what is wrong with it.
    return error instanceof Error ? error.message : String(error)
  }
  const { values, positionals } = parsed
  if (values.help === true) return { isHelp: true, options: {} }
  if (positionals.length !== 1 || positionals[0] !== 'serve') {
    return positionals.length === 0 ? 'a command is missing' : `there is no command "${positionals.join(' ')}"`
  }
  const given = OPTION_ROWS.filter(({ name }) => typeof values[flagOf(name)] === 'string')
  const options = Object.fromEntries(given.map(({ name, parse }) => [name, parse(String(values[flagOf(name)]))]))
  return { isHelp: false, options }
}

/** maxSocketsPerIp -> max-sockets-per-ip */
function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function helpText(): string {
  const rows = OPTION_ROWS.map(({ name, unit, default: value, meaning }) => ({
    flag: `--${flagOf(name)} <${unit}>`,
    text: `${meaning} (default ${value})`,
  }))
  const width = Math.max(...rows.map(({ flag }) => flag.length))
  return [
    'Usage: copresence serve [flags]',
    '',
    'Starts the signaling/relay server. It keeps no presence and no document. Behind TLS, put a proxy before it.',
    '',
    ...rows.map(({ flag, text }) => `  ${flag.padEnd(width)}  ${text}`),
    `  ${'--help'.padEnd(width)}  this text`,
  ].join('\n')
}
