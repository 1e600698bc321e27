import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

describeContract('over WebRTC and the relay', {
  meetMs: 15_000,
  hasDocuments: true,
  create: () => createWorld({ hasRelay: true, hasWebRtc: true, hasTabs: false }),
})

describeContract('over WebRTC, the relay and tabs', {
  meetMs: 15_000,
  hasDocuments: true,
  create: () => createWorld({ hasRelay: true, hasWebRtc: true, hasTabs: true }),
})
