/** A page without anything to look at: the library in a browser, for tests to call. */
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { yCollab } from 'y-codemirror.next'
import { Awareness } from 'y-protocols/awareness'
import { WebrtcProvider } from 'y-webrtc'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import {
  type Channel,
  type ChannelOptions,
  PresenceEvents,
  Realtime,
  type RealtimeOptions,
} from '../../../lib/index.ts'
import { trackDataChannels } from '../../kit/data-channels.ts'
import type { WorkerJoin } from './worker.ts'

/** One event as a page tells it; `at` is Unix ms. */
export interface PageEvent {
  readonly event: string
  readonly id: string
  readonly connectionId: string
  readonly data: unknown
  readonly at: number
}

const told: PageEvent[] = []
let realtime: Realtime | undefined
let channel: Channel | undefined

function live(): Channel {
  if (channel === undefined) throw new Error('not joined')
  return channel
}

/** The connections of this page, so that a test can cut one of them. */
const dataChannels = trackDataChannels()
globalThis.RTCPeerConnection = dataChannels.track(RTCPeerConnection) as typeof RTCPeerConnection

const page = {
  dataChannels,
  told,
  /** Whether this page was shown again out of the back/forward cache. */
  wasRestored: false,
  async join(id: string, room: string, options: RealtimeOptions = {}, channelOptions: ChannelOptions = {}) {
    realtime = new Realtime({ participant: { id, name: id }, ...options })
    channel = await realtime.connect(room, channelOptions)
    for (const event of Object.values(PresenceEvents)) {
      channel.participant.subscribe(event, ({ id: who, connectionId, data }) => {
        told.push({ event: event.replace('presence.', ''), id: who, connectionId, data, at: Date.now() })
      })
    }
    return realtime.connectionId
  },
  /** Another member, in a worker of this page. */
  startWorker(join: WorkerJoin) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.onerror = ({ message }) => console.error(message)
    worker.postMessage(join)
  },
  update: (data: object) => live().participant.update(data),
  getAll: () => live().participant.getAll(),
  inspect: () => live().inspect(),
  disconnect: () => live().disconnect(),
  /** An unmodified y-webrtc or y-websocket client beside the library. */
  joinStock(kind: 'y-webrtc' | 'y-websocket', room: string, server: string, name: string) {
    const doc = new Y.Doc()
    const awareness = new Awareness(doc)
    awareness.setLocalStateField('user', { name })
    if (kind === 'y-webrtc')
      new WebrtcProvider(room, doc, { signaling: [server], awareness, peerOpts: { config: { iceServers: [] } } })
    else new WebsocketProvider(`${server}/yjs`, encodeURIComponent(room), doc, { awareness })
    stockAwareness = awareness
    return doc.clientID
  },
  /** The states that the stock client sees of others. */
  stockStates: () =>
    [...(stockAwareness?.getStates() ?? [])]
      .filter(([clientId]) => clientId !== stockAwareness?.clientID)
      .map(([, state]) => state),
  /** A CodeMirror editor with the stock Yjs binding on the channel's document and awareness. */
  openEditor(name: string, color: string) {
    const { awareness, doc } = live()
    awareness.setLocalStateField('user', { name, color, colorLight: color })
    const text = doc.getText('editor')
    editor = new EditorView({
      state: EditorState.create({ doc: text.toString(), extensions: [yCollab(text, awareness)] }),
      parent: document.querySelector('#editor') ?? document.body,
    })
  },
  type(text: string) {
    editor?.focus()
    editor?.dispatch({
      changes: { from: editor.state.doc.length, insert: text },
      selection: { anchor: editor.state.doc.length + text.length },
    })
  },
  editorText: () => editor?.state.doc.toString(),
  /** Names beside the cursors of others, as the editor shows them. */
  editorCursors: () => [...document.querySelectorAll('.cm-ySelectionInfo')].map((element) => element.textContent),
}

let stockAwareness: Awareness | undefined
let editor: EditorView | undefined

window.addEventListener('pageshow', (event) => {
  page.wasRestored = event.persisted
})

export type TestPage = typeof page
declare global {
  interface Window {
    copresenceTest: TestPage
  }
}
window.copresenceTest = page
