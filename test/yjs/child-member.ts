/**
 * A member in a process of its own, for what only a whole process shows: does it end by itself, and what is left.
 *
 *   node --import tsx test/yjs/child-member.ts <servers, by commas> <room> <script>
 *
 * Scripts: `stay` says that it met and then lives on, until SIGUSR2 stops it; `stop-early` stops at once, while the
 * providers are loading; `stop-unreachable` stops once a server was tried in vain; `alone` does nothing more, also until SIGUSR2. What it has to say is one JSON line each on stdout.
 */
import wrtc from '@roamhq/wrtc'
import { systemClock } from '../../lib/base/clock.ts'
import type { ClientId } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createRejectCounter } from '../../lib/wire/result.ts'
import type { Transport } from '../../lib/wire/transport.ts'
import { createYjsTransport } from '../../lib/yjs/transport.ts'

const [servers = '', room = '', script = ''] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
/** More than this no turn of the event loop takes by itself. */
const LONGEST_TURN_MS = 20
const kinds = new Set<string>()
let clock = 0
let didMeet = false

const transport: Transport = createYjsTransport({
  clock: systemClock,
  clientId: process.pid as ClientId,
  nextClock: () => ++clock,
  maxEntryBytes: 10_000,
  rejects: createRejectCounter(),
  shown: () => [],
  onEvidence({ kind, path }) {
    if (kind === 'entry') kinds.add(path.kind)
    const hasAll = script !== 'alone' && kinds.has('relay') && (script.endsWith('relay') || kinds.has('direct'))
    if (hasAll) met()
  },
  onMessage: () => undefined,
  onStatus() {
    if (transport.inspect().servers[0]?.state === 'open') say({ open: true })
    if (script === 'stop-unreachable' && transport.inspect().servers[0]?.state === 'closed') met()
  },
  room,
  servers: servers === '' ? [] : servers.split(','),
  iceServers: [],
  webrtc: script.endsWith('relay') ? false : wrtc,
  tabs: true,
  random: systemRandom,
})
transport.publish({ copresence: {}, text: script })

function met(): void {
  if (didMeet) return
  didMeet = true
  say({ met: [...kinds] })
  if (script.startsWith('stop')) void stop()
}

async function stop(): Promise<void> {
  const pauses = watchPauses()
  const startedAt = performance.now()
  await transport.stop()
  const tookMs = performance.now() - startedAt
  const stopMs = tookMs - pauses.end()
  // A closed handle is gone some turns of the event loop later, and so is the loader of TypeScript.
  const left = () => process.getActiveResourcesInfo().filter((name) => !isOutput(name))
  let clearMs = 0
  for (let turn = 0; turn < 1_000 && left().length > 0; turn++) {
    const turnedAt = performance.now()
    await new Promise((resolve) => setImmediate(resolve))
    // The rest of a long turn was a pause of the machine.
    clearMs += Math.min(performance.now() - turnedAt, LONGEST_TURN_MS)
  }
  say({ stopped: true, stopMs, clearMs, left: left() })
}

/** How long this process was kept waiting by a busy machine: what its beats were late, in ms. */
function watchPauses(): { end(): number } {
  const everyMs = 10
  let lateMs = 0
  let lastAt = performance.now()
  const beat = () => {
    const now = performance.now()
    lateMs += Math.max(0, now - lastAt - 2 * everyMs)
    lastAt = now
  }
  const timer = setInterval(beat, everyMs)
  return {
    end() {
      beat()
      clearInterval(timer)
      return lateMs
    },
  }
}

/** What this process itself keeps open: its standard streams, and the TypeScript loader while the providers load. */
function isOutput(name: string): boolean {
  if (script !== 'stay' && name === 'MessagePort') return true
  return ['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'Immediate'].includes(name)
}

process.once('SIGUSR2', () => void stop())
if (script === 'stop-early') void stop()
say({ started: true })
