import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

describeContract('over WebRTC alone, a full mesh', {
  meetMs: 15_000,
  hasDocuments: true,
  create: () => createWorld({ hasRelay: false, hasWebRtc: true, hasTabs: false }),
})
