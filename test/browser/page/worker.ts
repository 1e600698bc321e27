/** A member in a worker, where there is neither a window nor WebRTC: says what it hears of others. */
import { PresenceEvents, Realtime, type RealtimeOptions } from '../../../lib/index.ts'

/** What the page sends it, once. */
export interface WorkerJoin {
  readonly id: string
  readonly room: string
  readonly options: RealtimeOptions
}

self.onmessage = async ({ data: { id, room, options } }: MessageEvent<WorkerJoin>) => {
  const realtime = new Realtime({ participant: { id, name: id }, ...options })
  const { participant } = await realtime.connect(room)
  participant.subscribe(PresenceEvents.UPDATE, (other) => {
    if (other.connectionId !== realtime.connectionId) participant.update({ heard: other.data })
  })
}
