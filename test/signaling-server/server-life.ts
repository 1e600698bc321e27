/**
 * The life of a server with three sockets in a process of its own. Prints, as one line of JSON, what the process holds
 * before it, during it and after it, and ends by itself if that is nothing.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { EMPTY_SYNC_STEP_1_FRAME } from '../../lib/wire/frame.ts'
import { createSignalingServer } from '../../signaling-server/index.ts'

const resources = () => process.getActiveResourcesInfo().sort()
/** The streams of this process itself come and go with what it prints. */
const held = () =>
  resources().filter((name) => !['PipeWrap', 'TTYWrap', 'FSReqPromise', 'FSReqCallback'].includes(name))

const before = held()
const server = createSignalingServer({ port: 0 })
await server.ready
const sockets = ['/', '/yjs/room', '/yjs/room'].map((path) => new WebSocket(server.url + path))
await Promise.all(sockets.map((socket) => once(socket, 'open')))
for (const socket of sockets.slice(1)) socket.send(EMPTY_SYNC_STEP_1_FRAME)
await once(sockets[1] ?? process, 'message')
const during = held()
const ends = Promise.all(sockets.map((socket) => once(socket, 'close')))
await server.close()
await ends
// A closed handle is gone some turns of the event loop later.
for (let turn = 0; turn < 100 && held().length > before.length; turn++)
  await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify({ before, during, after: held() }))
