import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

for (const transport of ['links', 'yjs'] as const) {
  describeContract(`${transport}, over WebRTC and the relay`, {
    meetMs: 15_000,
    hasDocuments: true,
    create: () => createWorld({ hasRelay: true, hasWebRtc: true, hasTabs: false, transport }),
  })

  describeContract(`${transport}, over WebRTC, the relay and tabs`, {
    meetMs: 15_000,
    hasDocuments: true,
    create: () => createWorld({ hasRelay: true, hasWebRtc: true, hasTabs: true, transport }),
  })
}
