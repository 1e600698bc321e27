/**
 * Networks of this machine's own making: an internet with a server on it, and two homes behind routers whose address
 * translation a test chooses. Everything is in namespaces of this process's name, and goes with them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** How a router translates. `cone`: one port for all far ends. `symmetric`: another one for each. */
export type Translation = 'cone' | 'symmetric'
export type Home = 'left' | 'right'

export const SERVER_ADDRESS = '10.77.0.1'
const HOMES: Readonly<Record<Home, { readonly outside: string; readonly inside: string; readonly member: string }>> = {
  left: { outside: '10.77.0.2', inside: '10.78.0.1', member: '10.78.0.2' },
  right: { outside: '10.77.0.3', inside: '10.79.0.1', member: '10.79.0.2' },
}

/** The last part of the address before that of a member's first move. */
const FIRST_MOVED = 100

export interface Networks {
  /** The namespace of the server. */
  readonly internet: string
  /** The namespace of the members at home there. */
  home(home: Home): string
  setTranslation(translation: Translation): void
  /** The member at home there has another address from now on, as after a switch of networks. */
  move(home: Home): void
  /** Whether the routers pass UDP on. */
  setUdp(isOpen: boolean): void
  /** Whether anything passes the router there, either way: what is under way is lost, and nobody is told. */
  setCut(home: Home, isCut: boolean): void
  /** Starts a program there, whose end is its starter's business. */
  run(namespace: string, command: string, args: readonly string[]): ChildProcess
  remove(): void
}

/** Why networks cannot be made here, or undefined. */
export function noNetworks(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  for (const tool of ['ip', 'iptables'])
    if (!hasTool(tool)) return `there is no ${tool} (apt-get install iproute2 iptables)`
  const probe = `cpr${process.pid}probe`
  const made = spawnSync('ip', ['netns', 'add', probe])
  if (made.status !== 0) return `no namespace can be made: ${made.stderr}`
  const translates = spawnSync('ip', ['netns', 'exec', probe, 'iptables', '-t', 'nat', '-L'])
  spawnSync('ip', ['netns', 'delete', probe])
  return translates.status === 0 ? undefined : `addresses cannot be translated: ${translates.stderr}`
}

export const hasTool = (tool: string): boolean =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${tool}`))

export function createNetworks(): Networks {
  const prefix = `cpr${process.pid}`
  const internet = `${prefix}-net`
  const routerOf = (home: Home) => `${prefix}-${home}-router`
  const homeOf = (home: Home) => `${prefix}-${home}`
  const made: string[] = []
  let moves = 0

  const ip = (...args: string[]) => must('ip', args)
  const within = (namespace: string, ...command: string[]) => ip('netns', 'exec', namespace, ...command)
  const add = (namespace: string) => {
    ip('netns', 'add', namespace)
    made.push(namespace)
    ip('-n', namespace, 'link', 'set', 'lo', 'up')
  }
  /** A cable between two namespaces. */
  const connect = (one: string, oneName: string, other: string, otherName: string) => {
    ip('link', 'add', oneName, 'netns', one, 'type', 'veth', 'peer', 'name', otherName, 'netns', other)
    ip('-n', one, 'link', 'set', oneName, 'up')
    ip('-n', other, 'link', 'set', otherName, 'up')
  }
  const eachRouter = (act: (router: string) => void) => {
    for (const home of Object.keys(HOMES) as Home[]) act(routerOf(home))
  }

  try {
    add(internet)
    ip('-n', internet, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', internet, 'addr', 'add', `${SERVER_ADDRESS}/24`, 'dev', 'bridge')
    ip('-n', internet, 'link', 'set', 'bridge', 'up')
    for (const [home, { outside, inside, member }] of Object.entries(HOMES) as [Home, (typeof HOMES)[Home]][]) {
      const router = routerOf(home)
      add(router)
      add(homeOf(home))
      connect(internet, `to-${home}`, router, 'outside')
      ip('-n', internet, 'link', 'set', `to-${home}`, 'master', 'bridge')
      connect(router, 'inside', homeOf(home), 'eth0')
      ip('-n', router, 'addr', 'add', `${outside}/24`, 'dev', 'outside')
      ip('-n', router, 'addr', 'add', `${inside}/24`, 'dev', 'inside')
      ip('-n', homeOf(home), 'addr', 'add', `${member}/24`, 'dev', 'eth0')
      ip('-n', homeOf(home), 'route', 'add', 'default', 'via', inside)
      within(router, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
      // As routers do: what was not asked for leaves no trace that could take the port of a later translation.
      within(router, 'iptables', '-A', 'INPUT', '-i', 'outside', '-p', 'udp', '-j', 'DROP')
    }
  } catch (error) {
    remove()
    throw error
  }

  function remove(): void {
    // The cables go with their ends.
    for (const namespace of made.splice(0)) spawnSync('ip', ['netns', 'delete', namespace])
  }

  return {
    internet,
    home: homeOf,
    setTranslation(translation) {
      eachRouter((router) => {
        within(router, 'iptables', '-t', 'nat', '-F', 'POSTROUTING')
        const rule = ['iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'outside', '-j', 'MASQUERADE']
        within(router, ...rule, ...(translation === 'symmetric' ? ['--random-fully'] : []))
      })
    },
    move(home) {
      const { inside, member } = HOMES[home]
      const [network = ''] = member.split(/(?<=\.)\d+$/)
      moves += 1
      ip('-n', homeOf(home), 'addr', 'flush', 'dev', 'eth0')
      ip('-n', homeOf(home), 'addr', 'add', `${network}${FIRST_MOVED + moves}/24`, 'dev', 'eth0')
      ip('-n', homeOf(home), 'route', 'add', 'default', 'via', inside)
    },
    setUdp(isOpen) {
      eachRouter((router) => {
        within(router, 'iptables', '-F', 'FORWARD')
        if (!isOpen) within(router, 'iptables', '-A', 'FORWARD', '-p', 'udp', '-j', 'DROP')
      })
    },
    setCut: (home, isCut) => within(routerOf(home), 'iptables', isCut ? '-I' : '-D', 'FORWARD', '-j', 'DROP'),
    run: (namespace, command, args) =>
      spawn('ip', ['netns', 'exec', namespace, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
    remove,
  }
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}
