/** The demo page: joins the room of its address and shows who is there. Wiring only. */
import { type Channel, PresenceError, Realtime } from 'copresence'
import { keepColorsApart } from './color-choice.ts'
import { createFloatsView } from './floats.ts'
import { loadIdentity, saveIdentity } from './identity.ts'
import { createLog, type Log } from './log.ts'
import { createMe } from './me.ts'
import type { PersonData } from './person.ts'
import { createPointer } from './pointer.ts'
import { LOBBY, moveToRoom, type Room, readAddress } from './room.ts'
import { createScene } from './scene.ts'
import { createShare } from './share.ts'
import { createTalk } from './talk.ts'

declare global {
  interface Window {
    /** For people who open the console and want to try the library by hand. */
    copresenceDemo: { readonly realtime: Realtime; readonly channel: Channel<PersonData> }
  }
}

async function start(): Promise<void> {
  const options = readAddress(location.href)
  const identity = loadIdentity()
  saveIdentity(identity)
  const realtime = new Realtime({
    participant: { id: identity.id, name: identity.name },
    ...(options.hasWebrtc ? {} : { webrtc: false }),
    ...(options.hasServers ? {} : { servers: [] }),
    ...(options.secret === undefined ? {} : { secret: options.secret }),
  })
  const log = createLog()
  const channel = await enter(realtime, options, log)
  window.copresenceDemo = { realtime, channel }

  const scene = createScene({ channel, ownConnectionId: realtime.connectionId, options, log })
  const presence = channel.participant
  presence.update({ name: identity.name, color: identity.color, status: 'online', cursor: null, isTyping: false })
  const me = createMe(identity, (change) => presence.update(change))
  keepColorsApart(channel, realtime.connectionId, me.takeColor)
  createShare({ ...options, room: channel.name })

  const floats = createFloatsView()
  createTalk({
    channel,
    pointer: createPointer((cursor) => presence.update({ cursor })),
    onReaction(connectionId, emoji, at) {
      const from = scene.personOf(connectionId)
      if (from !== undefined) floats.reaction(emoji, at, from)
    },
    onSaying(connectionId, text, at) {
      const from = scene.personOf(connectionId)
      if (from === undefined) return
      floats.saying(text, at, from)
      log.add({ event: 'said', text: `${from.name}: ${text}`, name: from.name, color: from.color })
    },
  })
}

/** The room asked for; the lobby, and a line about it, where its name is none the library takes. */
function enter(realtime: Realtime, { room, secret }: Room, log: Log): Promise<Channel<PersonData>> {
  try {
    return realtime.connect<PersonData>(room)
  } catch (error) {
    if (!(error instanceof PresenceError) || room === LOBBY) throw error
    log.add({ event: 'room', text: 'That room name cannot be used, so this is the lobby' })
    history.replaceState(
      null,
      '',
      moveToRoom(location.href, { room: LOBBY, ...(secret === undefined ? {} : { secret }) }),
    )
    return realtime.connect<PersonData>(LOBBY)
  }
}

// A link to the same room with another secret changes nothing but the fragment, and the browser keeps the page.
addEventListener('hashchange', () => location.reload())
void start()
