/**
 * The transport over links of our own: turns links into evidence and our entry into frames. A link carries its far end's
 * entry, messages and document, and nobody else's; which members that makes is the roster's to decide.
 */
import type { Doc } from 'yjs'
import type { ClientId, ConnectionId } from '../base/ids.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { RandomBytes } from '../base/random.ts'
import type { Crypto } from '../identity/crypto.ts'
import type { Identity } from '../identity/identity.ts'
import { decodeAwarenessUpdate } from '../wire/awareness-update.ts'
import { encodeMessage, GOODBYE_FRAME, type LinkFrame } from '../wire/link-frame.ts'
import { PRESENCE_FIELD } from '../wire/presence-field.ts'
import type { LinkReport, Path, PathId, SecretState, Transport, TransportNeeds } from '../wire/transport.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import { type Casting, createCasting } from './casting.ts'
import type { CreatePeerConnection } from './direct-carrier.ts'
import { createDocumentLinks, type DocumentLinks } from './document-links.ts'
import type { Link } from './link.ts'
import { createMesh, type Mesh } from './mesh.ts'
import { createOwnEntry } from './own-entry.ts'
import { createRelayMeeting, type Meeting, type Server } from './relay-meeting.ts'
import { type BroadcastChannelClass, createTabMeeting } from './tab-meeting.ts'

export interface LinksTransportNeeds extends TransportNeeds {
  readonly identity: Identity
  readonly crypto: Crypto
  readonly random: RandomBytes
  /** The topic of the channel, and the key of its secret; they may take a while, e.g. to stretch a password. */
  readonly secrets: Promise<{ readonly topic: Uint8Array; readonly secretKey?: Uint8Array }>
  readonly servers: readonly Server[]
  /** Whether entries and frames may travel by the servers; `false`: they only introduce. */
  readonly relay: boolean
  readonly tabs: boolean
  /** The platform's own where it is left out. */
  readonly BroadcastChannelClass?: BroadcastChannelClass
  readonly createPeerConnection: CreatePeerConnection | undefined
  readonly iceServers: readonly RTCIceServer[]
  /** Given: it travels too. */
  readonly doc?: Doc
}

/** What the far end of a link last said of itself. */
interface Far {
  /** The client id that it says it has. */
  readonly saidId: ClientId
  /** The one that we know it by: another where a second one claims the same. */
  readonly clientId: ClientId
  clock: number
  /** How its link ended, while nothing reaches it. */
  end: CarrierEnd | undefined
}

/** How often carriers are looked at that still have to send. */
const FLUSH_CHECK_MS = 50
/** The longest that `stop` waits for goodbyes to leave. */
const FLUSH_MS = 300
/** Data channels report an empty buffer before the last message has left the machine. */
const LINGER_MS = 50

export function createLinksTransport(needs: LinksTransportNeeds): Transport {
  const { clientId, clock, identity, rejects } = needs
  const own = identity.connectionId
  const farEnds = new Map<ConnectionId, Far>()
  const meetings: Meeting[] = []
  let mesh: Mesh | undefined
  let casting: Casting | undefined
  let documents: DocumentLinks | undefined
  let isStopped = false
  let ending: Promise<void> | undefined
  let isImmediate = false
  /** Undefined until the secret's key is made. */
  let secretState: SecretState | undefined
  const goodbyes = new Set<'neighbours' | 'others'>()
  let wake = (): void => undefined

  const reachable = (): Link[] => (mesh?.links() ?? []).filter((link) => link.isReachable())
  const ownEntry = createOwnEntry({
    clock,
    clientId,
    nextClock: needs.nextClock,
    spread: (frame, links) => casting?.spreadPaced(frame, links) ?? [],
    reachable,
  })

  const pathOf = (link: Link, far: Far): Path => ({
    id: `link:${link.peer}` as PathId,
    kind: link.best()?.kind ?? 'relay',
    clientId: far.clientId,
    connectionId: link.peer,
  })

  function start({ topic, secretKey }: Awaited<LinksTransportNeeds['secrets']>): void {
    if (isStopped) return
    secretState = secretKey === undefined ? 'none' : 'unproved'
    const made = createMesh({
      clock,
      random: needs.random,
      own,
      hello: { crypto: needs.crypto, identity, topic, ...(secretKey === undefined ? {} : { secretKey }) },
      rejects,
      createPeerConnection: needs.createPeerConnection,
      iceServers: needs.iceServers,
      onProved() {
        if (secretKey !== undefined) secretState = 'proved'
      },
      onReachable,
      onUnreachable,
      onRerouted: onReachable,
      onForgotten: (peer) => void farEnds.delete(peer),
      onFrame,
    })
    mesh = made
    casting = createCasting({ clock, crypto: needs.crypto, topic, senderId: own })
    if (needs.doc !== undefined) documents = createDocumentLinks(needs.doc, rejects, () => made.links())
    const onMeeting = {
      clock,
      own,
      topic,
      onCarrier: made.addCarrier,
      onBytes: made.receive,
      onEnd: made.removeCarrier,
    }
    const tabs = needs.tabs ? createTabMeeting(onMeeting, needs.BroadcastChannelClass) : undefined
    if (tabs !== undefined) meetings.push(tabs)
    for (const [index, server] of needs.servers.entries()) {
      meetings.push(createRelayMeeting({ ...onMeeting, server, index, isRelay: needs.relay, onStatus: needs.onStatus }))
    }
  }

  function onReachable(link: Link): void {
    const far = farEnds.get(link.peer)
    if (far !== undefined) far.end = undefined
    ownEntry.refresh()
    answer(link)
    documents?.greet(link)
  }

  /** It may lack what we said, and with it the key of what we said to several: our entry, by its own link. */
  function answer(link: Link): void {
    casting?.doubt(link)
    if (!isStopped) ownEntry.sayTo([link])
  }

  function onUnreachable(link: Link, how: CarrierEnd, silentMs: number): void {
    const far = farEnds.get(link.peer)
    if (far === undefined || isStopped) return
    far.end = how
    needs.onEvidence({ kind: how, path: pathOf(link, far), ...(silentMs > 0 && { silentMs }) })
  }

  function onFrame(link: Link, frame: LinkFrame) {
    if (isStopped) return
    switch (frame.kind) {
      case 'entry':
        return receiveEntry(link, frame.update)
      case 'goodbye':
        endFar(link)
        return mesh?.drop(link.peer)
      case 'ask':
        return answer(link)
      case 'castAck':
        return casting?.acknowledge(link, frame)
      case 'message': {
        const far = farEnds.get(link.peer)
        if (far?.saidId !== frame.clientId) return rejects.count('not-owner')
        return needs.onMessage(pathOf(link, far), { ...frame, clientId: far.clientId })
      }
      case 'document':
        return documents === undefined ? rejects.count('document-refused') : documents.receive(link, frame)
    }
  }

  /** [T1] A link writes the entry of its far end, under its far end's connection, and no other. */
  function receiveEntry(link: Link, update: Uint8Array) {
    const decoded = decodeAwarenessUpdate(update, needs.maxEntryBytes)
    if (!decoded.ok) return rejects.count(decoded.reason)
    const [said, ...more] = decoded.value
    if (said === undefined || more.length > 0 || said.state === null) return rejects.count('malformed')
    if (said.clientId === clientId) return rejects.count('own-entry')
    if (connectionOf(said.state) !== link.peer) return rejects.count('not-owner')
    // One link, a newer membership: the older one has ended, even where its goodbye went by a carrier that is gone.
    if (farEnds.get(link.peer)?.saidId !== said.clientId) endFar(link)
    const far = farEnds.get(link.peer) ?? { ...nameFar(said.clientId), clock: said.clock, end: undefined }
    far.clock = Math.max(far.clock, said.clock)
    farEnds.set(link.peer, far)
    const path = pathOf(link, far)
    needs.onEvidence({ kind: 'entry', path, entry: { ...said, clientId: far.clientId } })
    // Opened late: what carried it has ended meanwhile, and opens no way any more.
    if (!link.isReachable()) needs.onEvidence({ kind: far.end ?? 'lost', path })
  }

  /** [T4] Client ids are not proved. Whoever claims one that another has gets a name of ours, and keeps nobody out. */
  function nameFar(saidId: ClientId): Omit<Far, 'clock' | 'end'> {
    const isTaken = [...farEnds.values()].some((far) => far.clientId === saidId)
    if (!isTaken) return { saidId, clientId: saidId }
    const random = needs.random(6).reduce((number, byte) => number * 256 + byte, 0)
    return { saidId, clientId: random as ClientId }
  }

  function endFar(link: Link): void {
    const far = farEnds.get(link.peer)
    if (far === undefined) return
    farEnds.delete(link.peer)
    needs.onEvidence({ kind: 'goodbye', path: pathOf(link, far), clock: far.clock })
  }

  async function flush(): Promise<void> {
    const links = mesh?.links() ?? []
    const pause = (ms: number) =>
      new Promise<void>((resolve) => {
        const cancel = clock.setTimer(resolve, ms)
        wake = () => {
          cancel()
          resolve()
        }
      })
    const carriers = links.flatMap((link) => link.carriers())
    const giveUpAtMs = clock.moment().steadyMs + FLUSH_MS
    while (!isImmediate && carriers.some((carrier) => carrier.backlogBytes() > 0)) {
      if (clock.moment().steadyMs >= giveUpAtMs) break
      await pause(FLUSH_CHECK_MS)
    }
    if (!isImmediate && carriers.some(({ kind }) => kind === 'direct')) await pause(LINGER_MS)
  }

  const settled = () => Promise.all((mesh?.links() ?? []).map((link) => link.settled()))

  function sayGoodbyes(by: 'neighbours' | 'others', said?: ReadonlyMap<Link, Carrier | undefined>): void {
    if (goodbyes.has(by)) return
    goodbyes.add(by)
    for (const link of mesh?.links() ?? []) link.sayGoodbye(by, said?.get(link))
  }

  /** Says goodbye once for several, and tells whom that reached by what. */
  async function castGoodbyes(): Promise<Map<Link, Carrier | undefined>> {
    const links = reachable()
    const rest = casting?.castAlone(GOODBYE_FRAME, links) ?? links
    const said = links.filter((link) => !rest.includes(link)).map((link) => [link, link.best()] as const)
    await settled()
    return new Map(said)
  }

  async function end(): Promise<void> {
    isStopped = true
    if (!isImmediate) ownEntry.finish()
    ownEntry.stop()
    documents?.stop()
    // Whoever opens a goodbye opens nothing older after it: what was said before it goes first.
    if (!isImmediate) await settled()
    sayGoodbyes('neighbours')
    if (!isImmediate) await settled()
    const said = isImmediate ? undefined : await castGoodbyes()
    sayGoodbyes('others', said)
    if (!isImmediate) await flush()
    const left = meetings.map((meeting) => meeting.leave())
    mesh?.stop()
    await Promise.all(left)
  }

  void needs.secrets.then(start)

  return {
    publish(state) {
      if (!isStopped) ownEntry.publish(state)
    },
    hold: ownEntry.hold,
    send(message, to) {
      const frame = encodeMessage(message)
      if (to === undefined) return casting?.spread(frame, reachable())
      for (const link of reachable()) if (farEnds.get(link.peer)?.clientId === to) link.send(frame)
    },
    stop(options = {}) {
      if (options.isImmediate === true) {
        isImmediate = true
        wake()
      }
      ending ??= end()
      if (isImmediate) {
        sayGoodbyes('neighbours')
        sayGoodbyes('others')
      }
      return ending
    },
    inspect: () => ({
      paths: isStopped ? [] : (mesh?.links() ?? []).flatMap((link) => pathsOf(link, farEnds.get(link.peer))),
      servers: needs.servers.map((server) => ({ ...server.report(), ...(isStopped && { state: 'closed' }) })),
      links: isStopped ? new Map() : reportLinks(mesh?.links() ?? [], farEnds),
      ...(secretState !== undefined && { secret: secretState }),
    }),
  }
}

/** Every open way to a far end that has said who it is, the best first. */
function pathsOf(link: Link, far: Far | undefined): Path[] {
  if (far === undefined || !link.isReachable()) return []
  const carriers = link.carriers().filter(({ isIntroduction }) => isIntroduction !== true)
  return carriers.map(({ id, kind }) => ({ id: `${id}:${link.peer}` as PathId, kind, clientId: far.clientId }))
}

/** Links whose far end has not said who it is are nobody's. */
function reportLinks(links: readonly Link[], farEnds: ReadonlyMap<ConnectionId, Far>): Map<ClientId, LinkReport> {
  return new Map(
    links.flatMap((link) => {
      const far = farEnds.get(link.peer)
      return far === undefined ? [] : [[far.clientId, link.report()] as const]
    }),
  )
}

function connectionOf(state: JsonObject): unknown {
  const field = state[PRESENCE_FIELD]
  return isJsonObject(field) ? field.connectionId : undefined
}
