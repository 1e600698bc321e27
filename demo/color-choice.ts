/** Keeps the random colours of people apart: whoever came later gives way to who was here, without anybody deciding. */
import { type Channel, PresenceEvents } from 'copresence'
import { freeColor } from './colors.ts'
import { type PersonData, readPerson } from './person.ts'

/** `takeColor` is called when somebody who was here before has one's own colour. */
export function keepColorsApart(
  channel: Channel<PersonData>,
  ownConnectionId: string,
  takeColor: (color: string) => void,
): void {
  const look = (): void => {
    const people = channel.participant
      .getAll()
      .map((participant) => readPerson(participant, ownConnectionId))
      .filter((person) => person.isIntroduced)
    const ownIndex = people.findIndex((person) => person.isSelf)
    const colors = people.map((person) => person.color)
    const own = colors[ownIndex]
    const free = own === undefined ? undefined : freeColor(own, colors.slice(0, ownIndex), colors)
    if (free !== undefined) takeColor(free)
  }
  const lastColors = new Map<string, string>()
  channel.participant.subscribe(PresenceEvents.JOINED_ROOM, look)
  channel.participant.subscribe(PresenceEvents.LEAVE, ({ connectionId }) => lastColors.delete(connectionId))
  channel.participant.subscribe(PresenceEvents.UPDATE, (participant) => {
    const { connectionId, color } = readPerson(participant, ownConnectionId)
    // Cursors move all the time; colours seldom change.
    if (lastColors.get(connectionId) === color) return
    lastColors.set(connectionId, color)
    look()
  })
}
