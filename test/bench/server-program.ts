/**
 * A server as a process, so that it can be killed: `ours <port>` is the real one, `stock <port>` the stand-in for
 * y-websocket's. Prints its address when it listens.
 */
import { createSignalingServer } from '../../signaling-server/index.ts'
import { startStockRelay } from './stock-relay.ts'

const [kind, port] = [process.argv[2], Number(process.argv[3] ?? 0)]

if (kind === 'stock') console.log((await startStockRelay(port)).url)
else {
  const server = createSignalingServer({ port })
  await server.ready
  console.log(server.url)
}
