import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

for (const transport of ['links', 'yjs'] as const) {
  describeContract(`${transport}, over the relay alone, a star around the server`, {
    meetMs: 5_000,
    hasDocuments: true,
    create: () => createWorld({ hasRelay: true, hasWebRtc: false, hasTabs: false, transport }),
  })
}
