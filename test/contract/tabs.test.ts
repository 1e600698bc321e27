import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

for (const transport of ['links', 'yjs'] as const) {
  describeContract(`${transport}, over tabs alone, without any server`, {
    meetMs: 5_000,
    hasDocuments: transport === 'links',
    create: () => createWorld({ hasRelay: false, hasWebRtc: false, hasTabs: true, transport }),
  })
}
