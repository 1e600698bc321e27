import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

for (const transport of ['links', 'yjs'] as const) {
  describeContract(`${transport}, over WebRTC alone, a full mesh`, {
    meetMs: 15_000,
    hasDocuments: true,
    create: () => createWorld({ hasRelay: false, hasWebRtc: true, hasTabs: false, transport }),
  })
}
