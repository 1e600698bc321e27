/** The contract inside a real Chromium over the Yjs transport: by the ways that several members of one page can share. */
import { describe, inject } from 'vitest'
import { createPageWorld } from '../kit/page-world.ts'
import { describeContract } from './contract.ts'

const noChromium = inject('noChromium')
const [server = ''] = inject('servers')

if (noChromium !== undefined) console.warn(`SKIPPED: ${noChromium}`)

describe.skipIf(noChromium !== undefined)('in Chromium', () => {
  const ways = { hasWebRtc: false, transport: 'yjs' } as const

  describeContract('yjs, over the relay alone', {
    meetMs: 5_000,
    hasDocuments: true,
    create: async () => createPageWorld({ ...ways, servers: [server], hasRelay: true, hasTabs: false }),
  })

  describeContract('yjs, over tabs alone', {
    meetMs: 5_000,
    hasDocuments: false,
    create: async () => createPageWorld({ ...ways, servers: [], hasRelay: false, hasTabs: true }),
  })
})
