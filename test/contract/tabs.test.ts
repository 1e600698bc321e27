import { createWorld } from '../kit/worlds.ts'
import { describeContract } from './contract.ts'

describeContract('over tabs alone, without any server', {
  meetMs: 5_000,
  hasDocuments: false,
  create: () => createWorld({ hasRelay: false, hasWebRtc: false, hasTabs: true }),
})
