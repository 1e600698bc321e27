/** The contract inside a real Chromium, by each way that a page has and by all of them. */
import { describe, inject } from 'vitest'
import { createSecret } from '../../lib/index.ts'
import { createPageWorld, type PageWays } from '../kit/page-world.ts'
import { createViaWorld } from '../kit/via-world.ts'
import { describeContract, ROOM } from './contract.ts'

const noChromium = inject('noChromium')
const servers = inject('servers')
const [server = ''] = servers

if (noChromium !== undefined) console.warn(`SKIPPED: ${noChromium}`)

const WORLDS: readonly (readonly [name: string, meetMs: number, ways: PageWays])[] = [
  ['the relay alone', 5_000, { servers: [server], hasRelay: true, hasWebRtc: false, hasTabs: false }],
  ['WebRTC alone', 15_000, { servers: [server], hasRelay: false, hasWebRtc: true, hasTabs: false }],
  ['tabs alone', 5_000, { servers: [], hasRelay: false, hasWebRtc: false, hasTabs: true }],
  ['all ways together', 15_000, { servers: [server], hasRelay: true, hasWebRtc: true, hasTabs: true }],
]

describe.skipIf(noChromium !== undefined)('in Chromium', () => {
  for (const [name, meetMs, ways] of WORLDS)
    describeContract(`links, over ${name}`, { meetMs, hasDocuments: true, create: async () => createPageWorld(ways) })

  describeContract('links, over a neighbour alone', {
    meetMs: 5_000,
    hasDocuments: true,
    create: async () => createViaWorld({ servers, channel: ROOM, app: createSecret() }),
  })
})
