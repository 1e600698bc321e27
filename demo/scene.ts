/** From presence events to the page: keeps the last look of everybody, and shows only what changed. */
import { type Channel, type Participant, PresenceEvents } from 'copresence'
import { createAvatarsView } from './avatars.ts'
import { createCompanyView } from './company.ts'
import { type Connection, type ConnectionOptions, nextConnection, startConnection } from './connection.ts'
import { createConnectionView } from './connection-view.ts'
import { createCursorsView } from './cursors.ts'
import type { Log } from './log.ts'
import { type Person, type PersonData, readPerson } from './person.ts'
import { readReach } from './reach.ts'
import type { RoomAddress } from './room.ts'
import { sayChanges, sayJoined, sayLeft } from './words.ts'

/** How often the ways to others and to the server are looked at, in ms: they change without a presence event. */
const LOOK_EVERY_MS = 400

export interface SceneNeeds {
  readonly channel: Channel<PersonData>
  readonly ownConnectionId: string
  readonly options: RoomAddress
  readonly log: Log
}

export interface Scene {
  /** Somebody who is here, as last seen. */
  personOf(connectionId: string): Person | undefined
}

export function createScene({ channel, ownConnectionId, options, log }: SceneNeeds): Scene {
  const people = new Map<string, Person>()
  const avatars = createAvatarsView()
  const cursors = createCursorsView()
  const company = createCompanyView(options)
  const connectionView = createConnectionView(options)
  let connection = startConnection(performance.now(), options.hasServers)

  const look = (): void => {
    const inspection = channel.inspect()
    const before = connection
    connection = nextConnection(before, inspection, performance.now())
    tellServer(before, connection, options, log)
    const everyone = [...people.values()]
    const reachOf = readReach(inspection, ownConnectionId)
    avatars.show(everyone, reachOf)
    company.show(everyone, reachOf, connection.state)
    connectionView.show(connection, everyone.length - 1)
  }

  const read = (participant: Participant<PersonData>): Person => readPerson(participant, ownConnectionId)

  channel.participant.subscribe(PresenceEvents.JOINED_ROOM, (participant) => {
    const person = read(participant)
    people.set(person.connectionId, person)
    const color = person.isIntroduced ? { color: person.color } : {}
    log.add({ event: 'joined', text: sayJoined(person), name: person.name, ...color })
    cursors.show(person)
    look()
  })
  channel.participant.subscribe(PresenceEvents.UPDATE, (participant) => {
    const after = read(participant)
    const before = people.get(after.connectionId) ?? after
    people.set(after.connectionId, after)
    cursors.show(after)
    const lines = sayChanges(before, after)
    for (const text of lines) log.add({ event: 'updated', text, name: after.name, color: after.color })
    // A cursor that moves 60 times a second changes nothing else on the page.
    if (lines.length > 0 || before.isTyping !== after.isTyping || before.isIntroduced !== after.isIntroduced) look()
  })
  channel.participant.subscribe(PresenceEvents.LEAVE, (participant) => {
    const person = read(participant)
    people.delete(person.connectionId)
    log.add({ event: 'left', text: sayLeft(person), name: person.name, color: person.color })
    cursors.remove(person.connectionId)
    look()
  })

  look()
  setInterval(look, LOOK_EVERY_MS)
  return { personOf: (connectionId) => people.get(connectionId) }
}

function tellServer(before: Connection, after: Connection, { hasServers }: ConnectionOptions, log: Log): void {
  if (before.state === after.state || !hasServers) return
  if (after.state === 'offline') log.add({ event: 'server', text: 'The server is away' })
  else if (before.state === 'offline') log.add({ event: 'server', text: 'The server is back' })
}
