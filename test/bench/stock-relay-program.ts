/** The stand-in relay as a process, so that it can be killed: `stock-relay-program.ts <port>`; prints its address. */
import { startStockRelay } from './stock-relay.ts'

const { url } = await startStockRelay(Number(process.argv[2] ?? 0))
console.log(url)
