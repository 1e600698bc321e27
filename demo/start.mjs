/**
 * `npm start`: installs and builds what is missing, then serves the page, the signaling and the relay on one port.
 *
 *   node demo/start.mjs [--port 4444] [--host 127.0.0.1] [any flag of `copresence serve`]
 *
 * PORT in the environment stands in for --port.
 */
import { fileURLToPath } from 'node:url'
import { ensureInstalled, root } from '../test/setup.mjs'

ensureInstalled()
const { build } = await import('../test/build.mjs')
build({ ifChanged: true })

const command = fileURLToPath(new URL('../dist/main.mjs', import.meta.url))
const flags = ['--port', process.env.PORT ?? '4444', '--demo', `${root}dist/demo`, ...process.argv.slice(2)]
process.argv = [process.execPath, command, 'serve', ...flags]
await import('../dist/main.mjs')
