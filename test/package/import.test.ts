/** What importing does (nothing), and that programs of both formats work. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runProgram, unpacked } from './packed.ts'

/** yjs leaves this mark by design, to tell when it is loaded twice. */
const MARK_OF_YJS = '__ $YJS$ __'

/** Prints what an import left behind: globals, resources that are active, listeners of the process. */
const traces = (load: string) => `
// lib0 looks whether they are terminals, which opens them.
process.stdout.isTTY || process.stderr.isTTY
const before = new Set(Object.getOwnPropertyNames(globalThis))
const listeners = process.eventNames().length
const resources = process.getActiveResourcesInfo().length
${load}
const left = Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name) && name !== '${MARK_OF_YJS}')
if (process.getActiveResourcesInfo().length > resources) left.push(...process.getActiveResourcesInfo())
if (process.eventNames().length > listeners) left.push(...process.eventNames().map(String))
if (left.length > 0) console.log(left.join(', '))
`

it.each([
  ['import.mjs', "await import('copresence')"],
  ['import-server.mjs', "await import('copresence/signaling-server')"],
  ['import-testing.mjs', "await import('copresence/testing')"],
  ['import.cjs', "require('copresence')"],
  ['import-server.cjs', "require('copresence/signaling-server')"],
  ['import-testing.cjs', "require('copresence/testing')"],
])('[H4] importing runs nothing: %s', async (name, load) => {
  // Loading a module itself takes a file handle for a moment; what stays is looked at one turn later.
  const settle = name.endsWith('.mjs') ? '\nawait new Promise(setImmediate)\n' : ''
  expect(await runProgram(name, traces(load + settle), 10_000)).toEqual({ code: 0, output: '' })
})

it('[H8] a CommonJS program that only imports the library has loaded no provider', async () => {
  const program = `
    require('copresence')
    const loaded = Object.keys(require.cache).filter((file) => /node_modules.(y-webrtc|y-websocket|ws|simple-peer)\\b/.test(file))
    console.log(Object.keys(require.cache).some((file) => file.includes('yjs')), loaded.length)`
  expect(await runProgram('lazy.cjs', program)).toEqual({ code: 0, output: 'true 0\n' })
})

it('[H5] every import() of a CommonJS program gives the same namespace, as in an ES module', () => {
  const files = readdirSync(`${unpacked}dist`).filter((file) => file.endsWith('.cjs'))
  const text = files.map((file) => readFileSync(`${unpacked}dist/${file}`, 'utf8')).join('\n')
  const lazy = text.match(/Promise\.resolve\(\)\.then\([^\n]*require\("[^"]+"\)/g) ?? []
  expect(lazy.length).toBeGreaterThan(2)
  expect(lazy.filter((load) => load.includes('__toESM'))).toEqual([])
  expect(text).not.toMatch(/\bimport\(/)
})

/** Two members by each transport, a server of our own, WebRTC; ends by itself once they have seen each other. */
const meeting = (wrtc: string) => `
async function main() {
  for (const transport of ['links', 'yjs']) await meet(transport)
}
async function meet(transport) {
  const server = createSignalingServer({ port: 0 })
  await server.ready
  const options = { servers: [server.url], webrtc: ${wrtc}, transport }
  const alice = new Realtime({ ...options, participant: { id: 'alice' } })
  const bob = new Realtime({ ...options, participant: { id: 'bob' } })
  const channels = await Promise.all([alice.connect('room'), bob.connect('room')])
  const isDone = () =>
    channels.every((channel) => {
      const { servers } = channel.inspect()
      return channel.participant.getAll().length === 2 && servers.length === 1 && servers[0].state === 'open'
    })
  for (let tries = 0; !isDone(); tries++) {
    if (tries > 400) throw new Error(JSON.stringify(channels.map((channel) => channel.inspect())))
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await Promise.all([alice.destroy(), bob.destroy()])
  await server.close()
}`

it('[H5] two members meet in a CommonJS program, which has one Yjs', async () => {
  const program = `
    const { Realtime } = require('copresence')
    const { createSignalingServer } = require('copresence/signaling-server')
    ${meeting("require('@roamhq/wrtc')")}
    main().then(() => {
      const files = Object.keys(require.cache)
      const count = (pattern) => files.filter((file) => pattern.test(file)).length
      if (count(/node_modules.yjs.dist.yjs/) !== 1) throw new Error('not one yjs')
      if (count(/y-webrtc.dist/) !== 1 || count(/y-websocket.dist/) !== 1) throw new Error('a provider was not loaded')
    })`
  expect(await runProgram('meeting.cjs', program)).toEqual({ code: 0, output: '' })
})

it('[H5] two members meet in an ES module program', async () => {
  const program = `
    import wrtc from '@roamhq/wrtc'
    import Realtime from 'copresence'
    import { createSignalingServer } from 'copresence/signaling-server'
    ${meeting('wrtc')}
    await main()`
  expect(await runProgram('meeting.mjs', program)).toEqual({ code: 0, output: '' })
})
