/**
 * The transport over links of our own: introduces the mesh, the meetings, our entry and what far ends say to each other, and
 * ends them in order.
 */
import type { Doc } from 'yjs'
import type { Unsubscribe } from '../base/emitter.ts'
import type { Page } from '../base/page.ts'
import type { RandomBytes } from '../base/random.ts'
import type { Crypto } from '../identity/crypto.ts'
import type { Identity } from '../identity/identity.ts'
import type { MessageFrame } from '../wire/frame.ts'
import { encodeMessage, type LinkFrame } from '../wire/link-frame.ts'
import type { SecretState, Transport, TransportNeeds } from '../wire/transport.ts'
import type { Carrier, CarrierEnd } from './carrier.ts'
import { type Casting, createCasting } from './casting.ts'
import type { CreatePeerConnection } from './direct-carrier.ts'
import { createDocumentLinks, type DocumentLinks } from './document-links.ts'
import { createFarEnds } from './far-ends.ts'
import { createFarewell } from './farewell.ts'
import { createLease } from './lease.ts'
import type { Link } from './link.ts'
import { createMesh, type Mesh } from './mesh.ts'
import { createOwnEntry } from './own-entry.ts'
import { createRelayMeeting, type Meeting, type Server } from './relay-meeting.ts'
import { type BroadcastChannelClass, createTabMeeting } from './tab-meeting.ts'

export interface LinksTransportNeeds extends TransportNeeds {
  readonly identity: Identity
  readonly crypto: Crypto
  readonly random: RandomBytes
  readonly page?: Page | undefined
  /** The topic of the channel, and the key of its secret; they may take a while, e.g. to stretch a password. */
  readonly secrets: Promise<{ readonly topic: Uint8Array; readonly secretKey?: Uint8Array | undefined }>
  readonly servers: readonly Server[]
  /** Whether entries and frames may travel by the servers; `false`: they only introduce. */
  readonly relay: boolean
  readonly tabs: boolean
  /** The platform's own where it is left out. */
  readonly BroadcastChannelClass?: BroadcastChannelClass | undefined
  readonly createPeerConnection: CreatePeerConnection | undefined
  /** The machine has a network again, or another one. */
  onOnline(listener: () => void): Unsubscribe
  readonly iceServers: readonly RTCIceServer[]
  /** Tells whoever develops the application. */
  warn(text: string): void
  /** Given: it travels too. */
  readonly doc?: Doc | undefined
}

export function createLinksTransport(needs: LinksTransportNeeds): Transport {
  const { clientId, clock, identity, rejects } = needs
  const own = identity.connectionId
  const meetings: Meeting[] = []
  let mesh: Mesh | undefined
  let casting: Casting | undefined
  let documents: DocumentLinks | undefined
  let isStopped = false
  let ending: Promise<void> | undefined
  let leaving: Promise<unknown> | undefined
  /** The message that is on its way out, and who lacks it. */
  let spreading: { readonly message: MessageFrame; readonly late: readonly Link[] } | undefined
  /** Undefined until the secret's key is made. */
  let secretState: SecretState | undefined

  const allLinks = (): Link[] => mesh?.links() ?? []
  const reachable = (): Link[] => allLinks().filter((link) => link.isReachable())
  const farEnds = createFarEnds({ ...needs, onSucceeded: (link) => mesh?.replaceChannel(link) })
  const farewell = createFarewell({
    clock,
    links: allLinks,
    castAlone: (frame, links) => casting?.castAlone(frame, links) ?? links,
    onSaid: () => mesh?.closeDoor(),
  })
  const ownEntry = createOwnEntry({
    clock,
    clientId,
    nextClock: needs.nextClock,
    spread: (frameFor, links) => casting?.spread(frameFor, links, true) ?? [],
    reachable,
  })

  const stopListening = needs.onOnline(() => mesh?.networkChanged())
  const lease = createLease({ clock, page: needs.page, reachable })

  function start({ topic, secretKey }: Awaited<LinksTransportNeeds['secrets']>): void {
    if (isStopped) return
    secretState = secretKey === undefined ? 'none' : 'unproved'
    const made = createMesh({
      ...needs,
      own,
      hello: { crypto: needs.crypto, identity, topic, secretKey },
      onProved() {
        if (secretKey !== undefined) secretState = 'proved'
      },
      onReachable,
      onUnreachable,
      onRerouted: onReachable,
      onReturned: (link) => documents?.greet(link),
      onForgotten: farEnds.forget,
      onFrame,
    })
    mesh = made
    casting = createCasting({ ...needs, topic, senderId: own })
    const { doc } = needs
    if (doc !== undefined) documents = createDocumentLinks({ ...needs, doc, links: made.links })
    const onMeeting = {
      clock,
      own,
      topic,
      onCarrier: made.addCarrier,
      onBytes(...come: Parameters<Mesh['receive']>) {
        farewell.tend()
        made.receive(...come)
      },
      onEnd: made.removeCarrier,
    }
    const tabs = needs.tabs ? createTabMeeting(onMeeting, needs.BroadcastChannelClass) : undefined
    if (tabs !== undefined) meetings.push(tabs)
    for (const [index, server] of needs.servers.entries()) {
      meetings.push(createRelayMeeting({ ...onMeeting, server, index, isRelay: needs.relay }))
    }
  }

  function onReachable(link: Link): void {
    farEnds.reached(link)
    answer(link)
    lease.sayTo(link)
    documents?.greet(link)
  }

  /** It may lack what we said, and with it the key of what we said to several: our entry, by its own link. */
  function answer(link: Link): void {
    casting?.doubt(link)
    if (isStopped) return
    ownEntry.sayTo([link])
    // That entry does not count the message yet, so it would not ask.
    if (spreading?.late.includes(link) === false) spreading = { ...spreading, late: [...spreading.late, link] }
  }

  function onUnreachable(link: Link, how: CarrierEnd, silentMs: number): void {
    if (isStopped) return
    farEnds.lost(link, how, silentMs)
    documents?.lost()
  }

  function onFrame(link: Link, frame: LinkFrame, carrier: Carrier) {
    if (isStopped) return
    switch (frame.kind) {
      case 'entry':
        return farEnds.receiveEntry(link, frame.update, carrier)
      case 'change':
        return farEnds.receiveChange(link, frame.change, carrier)
      case 'goodbye':
        farEnds.end(link)
        mesh?.drop(link.peer)
        return documents?.parted()
      case 'ask':
        return answer(link)
      case 'castAck':
        return casting?.acknowledge(link, frame)
      case 'message':
        return farEnds.receiveMessage(link, frame)
      case 'document':
        return documents === undefined ? rejects.count('document-refused') : documents.receive(link, frame)
    }
  }

  async function end(): Promise<void> {
    isStopped = true
    if (!farewell.isHurried()) ownEntry.finish()
    ownEntry.stop()
    stopListening()
    lease.stop()
    documents?.stop()
    if (!farewell.isHurried()) await farewell.say()
    await leave()
  }

  function leave(): Promise<unknown> {
    farewell.finish()
    leaving ??= Promise.all(meetings.map((meeting) => meeting.leave()))
    mesh?.stop()
    return leaving
  }

  void needs.secrets.then(start)

  return {
    publish(state) {
      if (!isStopped) ownEntry.publish(state)
    },
    hold: ownEntry.hold,
    send(message, to) {
      const frame = encodeMessage(message)
      if (to !== undefined) {
        for (const link of reachable()) if (farEnds.isClient(link, to)) link.send(frame)
        return true
      }
      // Who never had it comes before who may have lost it.
      const due = message === spreading?.message ? spreading.late.filter((link) => link.isReachable()) : reachable()
      const late = casting?.spread(() => frame, due, false) ?? []
      spreading = late.length === 0 ? undefined : { message, late }
      return spreading === undefined
    },
    gaveUp(connectionId) {
      const link = allLinks().find(({ peer }) => peer === connectionId)
      if (link?.isReachable() === false) link.liveness().estrange()
    },
    stop(options = {}) {
      if (options.isImmediate === true) farewell.hurry()
      ending ??= end()
      // A page that ends does so with this call: what came after a wait would not come, and a browser keeps no page with a socket.
      if (farewell.isHurried()) void leave()
      return ending
    },
    inspect: () => ({
      paths: isStopped ? [] : farEnds.paths(allLinks()),
      servers: needs.servers.map((server) => ({ ...server.report(), ...(isStopped && { state: 'closed' }) })),
      links: isStopped ? new Map() : farEnds.report(allLinks()),
      ...(secretState !== undefined && { secret: secretState }),
    }),
  }
}
